"""How captions are divided, set and timed: whole sentences, balanced lines, scripts that are wide or have no spaces."""

from __future__ import annotations

import itertools
import unicodedata
from time import process_time

import pysubs2
import pytest
import srt
import wcwidth
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Segment, Transcript, Word

SPEECH = (
    "Good evening and thank you for calling. I would like to book a table for four people at half past seven. "
    "My name is Ada King, and my number is 555 0123. Do you have anything by the window? "
    "It is my mother's birthday this morning."
)
CHINESE = (
    "今天的天气非常好，所以我们决定去公园散步。你想不想跟我们一起去？"
    "如果你有时间的话，我们可以在那里吃午饭，晚上再回家。"
)
JAPANESE = "今日はとても良い天気ですね。だから、私たちは公園へ散歩に行きました。とても楽しかったです。"
KOREAN = "오늘은 날씨가 정말 좋네요. 그래서 우리는 공원에 산책을 갔습니다. 정말 즐거웠습니다."
THAI = "วันนี้อากาศดีมากครับผมไปโรงเรียนทุกวันและกลับบ้านตอนเย็นเพื่อทำการบ้านกับน้องสาวของผม"
KHMER = "ខ្ញុំចូលចិត្តញ៉ាំបាយនៅផ្ទះជាមួយគ្រួសាររបស់ខ្ញុំរៀងរាល់ថ្ងៃនៅពេលល្ងាច"
FAMILY = "👨‍👩‍👧‍👦"
HINDI = "क्षत्रियकर्तव्यनिष्ठासंस्थापनाप्रक्रियाव्यवस्थापनकार्यक्रमविश्वविद्यालयान्तर्गत"


def spoken(text: str, start: float = 0.0, each: float = 0.35) -> Segment:
    words = tuple(Word(w, start + i * each, start + (i + 0.8) * each) for i, w in enumerate(text.split()))
    return Segment(text, True, words[0].start, words[-1].end, words)


def cut_every(count: int, text: str) -> list[Segment]:
    words = text.split()
    return [spoken(" ".join(words[i : i + count]), i * 0.35) for i in range(0, len(words), count)]


def cues(transcript: Transcript) -> list[tuple[float, float, list[str]]]:
    parsed = srt.parse(transcript.to_srt())
    return [(s.start.total_seconds(), s.end.total_seconds(), s.content.split("\n")) for s in parsed]


def texts(transcript: Transcript) -> list[str]:
    return [" ".join(lines) for *_, lines in cues(transcript)]


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@pytest.mark.parametrize("start", [359_999.5, 360_000.0, 3_600_000.25])
def test_E3_hours_have_as_many_digits_as_they_need(start):
    transcript = Transcript(
        [Segment("long ago", start=start, end=start + 2), Segment("later", start=start + 4, end=start + 5)]
    )
    assert [c[:2] for c in cues(transcript)] == [(start, start + 2), (start + 4, start + 5)]
    stamps = [line for line in transcript.to_vtt().splitlines() if "-->" in line]
    assert stamps[0].split(" --> ")[0] == f"{int(start // 3600)}:{start % 3600 // 60:02.0f}:{start % 60:06.3f}"


