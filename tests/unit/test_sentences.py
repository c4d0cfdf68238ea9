"""Where a text is cut: never inside a number or behind an abbreviation, and however its tokens arrive."""

# ruff: noqa: RUF001 - marks and letters of many scripts look like Latin ones

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smallest_nb.client.sentences import MOST_CHARACTERS, SentenceAggregator, is_speakable, split_text

LONG = "The committee that met on the first floor of the old building behind the station decided"
"""88 characters without a mark."""
WHOLE = [
    "1,250,000", "1.250.000,50", "10:30", "10:30:15", "3.14", "1.2.3", "0,5", "12:1", "2026-11-30",
    "e.g.", "i.e.", "a.m.",
    "https://example.org/a,b;c:d?x=1,2", "ada.lovelace@example.org", "192.168.0.1", "1 250 000", "1\u202f250\u202f000",
    "A:B", "f(x)=3", "don't;stop", "10：30", "१०:३०", "१,२५,०००", "٣٫١٤", "v1.2,rc1", "C:\\a,b", "word,word", "2)",
]  # fmt: skip


def streamed(text, language, cuts):
    sentences, found, start = SentenceAggregator(language), [], 0
    for end in [*sorted(c % (len(text) + 1) for c in cuts), len(text)]:
        found += sentences.push(text[start:end])
        start = end
    return found + sentences.flush()


@pytest.mark.parametrize("whole", WHOLE)
def test_T1_a_mark_between_two_characters_is_no_pause(whole):
    for shift in range(0, 60, 2):
        filler = " ".join(["and"] * 22)[shift:]
        text = (
            f"{LONG} {filler.strip()} {whole} more of it was spent, and nothing else was said about that "
            + "by them " * 6
        )
        if whole == "2)":
            text = text.replace(" 2)", " then 2)")
        for parts in (split_text(text), streamed(text, "en", range(0, 300, 3))):
            assert len(parts) > 1, "it is longer than one part"
            assert any(whole in part for part in parts), parts
            assert all(len(part) <= MOST_CHARACTERS for part in parts)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("，".join(["我们今天一起去公园散步"] * 30), "，"),
        ("、".join(["りんごとみかん"] * 50), "、"),
        ("；".join(["他说的话没有人相信"] * 30), "；"),
    ],
)
def test_T1_marks_of_scripts_without_blanks_are_pauses(text, end):
    parts = split_text(text, "zh")
    assert len(parts) > 1
    assert all(part.endswith(end) for part in parts[:-1])
    assert "".join(parts) == text


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        (
            "zh",
            "我们今天一起去公园散步，然后回家吃饭，最后看电影。他说的话没有人相信，可是我觉得他说得很对，你说呢？",
            2,
        ),
        (
            "ja",
            "今日は朝からとても良い天気ですね、散歩に行きましょう。昨日は一日中ずっと雨が降っていました、残念でした。",
            2,
        ),
        ("hi", "आज सुबह से बहुत अच्छा मौसम है।कल पूरे दिन बारिश होती रही थी।", 2),
        ("en", "We will meet at the corner of the street.Then we go on together.", 1),
        ("en", "Please see example.org/help.Then call us if it does not work.", 1),
    ],
)
def test_T1_only_marks_that_mean_nothing_else_end_without_a_blank(language, text, count):
    assert len(split_text(text, language)) == count
    assert len(streamed(text, language, range(100))) == count


