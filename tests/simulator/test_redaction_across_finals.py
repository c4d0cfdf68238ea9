"""Personal data that is spoken, spelled, or cut in two by the end of a final is hidden in every way of writing."""

from __future__ import annotations

import re

import pytest
from simulated import CLOSE, finals, hear, speak

from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.redaction import Redactor
from smallest_nb.simulator.text.wording import Wording

FORMS = {
    "heard": Wording(numerals="false", punctuate=False, capitalize=False),
    "auto": Wording(),
    "digits": Wording(numerals="true"),
    "itn": Wording(itn=True),
}
HINDI = Wording("hi")


def redacted(text, wording, **options):
    """Return each final of a session; `|` ends one."""
    redactor = Redactor(**{"pii": True, "pci": True, "language": wording.language, **options})
    shown = []
    for final in text.split("|"):
        words = [RecognisedWord(w, i * 0.3, i * 0.3 + 0.25, 0.9) for i, w in enumerate(final.split())]
        hidden, placeholders = redactor.redact(wording.write_final(words))
        assert re.findall(r"\[\w+\]", " ".join(w.text for w in hidden)) == placeholders
        shown.append(" ".join(w.text for w in hidden))
    return shown


# What was said, and what of it may be left; `|` is the end of a final.
HIDDEN = [
    ("john dot smith at example dot com", ""),
    ("send it to john dot smith at example dot com today please", "send it to today please"),
    ("my email is j o h n at gmail dot com", "my email is"),
    ("my email is j dot d at x y z dot org", "my email is"),
    ("it is jane at a b c one two dot com thanks", "it is thanks"),
    ("my email is john at x y|z dot org thanks", "my email is|thanks"),
    ("my iban is d e eight nine three seven zero four zero zero four four zero five three two zero one three okay",
     "my iban is d e okay"),
    ("write to mary underscore jones five five at mail dot example dot co dot uk now", "write to now"),
    ("my mail id is rahul at the rate gmail dot com", "my mail id is"),
    ("it is mary at sign gmail dot com okay", "it is okay"),
    ("my email is john dot smith|at example dot com thanks", "my email is|thanks"),
    ("my email is john dot|smith at example dot com thanks", "my email is|thanks"),
    ("my email address is john|dot smith at gmail dot com", "my email address is|"),
    ("john dot smith at example|dot com today", "|today"),
    ("it is mary at gmail|dot com okay", "it is|okay"),
    ("my email is|mary at gmail dot com okay", "my email is|okay"),
    ("my phone number is nine one zero five five five|one two three four today", "my phone number is|today"),
    ("call me at nine one zero five five five one|two three four today", "call me at|today"),
    ("it is nine one zero five five five one two|three four today", "it is|today"),
    ("my phone number is nine|one zero five five five one two three four", "my phone number is|"),
    ("my phone number is|nine one zero five five five one two three four", "my phone number is|"),
    ("my mobile is nine eight seven|six five four|three two one zero", "my mobile is||"),
    ("call five five five double one two|three okay", "call|okay"),
    ("my card number is four one|one one one one one one one one|one one one one one one thanks",
     "my card number is||thanks"),
    ("four one one one one one one one one one|one one one one one one thanks", "|thanks"),
    ("my c v v is one|two three", "my c v v cvv is|"),
    ("the card expires twelve|twenty seven", "the card expires|"),
    ("my zip code is nine four|one zero seven", "my zip code is|"),
    ("i live at one two three|main street in town", "i live at|in town"),
    ("i live at forty two main|street in town", "i live at|in town"),
]  # fmt: skip
SHOWN = [
    "look at a b c dot com",
    "meet me at five thirty dot",
    "look at example dot com",
    "find us at example dot com",
    "the company is example dot com",
    "meet me at home|dot your eyes",
    "my email is broken|thanks",
    "my email is not working|please help",
    "turn left at the dot",
    "call me at three thirty|thanks",
    "my number is five|stars",
    "i was born in nineteen eighty four|in may",
    "order number one two three four five six seven eight|nine",
    "it costs three point five|dollars",
    "version two dot five",
    "we were at page five|of six",
    "one two three|go",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("said", "left"), HIDDEN)
def test_R8_nothing_personal_is_left(said, left, form):
    shown = redacted(said, FORMS[form])
    for final, allowed in zip(shown, left.split("|"), strict=True):
        words = re.sub(r"\[\w+\]", "", final).lower().replace(".", " ").replace(",", " ").split()
        assert set(words) <= set(allowed.split()), shown


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("said", SHOWN)
def test_R8_what_is_no_secret_stays(said, form):
    assert "[" not in " ".join(redacted(said, FORMS[form]))


def test_R8_digits_that_complete_a_number_are_hidden_though_its_beginning_was_sent():
    assert redacted("so nine one zero|five five five one two three four okay", FORMS["heard"]) == [
        "so nine one zero",
        "[PHONENUMBER_1] okay",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "call me at five five five one two three four|two days later",
        "call me at nine one zero five five five one two three four|one more thing",
    ],
)
def test_R8_what_follows_a_whole_number_is_another(text):
    assert redacted(text, FORMS["heard"])[1] == text.split("|")[1]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("मेरा ईमेल राहुल एट जीमेल डॉट कॉम है", ["मेरा ईमेल [EMAIL_1] है।"]),
        ("मेरा फोन नंबर नौ आठ सात छह|पांच चार तीन दो एक शून्य है",
         ["मेरा फोन नंबर [PHONENUMBER_1]।", "[PHONENUMBER_2] है।"]),
    ],
)  # fmt: skip
def test_R8_in_hindi(said, shown):
    assert redacted(said, HINDI) == shown


@pytest.mark.parametrize("pii", [True, False])
def test_R8_only_what_was_asked_for(pii):
    shown = " ".join(redacted("my phone number is nine one zero|five five five one two three four", FORMS["heard"],
                              pii=pii))  # fmt: skip
    assert ("[PHONENUMBER" in shown) is pii
    shown = " ".join(redacted("my card number is four one one|one one one one", FORMS["heard"], pci=not pii))
    assert ("[ACCOUNTNUMBER" in shown) is not pii


async def test_R8_finals_of_ten_words_over_the_wire(signals):
    text = "you can call me at nine one zero five five five one two three four today"
    _, pcm = await speak(signals, text)
    frames = await hear(signals, pcm, then=(CLOSE,), redact_pii="true", numerals="false")
    shown = [f["transcript"] for f in finals(frames)]
    assert shown == ["You can call me at [PHONENUMBER_1].", "[PHONENUMBER_2] today."]
    assert [f["redacted_entities"] for f in finals(frames)] == [["[PHONENUMBER_1]"], ["[PHONENUMBER_2]"]]


@pytest.mark.parametrize("form", FORMS)
def test_R8_empty_finals_change_nothing(form):
    redactor = Redactor(pii=True, pci=True, language="en")
    words = [RecognisedWord(w, i, i + 0.5, 0.9) for i, w in enumerate("my phone number is nine one zero five".split())]
    redactor.redact(FORMS[form].write_final(words))
    assert redactor.redact([]) == ([], [])
    rest = [RecognisedWord(w, i + 9, i + 9.5, 0.9) for i, w in enumerate("five five one".split())]
    assert [w.text.rstrip(".") for w in redactor.redact(FORMS[form].write_final(rest))[0]] == ["[PHONENUMBER_2]"]