@pytest.mark.parametrize(
    "text",
    [
        "We were all born in the year that they say 1984",
        "I have looked for this house of the number 12 34 56",
        "यह वह साल था जिसमें हम सब लोग एक साथ रहते थे वह १९८४",
        "a" * 42 + " 1984",
        "a" * 41 + " 1984 " + "2001",
        "1984",
        "7 " * 30,
        "1" * 90,
    ],
)
def test_E4_a_last_line_of_digits_is_not_taken_for_the_number_of_the_next_cue(text):
    transcript = Transcript([Segment(text, start=0, end=7), Segment("then", start=20, end=21)])
    for said in (transcript, transcript[:1]):  # a last cue has nothing behind it
        for written, form in ((said.to_srt(), "srt"), (said.to_vtt(), "vtt")):
            events = pysubs2.SSAFile.from_string(written, format_=form)
            shown = "".join("".join(e.plaintext.split()) for e in events)
            assert shown.removesuffix("then") == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "language", "line", "speed"),
    [
        ("字" * 63, None, 32, 9),
        (CHINESE, "zh", 32, 9),
        (CHINESE, "zh-TW", 32, 9),
        (JAPANESE, None, 26, 4),
        (JAPANESE, "ja", 26, 4),
        ("東京都千代田区永田町一丁目七番一号国会議事堂前駅", "ja", 26, 4),
        (KOREAN, None, 32, 9),
        ("ＡＢＣ　ＤＥＦ" * 12, None, 42, 20),
    ],
)
def test_E7_full_width_characters_take_two_columns_and_more_time(text, language, line, speed):
    said = Transcript([Segment(text, start=1, end=4, language=language)])
    shown = cues(said)
    assert "".join("".join(lines) for *_, lines in shown).replace(" ", "") == "".join(text.split())
    for start, end, lines in shown:
        assert len(lines) <= 2
        assert max(columns(ln) for ln in lines) <= line
        wide = sum(unicodedata.east_asian_width(c) in "WF" for ln in lines for c in ln)
        assert end - start == 7 or wide / (end - start) <= speed + 0.01
    assert all(not unicodedata.category(ln[0]).startswith("P") for *_, lines in shown for ln in lines)


@pytest.mark.parametrize("name", ["名" * 30, FAMILY * 9, "e\u0301" * 40, "a" * 80])
def test_E7_a_name_takes_less_than_a_line(name):
    said = Transcript([Segment(CHINESE, start=0, end=9, speaker=0)], names={0: name})
    shown = cues(said)
    first = shown[0][2][0]
    assert columns(first.split(": ")[0]) <= 25
    assert "…:" in first
    assert all(len(lines) <= 2 and max(columns(ln) for ln in lines) <= 42 for *_, lines in shown)


def test_E7_times_from_the_service_are_kept_and_estimated_ones_give_way():
    words = tuple(Word(c, i * 0.1, i * 0.1 + 0.1) for i, c in enumerate("字" * 63))
    timed = cues(Transcript([Segment("字" * 63, True, 0, 6.3, words)]))
    assert all(round(start * 10) == start * 10 for start, *_ in timed)
    assert timed[-1][1] > 6.3  # there is room to read it
    hurried = cues(Transcript([Segment("字" * 63, start=0, end=3), Segment("then", start=4, end=5)]))
    assert hurried[-2][1] == 4
    assert hurried[-1][0] == 4


@pytest.mark.parametrize("text", [THAI, THAI * 3, KHMER, FAMILY * 30, HINDI, "e\u0301" * 100, "กำ" * 50, "🇮🇳" * 40])
@pytest.mark.parametrize("before", ["", "a", "bc"])
def test_E8_lines_are_cut_between_graphemes(before, text):
    text = before + text
    whole = list(wcwidth.iter_graphemes(text))
    found = [
        g
        for *_, lines in cues(Transcript([Segment(text, start=0, end=30)]))
        for ln in lines
        for g in wcwidth.iter_graphemes(ln)
    ]
    assert found == whole


BURMESE = "မြန်မာနိုင်ငံသည်အရှေ့တောင်အာရှတွင်တည်ရှိသောနိုင်ငံတစ်ခုဖြစ်ပြီးမြို့တော်မှာနေပြည်တော်ဖြစ်သည်"
LAO = "ປະເທດລາວເປັນປະເທດທີ່ຕັ້ງຢູ່ໃນພາກພື້ນອາຊີຕາເວັນອອກສ່ຽງໃຕ້ມີນະຄອນຫຼວງວຽງຈັນເປັນເມືອງຫຼວງ"
KHMER = "ព្រះរាជាណាចក្រកម្ពុជាគឺជាប្រទេសមួយស្ថិតនៅក្នុងតំបន់អាស៊ីអាគ្នេយ៍ដែលមានរាជធានីភ្នំពេញ"