ABBREVIATIONS = {
    "hi": [
        "डॉ.",
        "श्री.",
        "श्रीमती.",
        "प्रो.",
        "कि.मी.",
        "कि.ग्रा.",
        "रु.",
        "पं.",
        "स्व.",
        "सं.",
        "से.मी.",
        "उ.प्र.",
        "एम.",
        "Dr.",
    ],
    "mr": ["डॉ.", "श्री.", "सौ.", "प्रा.", "कि.मी.", "इ.स.", "क्र.", "रु."],
    "gu": ["ડૉ.", "શ્રી.", "પ્રો.", "કિ.મી.", "રૂ."],
    "pa": ["ਡਾ.", "ਸ੍ਰੀ.", "ਪ੍ਰੋ.", "ਕਿ.ਮੀ.", "ਰੁ."],
    "bn": ["ডা.", "ড.", "মো.", "অধ্যাপক.", "কি.মি.", "রু."],
    "or": ["ଡା.", "ଶ୍ରୀ.", "ପ୍ରଫେ.", "କି.ମି."],
    "ta": ["டாக்டர்.", "திரு.", "திருமதி.", "பேரா.", "கி.மீ.", "ரூ.", "கி.மு."],
    "te": ["డా.", "శ్రీ.", "ప్రొ.", "కి.మీ.", "రూ.", "క్రీ.శ."],
    "kn": ["ಡಾ.", "ಶ್ರೀ.", "ಪ್ರೊ.", "ಕಿ.ಮೀ.", "ರೂ."],
    "ml": ["ഡോ.", "ശ്രീ.", "പ്രൊഫ.", "കി.മീ.", "രൂ."],
    "ar": ["د.", "أ.", "أ.د.", "ق.م.", "ص.ب."],
    "he": ['ד"ר.', "פרופ.", "גב.", "מס.", "רח."],
    "ru": ["г.", "ул.", "проф.", "т.е.", "руб.", "млн.", "напр."],
    "en": ["Dr.", "Mr.", "Mrs.", "Ms.", "Prof.", "St.", "e.g.", "Rs.", "Smt.", "approx.", "vs."],
    "es": ["Sr.", "Sra.", "Dr.", "Dña.", "Ud.", "aprox.", "p.ej."],
    "fr": ["M.", "Mme.", "Dr.", "Mlle.", "St.", "p.ex."],
    "de": ["Dr.", "Nr.", "z.B.", "inkl.", "Abb.", "Tel."],
    "it": ["Sig.", "Dott.", "Dott.ssa.", "pag."],
    "nl": ["dhr.", "mevr.", "dr.", "d.w.z.", "bijv."],
    "pt": ["Sr.", "Srta.", "Profa.", "pág.", "Av."],
    "pl": ["dr.", "mgr.", "inż.", "ul.", "np.", "m.in.", "św."],
    "sv": ["t.ex.", "bl.a.", "kl.", "inkl."],
    "tr": ["Dr.", "Doç.", "Av.", "Sok.", "örn."],
    "fi": ["esim.", "klo.", "nro."],
    "no": ["f.eks.", "bl.a.", "kl."],
    "id": ["Bpk.", "Jl.", "Tn.", "Dr."],
    "ms": ["En.", "Pn.", "Jln."],
    "vi": ["TS.", "GS.", "TP."],
    "el": ["κ.", "π.χ.", "σελ.", "τηλ."],
}
NAMES = {"hi": "राव", "mr": "राव", "gu": "રાવ", "pa": "ਰਾਵ", "bn": "রাও", "or": "ରାଓ", "ta": "ராவ்", "te": "రావు",
         "kn": "ರಾವ್", "ml": "റാവു", "ar": "أحمد", "he": "כהן", "ru": "Иванов", "el": "Νίκος"}  # fmt: skip


@pytest.mark.parametrize(("language", "words"), ABBREVIATIONS.items())
def test_T2_an_abbreviation_ends_no_sentence(language, words):
    name = NAMES.get(language, "Anna")
    for word in words:
        before, after = f"{name} {name} {name} {name} {name}", f"{name} {name} {name} {name} {name} {name}"
        text = f"{before} {word} {after}"
        assert split_text(text, language) == [text]
        assert streamed(text, language, range(len(text))) == [text]
        sentences = SentenceAggregator(language)
        assert sentences.push(f"{before} {word}") == []
        assert not sentences.ended, "a pause of the writer does not end it either"