@pytest.mark.parametrize("text", [BURMESE, LAO, KHMER, "ไป" * 60])
@pytest.mark.parametrize("before", range(8))
def test_E8_no_line_begins_with_a_mark_or_ends_with_what_belongs_to_the_next_letter(text, before):
    text = "က" * before + text
    lines = [ln for *_, shown in cues(Transcript([Segment(text, start=0, end=30)])) for ln in shown]
    assert "".join(lines) == text
    for line in lines:
        assert not unicodedata.category(line[0]).startswith("M")
        assert line[-1] not in "เแโใไເແໂໃໄ\u1039\u17d2"


def test_E8_thai_and_chinese_lines_are_cut_at_words():
    lines = [ln for *_, lines in cues(Transcript([Segment(THAI, start=0, end=20)])) for ln in lines]
    ends = set(
        itertools.accumulate(
            map(len, ["วันนี้", "อากาศ", "ดี", "มาก", "ครับ", "ผม", "ไป", "โรงเรียน", "ทุก", "วัน", "และ", "กลับ", "บ้าน"])
        )
    )
    reached = list(itertools.accumulate(map(len, lines)))
    assert reached[0] in ends
    # The service's words may be single characters: phrases hold together all the same.
    words = tuple(Word(c, i * 0.2, i * 0.2 + 0.2) for i, c in enumerate(CHINESE) if c not in "，。？")
    shown = [ln for *_, lines in cues(Transcript([Segment(CHINESE, True, 0, 12, words)])) for ln in lines]
    for phrase in ("非常", "决定", "公园", "一起", "如果", "午饭"):
        assert any(phrase in ln for ln in shown)
    assert all(ln[0] not in "，。？" for ln in shown)


@pytest.mark.parametrize("count", [1, 3, 10, 100])
def test_UX15_sentences_stay_whole_however_finals_cut_them(count):
    shown = texts(Transcript(cut_every(count, SPEECH)))
    assert " ".join(shown) == SPEECH
    # Each of these sentences fits into a cue, so each cue begins with a sentence.
    assert {s.split(" ", 1)[0] for s in shown} <= {"Good", "I", "My", "Do", "It"}


def test_UX15_lines_are_balanced_and_have_no_orphans():
    for *_, lines in cues(Transcript(cut_every(10, SPEECH))):
        if len(lines) == 2:
            assert min(map(len, lines)) * 2 >= max(map(len, lines))
            assert not lines[0].endswith((" a", " my", " the"))
    two = cues(Transcript([spoken("It is my mother's birthday and we are eight this morning.")]))
    assert two[0][2] == ["It is my mother's birthday", "and we are eight this morning."]
    long = "one two three four five six seven eight nine ten " * 2 + "eleven."
    assert min(len(t) for t in texts(Transcript([spoken(long)]))) > 30


def test_UX15_others_pauses_and_sentence_ends_keep_segments_apart():
    later = spoken("and then he left.", 30)
    assert texts(Transcript([spoken("First he came"), later])) == ["First he came", "and then he left."]
    done = [spoken("He came."), spoken("He left.", 0.8)]
    assert texts(Transcript(done)) == ["He came.", "He left."]
    other = [spoken("He came"), Segment("yes", start=0.7, end=0.9, speaker=1, words=(Word("yes", 0.7, 0.9, None, 1),))]
    assert texts(Transcript(other)) == ["He came", "Speaker 2: yes"]


def test_a_pause_ends_a_cue():
    words = tuple(
        Word(w, at, at + 0.4) for w, at in (("so", 0), ("he", 0.5), ("said", 1), ("nothing", 5), ("more", 5.5))
    )
    shown = cues(Transcript([Segment("so he said nothing more", True, 0, 5.9, words)]))
    assert [(start, lines) for start, _, lines in shown] == [(0, ["so he said"]), (5, ["nothing more"])]


def test_text_is_kept_where_its_words_differ_from_it():
    words = (Word("twenty", 0, 1), Word("five", 1, 2), Word("people", 2, 3))
    assert texts(Transcript([Segment("25 people came, all of them", True, 0, 3, words)])) == [
        "25 people came, all of them"
    ]
    assert texts(Transcript([Segment("wholly other", True, 0, 3, words)])) == ["wholly other"]
    long = "25 people " + "and so on " * 30
    assert "".join(texts(Transcript([Segment(long, True, 0, 30, words)]))).replace(" ", "") == long.replace(" ", "")


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_a_word_without_times_costs_neither_its_text_nor_the_others_times(bad):
    words = (Word("one", 0, 1), Word("two", bad, bad), Word("three", 2, 3))
    said = Transcript([Segment("one two three", True, 0, 3, words)])
    assert cues(said) == [(0, 3, ["one two three"])]
    assert 'text = "two"' in said.to_textgrid()
    with pytest.raises(ConfigError, match="word_timestamps"):
        Transcript([Segment("a", words=(Word("a", bad, bad),))]).to_srt()
    assert cues(Transcript([Segment("a", start=0, end=2, words=(Word("a", bad, bad),))])) == [(0, 2, ["a"])]


_script = st.lists(
    st.sampled_from(
        ["word", "字", "天気です。", "ประเทศไทย", FAMILY, "क्षि", "1984", "x" * 50, "e\u0301", "한국어", "ขอบคุณ ", " "]
    ),
    max_size=60,
).map("".join)


@settings(max_examples=60)
@given(_script, st.floats(0, 30), st.floats(0, 60), st.booleans())
def test_nothing_is_lost_cut_or_too_wide_in_any_script(text, start, length, in_words):
    words = (
        tuple(Word(w, start + i * 0.3, start + i * 0.3 + 0.2) for i, w in enumerate(text.split())) if in_words else ()
    )
    shown = [lines for *_, lines in cues(Transcript([Segment(text, True, start, start + length, words)]))]
    assert "".join(ln for lines in shown for ln in lines).replace(" ", "") == "".join(text.split())
    for lines in shown:
        assert len(lines) <= 2
        assert max(columns(ln) for ln in lines) <= 42
    whole = "".join(text.split())
    inside = {0, *itertools.accumulate(map(len, wcwidth.iter_graphemes(whole)))}
    spaced = {0, *itertools.accumulate(map(len, text.split()))}
    for at in itertools.accumulate(len(ln.replace(" ", "")) for lines in shown for ln in lines):
        assert at in inside | spaced


def test_captions_of_an_hour_are_read_by_webvtt():
    said = [spoken(" ".join(f"word{i}" for i in range(25)) + ".", k * 10) for k in range(360)]
    captions = list(webvtt.from_string(Transcript(said).to_vtt()))
    assert sum(len(c.text.split()) for c in captions) == 360 * 25


@pytest.mark.parametrize(
    "make",
    [
        lambda n: [spoken("word", i * 0.35) for i in range(n)],
        lambda n: [spoken("word " * n)],
        lambda n: [Segment("字" * n, start=0, end=n)],
        lambda n: [Segment("x" * n, start=0, end=n)],
        lambda n: [Segment("ก" * n, start=0, end=n)],
        lambda n: [Segment("." * n, start=0, end=n)],
        lambda n: [Segment("e" + "\u0301" * n, start=0, end=n)],
    ],
    ids=["finals of one word", "one long final", "Chinese", "letters", "Thai", "points", "marks"],
)
def test_captions_take_time_by_length(make):
    def took(count):
        said = Transcript(make(count))
        began = process_time()
        said.to_srt()
        said.to_vtt()
        return process_time() - began

    took(100)
    assert took(4000) < 8 * took(1000) + 1  # 4 times as long, and much slack; what is quadratic takes 16 times