def test_T2_the_sentence_around_it_ends_all_the_same():
    text = "कल सुबह ठीक दस बजे डॉ. राव आए और बोले कि सब ठीक है। फिर वे सब लोग अपने घर चले गए।"
    parts = ["कल सुबह ठीक दस बजे डॉ. राव आए और बोले कि सब ठीक है।", "फिर वे सब लोग अपने घर चले गए।"]
    assert split_text(text, "hi") == streamed(text, "hi", range(100)) == parts
    assert split_text(text, "en") == split_text(text, "hi_IN") == parts, "texts mix languages"
    assert split_text("We met him at the station yesterday kl. Then we went home again.", "en") == [
        "We met him at the station yesterday kl.", "Then we went home again.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1. Open the door. 2. Close it again.", ["1. Open the door. 2. Close it again."]),
        (
            "1. Open the front door slowly. 2. Close it again behind you. 10. Lock it with both keys.",
            ["1. Open the front door slowly.", "2. Close it again behind you.", "10. Lock it with both keys."],
        ),
        ("Do this now: 1. Open the door. Then wait for a while.",
         ["Do this now: 1. Open the door.", "Then wait for a while."]),
        ("a. Open the front door slowly. b. Close it again behind you.",
         ["a. Open the front door slowly.", "b. Close it again behind you."]),
        ("iv. Open the front door slowly. v. Close it again behind you.",
         ["iv. Open the front door slowly.", "v. Close it again behind you."]),
        ("1.2. Open the front door slowly. 1.3. Close it again behind you.",
         ["1.2. Open the front door slowly.", "1.3. Close it again behind you."]),
        ("Please follow these steps:\n1. Open it.\n2. Close it again now.\n",
         ["Please follow these steps:\n1. Open it.", "2. Close it again now."]),
        ("The number that we are looking for is 5. That is all there is to say.",
         ["The number that we are looking for is 5.", "That is all there is to say."]),
    ],
)  # fmt: skip
def test_T3_a_numeral_stays_with_what_it_numbers(text, parts):
    assert split_text(text) == parts
    for size in (1, 2, 3, 5, 8, 100):
        assert streamed(text, "en", range(0, len(text), size)) == parts


def test_T3_a_pause_of_the_writer_does_not_part_a_numeral_from_its_item():
    sentences = SentenceAggregator()
    assert sentences.push("1. Open the front door slowly. 2.") == ["1. Open the front door slowly."]
    assert not sentences.ended
    assert sentences.push(" Close it again behind you.") == []
    assert sentences.ended
    assert sentences.flush() == ["2. Close it again behind you."]


def test_T3_a_long_item_is_cut_elsewhere():
    for shift in range(12):
        text = f"{LONG}{'x' * shift} {LONG}, " + "2) close the door behind you " * 8
        assert not any(re.search(r"\b2\)$", part) for part in split_text(text))


ALPHABET = st.sampled_from(
    [*"aB1.,:;!?()'\" \n", "é", "。", "、", "।", "डॉ", "؟", "Dr", " 3.5", ". ", ", ", "\n\n", "  "]
)
TEXTS = st.lists(ALPHABET, max_size=60).map("".join) | st.lists(
    st.sampled_from(["Open the door.", "1.", "2.", "Dr.", "Yes.", "1,250,000", "यह ठीक है।", "डॉ.", "你好。", LONG]),
    max_size=12,
).map(" ".join)  # fmt: skip


@given(TEXTS, st.lists(st.integers(0, 1000), max_size=30), st.sampled_from(["en", "hi", "de", "zh", "auto"]))
@example("Am 3. Oktober kam er an.", list(range(30)), "de")
@example('He said "Go. Now." Then he left.', list(range(40)), "en")
@example(f"{LONG}. " * 4, [88, 89, 90, 177, 178], "en")
@example(f"{LONG} {LONG} {LONG}", [199, 200, 201], "en")
def test_T1_the_same_text_gives_the_same_parts_however_its_tokens_arrive(text, cuts, language):
    whole = streamed(text, language, [])
    assert streamed(text, language, cuts) == whole
    assert streamed(text, language, range(len(text))) == whole
    for parts in (whole, split_text(text, language)):
        assert all(len(part) <= MOST_CHARACTERS and is_speakable(part) and part == part.strip() for part in parts)
        kept = "".join(c for part in parts for c in part if c.isalnum())
        assert kept == "".join(c for c in text if c.isalnum()), "nothing is lost or doubled"


@pytest.mark.parametrize(
    "unit", ["a", "a. ", "1. ", "。", "、", "a, ", " ", "\n\n", "...", "(", "1,2", "\u0301", "Dr. "]
)
def test_T1_a_long_text_costs_no_more_than_its_length(unit):
    """Bounded by what is looked at: a quadratic search would take hours."""
    parts = split_text(unit * (60_000 // len(unit)))
    assert all(len(part) <= MOST_CHARACTERS for part in parts)
