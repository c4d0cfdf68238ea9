"""Files of other programs: what each format holds, in every form that the programs write."""

from __future__ import annotations

import json
import logging

import pympi
import pysubs2
import pytest
import srt
import textgrid
import tgt
import webvtt
from praatio import textgrid as praatio_textgrid

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Segment, Transcript, Word


def write(folder, name: str, text: str | bytes, encoding: str = "utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def rows(transcript: Transcript) -> list[tuple]:
    names = {n: transcript.name_of(n) for n in transcript.speakers}
    return [(s.start, s.end, s.text, names.get(s.speaker)) for s in transcript]


def words(transcript: Transcript) -> list[tuple]:
    return [(w.text, w.start, w.end, w.confidence) for w in transcript.words]


# SRT


SRT = "1\n00:00:01,000 --> 00:00:02,500\nAda: Good <i>evening</i>.\n\n2\n00:00:03,000 --> 00:00:04,000\nHow\nare you?\n\n3\n101:00:00,000 --> 101:00:01,000\nSpeaker 2: Fine.\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SRT, "utf-8"),
        (SRT, "utf-8-sig"),
        (SRT, "utf-16"),
        (SRT.replace("\n", "\r\n"), "utf-8"),
        (SRT, "utf-16-le"),
        (SRT, "utf-16-be"),
    ],
)
def test_srt_in_every_encoding(tmp_path, text, encoding):
    transcript = Transcript.load(write(tmp_path, "a.srt", text, encoding))
    assert rows(transcript) == [
        (1, 2.5, "Good evening.", "Ada"),
        (3, 4, "How are you?", "Ada"),
        (363600, 363601, "Fine.", "Speaker 2"),
    ]
    assert transcript.names == {0: "Ada"}


def test_srt_as_programs_write_it(tmp_path):
    by_srt = srt.compose([srt.Subtitle(1, srt.timedelta(seconds=1), srt.timedelta(seconds=2), "one\ntwo")])
    subs = pysubs2.SSAFile()
    subs.append(pysubs2.SSAEvent(start=1000, end=2000, text="{\\i1}one{\\i0}\\Ntwo"))
    for text in (
        by_srt,
        subs.to_string("srt"),
        "00:01.0 --> 00:02.000 X1:1\none\n\ntwo\n",
        "1\n0:0:1,0-->0:0:2,0\none\ntwo",
    ):
        assert rows(Transcript.load(write(tmp_path, "a.srt", text))) == [(1, 2, "one two", None)], text


@pytest.mark.parametrize(
    ("cues", "expected"),
    [
        (["It is 10: no", "b"], [("It is 10: no", None), ("b", None)]),
        (["so: what", "b"], [("so: what", None), ("b", None)]),
        (["first", "Ada: b"], [("first", None), ("Ada: b", None)]),
        (["Ada: a", "b", "Dr. Bob King: c"], [("a", "Ada"), ("b", "Ada"), ("c", "Dr. Bob King")]),
        (["A name that is much too long for it: a"], [("A name that is much too long for it: a", None)]),
        (["12", "1984"], [("12", None), ("1984", None)]),
        (["अदा: नमस्ते", "ठीक"], [("नमस्ते", "अदा"), ("ठीक", "अदा")]),
    ],
)
def test_names_before_a_colon(tmp_path, cues, expected):
    text = "".join(f"{i}\n00:00:0{i},000 --> 00:00:0{i},900\n{c}\n\n" for i, c in enumerate(cues, 1))
    assert [(r[2], r[3]) for r in rows(Transcript.load(write(tmp_path, "a.srt", text)))] == expected


def test_windows_1252_is_read_with_a_warning(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        transcript = Transcript.load(
            write(tmp_path, "a.srt", "1\n00:00:01,000 --> 00:00:02,000\ncafé “so”\n", "cp1252")
        )
    assert transcript.text == "café “so”"
    assert "a.srt is not UTF-8 (byte" in caplog.text


# WebVTT


VTT = """WEBVTT - a title
Kind: captions

STYLE
::cue(v[voice="Ada"]) { color: red }

NOTE
1984
a note

intro
00:01.000 --> 00:02.500 align:start position:10%
<v.loud Ada &amp; Co>Good <c.x>evening</c> &lt;3 <00:00:02.000>now</v>

00:00:03.000 --> 00:00:04.000
<v Ada &amp; Co>Hi.</v> <v Bob>Hello,
you.</v>

1
100:00:05.000 --> 100:00:06.000
1984
"""


def test_vtt_with_all_that_it_may_hold(tmp_path):
    assert rows(Transcript.load(write(tmp_path, "a.vtt", VTT))) == [
        (1, 2.5, "Good evening <3 now", "Ada & Co"),
        (3, 4, "Hi.", "Ada & Co"),
        (3, 4, "Hello, you.", "Bob"),
        (360005, 360006, "1984", None),
    ]
    assert len(Transcript.load(write(tmp_path, "b.vtt", "WEBVTT"))) == 0
    assert len(Transcript.load(write(tmp_path, "c.txt", "\ufeffWEBVTT\n\n"))) == 0


def test_vtt_as_webvtt_py_writes_it(tmp_path):
    file = webvtt.WebVTT()
    file.captions.append(webvtt.Caption("00:00:01.000", "00:00:02.000", ["<v Ada>one", "two</v>"]))
    assert rows(Transcript.load(write(tmp_path, "a.vtt", file.content))) == [(1, 2, "one two", "Ada")]


def test_lines_of_scripts_without_spaces_are_joined_without_one(tmp_path):
    for text in ("今天的天气非常好，\n所以我们决定去公园散步。", "วันนี้อากาศดี\nมากครับ", "良い天気\nですね"):
        vtt = f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n"
        assert Transcript.load(write(tmp_path, "a.vtt", vtt)).text == text.replace("\n", "")


# TextGrid


def grids(folder):
    """The same grid as three programs and Praat itself write it."""
    entries = [(0.5, 1.25, 'say "hi"'), (2.0, 3.0, "b = c")]
    with_words = [(0.5, 0.75, "say"), (0.75, 1.25, '"hi"'), (2.0, 2.2, "b"), (2.2, 2.4, "="), (2.4, 3.0, "c")]
    grid = praatio_textgrid.Textgrid()
    grid.addTier(praatio_textgrid.IntervalTier("Ada King", entries, 0, 4))
    grid.addTier(praatio_textgrid.IntervalTier("words", with_words, 0, 4))
    grid.addTier(praatio_textgrid.PointTier("tones", [(1.0, "H*")], 0, 4))
    for form in ("long_textgrid", "short_textgrid"):
        path = folder / f"praatio-{form}.TextGrid"
        grid.save(str(path), format=form, includeBlankSpaces=True)
        yield path
    tgt_grid = tgt.TextGrid()
    for name, said in (("Ada King", entries), ("words", with_words)):
        tier = tgt.IntervalTier(0, 4, name)
        tier.add_intervals([tgt.Interval(*e) for e in said])
        tgt_grid.add_tier(tier)
    for form in ("long", "short"):
        path = folder / f"tgt-{form}.TextGrid"
        tgt.write_to_file(tgt_grid, str(path), format=form)
        yield path
    grid = textgrid.TextGrid(maxTime=4)
    for name, said in (("Ada King", entries), ("words", with_words)):
        tier = textgrid.IntervalTier(name, 0, 4)
        for start, end, label in said:
            tier.add(start, end, label)
        grid.append(tier)
    path = folder / "textgrid.TextGrid"
    grid.write(str(path))
    yield path
    praat = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0 \nxmax = 4 \ntiers? <exists> \nsize = 2 \nitem []: \n'
    for i, (name, said) in enumerate((("Ada King", entries), ("words", with_words)), 1):
        praat += f'    item [{i}]:\n        class = "IntervalTier" \n        name = "{name}" \n        xmin = 0 \n        xmax = 4 \n'
        praat += f"        intervals: size = {len(said)} \n"
        for k, (start, end, label) in enumerate(said, 1):
            quoted = label.replace('"', '""')
            praat += f'        intervals [{k}]:\n            xmin = {start} \n            xmax = {end} \n            text = "{quoted}" \n'
    for encoding in ("utf-16", "utf-16-be", "utf-8", "cp1252"):
        yield write(
            folder, f"praat-{encoding}.TextGrid", ("\ufeff" if encoding == "utf-16-be" else "") + praat, encoding
        )


def test_textgrids_as_programs_write_them(tmp_path):
    paths = list(grids(tmp_path))
    assert len(paths) == 9
    for path in paths:
        transcript = Transcript.load(path)
        found = [(r[0], r[1], r[2].replace('""', '"'), r[3]) for r in rows(transcript)]  # textgrid doubles none
        assert found == [(0.5, 1.25, 'say "hi"', "Ada King"), (2, 3, "b = c", "Ada King")], path.name
        assert [[w.text.replace('""', '"') for w in s.words] for s in transcript] == [
            ["say", '"hi"'],
            ["b", "=", "c"],
        ], path.name
        assert {w.speaker for w in transcript.words} == {0}


def test_a_textgrid_with_words_only_and_one_of_an_aligner(tmp_path):
    def grid(*tiers):
        text = f'"ooTextFile"\n"TextGrid"\n0\n9\n<exists>\n{len(tiers)}\n'
        for name, said in tiers:
            text += f'"IntervalTier"\n"{name}"\n0\n9\n{len(said)}\n'
            text += "".join(f'{a}\n{b}\n"{label}"\n' for a, b, label in said)
        return text

    only = grid(("words", [(0, 0.5, "so"), (0.5, 1, "then."), (1, 1.5, "Yes"), (4, 5, "no")]))
    assert [r[2] for r in rows(Transcript.load(write(tmp_path, "a.TextGrid", only)))] == ["so then.", "Yes", "no"]
    aligned = grid(
        ("Ada - words", [(0, 1, "hi"), (1, 2, "")]), ("Ada - phones", [(0, 1, "h")]), ("Bob - words", [(3, 4, "yes")])
    )
    assert rows(Transcript.load(write(tmp_path, "b.TextGrid", aligned))) == [(0, 1, "hi", "Ada"), (3, 4, "yes", "Bob")]
    comment = grid(("Ada", [(0, 1, "two\nlines ! no <comment> 5")])).replace('"TextGrid"', '"TextGrid" ! a "comment" 7')
    assert rows(Transcript.load(write(tmp_path, "c.TextGrid", comment))) == [
        (0, 1, "two lines ! no <comment> 5", "Ada")
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 4\ntiers? <exists>\nsize = 1\n',
            "cut short",
        ),
        ('File type = "ooTextFile"\nObject class = "Sound"\n', "'Sound' stands where"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\nxmin = "0"\n', "a number"),
        ("ooBinaryFile\x08TextGrid", "binary"),
    ],
)
def test_a_textgrid_that_cannot_be_read_says_why(tmp_path, text, problem):
    with pytest.raises(ConfigError, match=rf"a\.TextGrid.*{problem}"):
        Transcript.load(write(tmp_path, "a.TextGrid", text))


# EAF


def test_eaf_as_pympi_writes_it(tmp_path):
    eaf = pympi.Eaf(author="Ada")
    eaf.add_tier("ada@home", ling="default-lt", part="Ada")
    eaf.add_tier("Bob", ling="default-lt")
    eaf.remove_tier("default")
    eaf.add_annotation("ada@home", 500, 1500, "one two")
    eaf.add_annotation("Bob", 2000, 2500, "a < b & c")
    eaf.add_tier("ada@home words", ling="default-lt", parent="ada@home")
    eaf.add_annotation("ada@home words", 500, 900, "one")
    eaf.add_annotation("ada@home words", 900, 1500, "two")
    eaf.add_tier("translation", ling="default-lt", parent="ada@home")
    eaf.add_annotation("translation", 500, 1500, "eins zwei")
    path = tmp_path / "a.eaf"
    eaf.to_file(str(path))
    transcript = Transcript.load(path)
    assert rows(transcript) == [(0.5, 1.5, "one two", "Ada"), (2, 2.5, "a < b & c", "Bob")]
    assert words(transcript) == [("one", 0.5, 0.9, None), ("two", 0.9, 1.5, None)]


def test_eaf_slots_without_a_time_lie_between_their_neighbours(tmp_path):
    text = """<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT><TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/><TIME_SLOT TIME_SLOT_ID="ts2"/><TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="3000"/>
    </TIME_ORDER><TIER TIER_ID="Ada" LINGUISTIC_TYPE_REF="x">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>a</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3"><ANNOTATION_VALUE>b</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER></ANNOTATION_DOCUMENT>"""
    assert rows(Transcript.load(write(tmp_path, "a.eaf", text))) == [(1, 2, "a", "Ada"), (2, 3, "b", "Ada")]


@pytest.mark.parametrize(
    "text",
    [
        "<ANNOTATION_DOCUMENT>",
        '<ANNOTATION_DOCUMENT><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="x"/></TIME_ORDER></ANNOTATION_DOCUMENT>',
        "<html/>",
        '<!DOCTYPE a [<!ENTITY b "c">]><ANNOTATION_DOCUMENT/>',
    ],
)
def test_an_eaf_that_cannot_be_read_says_why(tmp_path, text):
    with pytest.raises(ConfigError, match=r"a\.eaf: "):
        Transcript.load(write(tmp_path, "a.eaf", text))


# RTTM, CTM, STM, labels


def test_rttm_with_words_comments_and_several_files(tmp_path):
    text = (
        ";; made by hand\nSPKR-INFO a 1 <NA> <NA> <NA> unknown SPEAKER_00 <NA>\n"
        "SPEAKER a 1 0.00 2.00 <NA> <NA> SPEAKER_00 <NA> <NA>\nSPEAKER a 1 1.50 1.00 <NA> <NA> Speaker_2 <NA> <NA>\n"
        "LEXEME a 1 0.10 0.40 hello lex SPEAKER_00 0.9\nLEXEME a 1 1.60 0.30 yes lex Speaker_2 <NA>\n"
    )
    transcript = Transcript.load(write(tmp_path, "a.rttm", text))
    assert rows(transcript) == [(0, 2, "hello", "SPEAKER_00"), (1.5, 2.5, "yes", "Speaker 2")]
    assert words(transcript) == [("hello", 0.1, 0.5, 0.9), ("yes", 1.6, 1.9, None)]
    two = text + "SPEAKER b 1 0.5 1 <NA> <NA> _None <NA> <NA>\n"
    transcript = Transcript.load(write(tmp_path, "b.txt", two))
    assert [(s.source, s.text) for s in transcript] == [("a", "hello"), ("b", ""), ("a", "yes")]
    assert "None" in transcript.speakers.values()


def test_turns_without_text_go_round_as_rttm(tmp_path):
    text = "SPEAKER talk 1 0.000 2.000 <NA> <NA> Ada <NA> <NA>\nSPEAKER talk 1 1.000 2.000 <NA> <NA> Bob <NA> <NA>\n"
    assert Transcript.load(write(tmp_path, "a.rttm", text)).to_rttm("talk") == text


def test_ctm(tmp_path):
    text = ";; a comment\ntalk 1 0.00 0.40 Hello 0.98\ntalk 1 0.45 0.30 there.\ntalk 1 0.80 0.2 You NA\ntalk 1 9 0.5 late 1 lex spk1\n"
    transcript = Transcript.load(write(tmp_path, "a.ctm", text))
    assert rows(transcript) == [(0, 0.75, "Hello there.", None), (0.8, 1, "You", None), (9, 9.5, "late", "spk1")]
    assert words(transcript)[:3] == [("Hello", 0, 0.4, 0.98), ("there.", 0.45, 0.75, None), ("You", 0.8, 1, None)]
    call = "talk A 0 1 hi\ntalk B 0.5 1 yes\n"
    assert [r[3] for r in rows(Transcript.load(write(tmp_path, "b.ctm", call)))] == ["Channel A", "Channel B"]


def test_stm(tmp_path):
    text = (
        ";; comment\ntalk 1 Ada 0.0 1.5 <o,f0,female> Good evening\ntalk 1 Bob 1.0 2.0 yes\n"
        "talk 1 inter_segment_gap 2.0 9.0 ignore_time_segment_in_scoring\ntalk 1 Ada 9 10\n"
    )
    assert rows(Transcript.load(write(tmp_path, "a.stm", text))) == [
        (0, 1.5, "Good evening", "Ada"),
        (1, 2, "yes", "Bob"),
        (9, 10, "", "Ada"),
    ]


def test_audacity_labels(tmp_path):
    text = "0.500000\t1.500000\tAda: one\ttwo\n\\\t100.000000\t2000.000000\n2.000000\t2.000000\tBob: x\n3,5\t4\t\n"
    assert rows(Transcript.load(write(tmp_path, "labels.txt", text))) == [
        (0.5, 1.5, "one two", "Ada"),
        (2, 2, "x", "Bob"),
        (3.5, 4, "", None),
    ]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.rttm", "SPEAKER a 1 0\n", "line 1 has 4 columns; expected type"),
        ("a.rttm", "SPEAKER a 1 x 1 <NA> <NA> b <NA> <NA>\n", "line 1: 'x' is not a time"),
        ("a.rttm", ";\nSPEAKER a 1 0 nan <NA> <NA> b <NA> <NA>\n", "line 2: 'nan' is not a time"),
        ("a.ctm", "a 1 0\n", "line 1 has 3 columns; expected file, channel"),
        ("a.stm", "a 1 b 0 z hi\n", "line 1: 'z' is not a time"),
        ("a.txt", "just text\n", "is not in a known format"),
        ("a.docx", "PK", "is not in a known format"),
        ("a.srt", "no cue at all", "there is no cue in it"),
        ("a.json", "{", "not JSON"),
        ("a.json", "{}", "not a transcript of a known program"),
        ("a.json", '{"segments": [{"start": "x"}]}', "not as its program writes it"),
        ("a.json", '{"segments": [7]}', "not as its program writes it"),
        ("a.json", '{"results": {"channels": [7]}}', "not as its program writes it"),
        ("a.json", "[" * 100_000, "no JSON|nested too deeply"),
        ("a.json", '{"version": 1, "segments": [{"text": 3}]}', "to_json"),
    ],
)
def test_what_cannot_be_read_names_the_place(tmp_path, name, text, problem):
    with pytest.raises(ConfigError, match=rf"{name}.*({problem})"):
        Transcript.load(write(tmp_path, name, text))


def test_no_file_and_no_format(tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.srt cannot be read: No such file"):
        Transcript.load(tmp_path / "missing.srt")
    with pytest.raises(ConfigError, match=r"cannot be read"):
        Transcript.load(tmp_path)
    with pytest.raises(ConfigError, match=r"format='docx' is unknown; expected one of srt, vtt"):
        Transcript.load(tmp_path / "a.srt", format="docx")
    path = write(tmp_path, "a.dat", "a 1 0 1 hi\n")
    assert Transcript.load(path, format="ctm").text == "hi"


# JSON


def whisper(**more):
    """A result of openai-whisper with word_timestamps=True, as its own writer dumps it."""
    segment = {
        "id": 0, "seek": 0, "start": 0.0, "end": 1.4, "text": " Hello, world.", "tokens": [50364, 2425], "temperature": 0.0,
        "avg_logprob": -0.3, "compression_ratio": 0.8, "no_speech_prob": 0.01,
        "words": [
            {"word": " Hello,", "start": 0.0, "end": 0.6, "probability": 0.9},
            {"word": " world.", "start": 0.7, "end": 1.4, "probability": 0.8},
        ],
    }  # fmt: skip
    return {"text": " Hello, world.", "segments": [segment], "language": "en", **more}


HELLO = [("Hello,", 0.0, 0.6, 0.9), ("world.", 0.7, 1.4, 0.8)]


def load_json(folder, data):
    return Transcript.load(write(folder, "a.json", json.dumps(data)))


def test_json_of_openai_whisper_and_faster_whisper(tmp_path):
    dicts = whisper()["segments"]
    tuples = [{**s, "words": [[w["start"], w["end"], w["word"], w["probability"]] for w in s["words"]]} for s in dicts]
    for data in (whisper(), dicts, {"segments": tuples}, tuples, {"segments": dicts, "info": {"language": "en"}}):
        transcript = load_json(tmp_path, data)
        assert rows(transcript) == [(0, 1.4, "Hello, world.", None)]
        assert words(transcript) == HELLO
    named_tuples = [[0, 0, 0.0, 1.4, " Hello, world.", [50364], 0.0, -0.3, 0.8, 0.01, t["words"]] for t in tuples]
    assert words(load_json(tmp_path, named_tuples)) == HELLO
    assert rows(load_json(tmp_path, [[*named_tuples[0][:-1], None]])) == [(0, 1.4, "Hello, world.", None)]
    assert load_json(tmp_path, whisper())[0].language == "en"
    bare = [{**s, "words": None} for s in dicts]
    assert words(load_json(tmp_path, bare)) == []


def test_json_of_openai_and_transformers(tmp_path):
    verbose = {
        "task": "transcribe", "language": "english", "duration": 1.4, "text": "Hello, world.",
        "segments": [{k: v for k, v in whisper()["segments"][0].items() if k != "words"}],
        "words": [{"word": "Hello", "start": 0.0, "end": 0.6}, {"word": "world", "start": 0.7, "end": 1.4}],
    }  # fmt: skip
    assert words(load_json(tmp_path, verbose)) == [("Hello", 0, 0.6, None), ("world", 0.7, 1.4, None)]
    assert rows(load_json(tmp_path, {**verbose, "segments": []})) == [(0, 1.4, "Hello, world.", None)]
    # timestamp_granularities=["word"]; and response_format="json", which has no times
    words_alone = {k: v for k, v in verbose.items() if k != "segments"}
    assert words(load_json(tmp_path, words_alone)) == [("Hello,", 0, 0.6, None), ("world.", 0.7, 1.4, None)]
    other = {**words_alone, "text": "Something else."}
    assert words(load_json(tmp_path, other)) == [("Hello", 0, 0.6, None), ("world", 0.7, 1.4, None)]
    plain = {"text": "Hello, world.", "usage": {"type": "duration", "seconds": 2}}
    assert rows(load_json(tmp_path, plain)) == [(None, None, "Hello, world.", None)]
    chunks = {
        "text": " Hi. Yes",
        "chunks": [{"timestamp": [0.0, 1.5], "text": " Hi."}, {"timestamp": [1.5, None], "text": " Yes"}],
    }
    assert rows(load_json(tmp_path, chunks)) == [(0, 1.5, "Hi.", None), (1.5, None, "Yes", None)]


def test_json_of_whisperx_with_speakers_and_words_without_times(tmp_path):
    first = {
        "start": 0.0, "end": 2.0, "text": " It was 1984 then.", "speaker": "SPEAKER_01",
        "words": [
            {"word": "It", "start": 0.0, "end": 0.2, "score": 0.9, "speaker": "SPEAKER_01"},
            {"word": "was", "start": 0.3, "end": 0.5, "score": 0.8, "speaker": "SPEAKER_01"},
            {"word": "1984"},
            {"word": "then.", "start": 1.5, "end": 2.0, "score": 0.7, "speaker": "SPEAKER_00"},
        ],
    }  # fmt: skip
    lost = {"start": 3.0, "end": 4.0, "text": " 12 13", "words": [{"word": "12"}, {"word": "13"}]}
    transcript = load_json(tmp_path, {"segments": [first, lost], "word_segments": [], "language": "en"})
    assert [(s.text, s.speaker) for s in transcript] == [("It was 1984 then.", 0), ("12 13", None)]
    assert transcript.names == {0: "SPEAKER_01", 1: "SPEAKER_00"}
    assert [(w.text, w.start, w.end, w.speaker) for w in transcript.words] == [
        ("It", 0, 0.2, 0), ("was", 0.3, 0.5, 0), ("1984", 0.5, 1.5, None), ("then.", 1.5, 2, 1),
        ("12", 3, 3.5, None), ("13", 3.5, 4, None),
    ]  # fmt: skip
    assert transcript.to_srt()


def test_json_of_whisper_cpp(tmp_path):
    def token(text, start, end, p=0.5):
        return {"text": text, "offsets": {"from": start, "to": end}, "timestamps": {}, "id": 1, "p": p, "t_dtw": -1}

    full = {
        "systeminfo": "AVX = 1", "model": {"type": "base"}, "params": {"language": "en"}, "result": {"language": "en"},
        "transcription": [
            {
                "timestamps": {"from": "00:00:00,000", "to": "00:00:02,000"}, "offsets": {"from": 0, "to": 2000},
                "text": " Muldoon, friend.",
                "tokens": [
                    token("[_BEG_]", 0, 0), token(" Mul", 0, 300, 0.4), token("doon", 300, 700, 0.6), token(",", 700, 800, 0.8),
                    token(" friend", 900, 1800), token(".", 1800, 2000), token("[_TT_100]", 2000, 2000),
                ],
            },
            {"offsets": {"from": 2000, "to": 3000}, "text": " 天气", "tokens": [token(" 天", 2000, 2500), token("气", 2500, 3000)]},
        ],
    }  # fmt: skip
    transcript = load_json(tmp_path, full)
    assert rows(transcript) == [(0, 2, "Muldoon, friend.", None), (2, 3, "天气", None)]
    assert words(transcript) == [
        ("Muldoon,", 0, 0.8, 0.6),
        ("friend.", 0.9, 2, 0.5),
        ("天", 2, 2.5, 0.5),
        ("气", 2.5, 3, 0.5),
    ]
    assert transcript[0].language == "en"
    stereo = [
        {"offsets": {"from": i * 1000, "to": i * 1000 + 900}, "text": f" t{i}", "speaker": s}
        for i, s in enumerate("01?")
    ]
    assert [s.speaker for s in load_json(tmp_path, {"transcription": stereo})] == [0, 1, None]
    turns = [
        {"offsets": {"from": i, "to": i + 1}, "text": "a", "speaker_turn_next": t}
        for i, t in enumerate((False, True, True, False))
    ]
    assert [s.speaker for s in load_json(tmp_path, {"transcription": turns})] == [0, 0, 1, 0]
    cut = b'{"transcription": [{"offsets": {"from": 0, "to": 10}, "text": "a \xe5\xa4"}]}'
    assert Transcript.load(write(tmp_path, "cut.json", cut)).text == "a \ufffd"


def deepgram(**results):
    return {"metadata": {"request_id": "x", "channels": 1}, "results": results}


DEEPGRAM_WORDS = [
    {"word": "hello", "start": 0.1, "end": 0.5, "confidence": 0.99, "speaker": 1, "speaker_confidence": 0.7, "punctuated_word": "Hello."},
    {"word": "yes", "start": 2.5, "end": 2.9, "confidence": 0.9, "speaker": 0, "punctuated_word": "Yes."},
]  # fmt: skip


def test_json_of_deepgram(tmp_path):
    one = {"transcript": "Hello. Yes.", "confidence": 0.9, "words": DEEPGRAM_WORDS}
    channels = [{"alternatives": [one], "detected_language": "en"}]
    said = [("Hello.", 1, 0.1, 0.5), ("Yes.", 0, 2.5, 2.9)]

    def found(transcript):
        return [(s.text, s.speaker, s.start, s.end) for s in transcript]

    by_words = load_json(tmp_path, deepgram(channels=channels))
    assert found(by_words) == said
    assert by_words[0].language == "en"
    utterances = [
        {"start": w["start"], "end": w["end"], "confidence": 0.9, "channel": 0, "transcript": w["punctuated_word"], "words": [w], "speaker": w["speaker"], "id": "u"}
        for w in DEEPGRAM_WORDS
    ]  # fmt: skip
    by_utterances = load_json(tmp_path, deepgram(channels=channels, utterances=utterances))
    assert found(by_utterances) == said
    mixed = [{**utterances[0], "languages": ["es", "en"]}, utterances[1]]
    assert [s.language for s in load_json(tmp_path, deepgram(channels=channels, utterances=mixed))] == ["es", "en"]
    assert words(by_utterances) == [("Hello.", 0.1, 0.5, 0.99), ("Yes.", 2.5, 2.9, 0.9)]
    paragraphs = [
        {"sentences": [{"text": w["punctuated_word"], "start": w["start"], "end": w["end"]}], "speaker": w["speaker"], "num_words": 1, "start": w["start"], "end": w["end"]}
        for w in DEEPGRAM_WORDS
    ]  # fmt: skip
    with_paragraphs = [{"alternatives": [{**one, "paragraphs": {"transcript": "", "paragraphs": paragraphs}}]}]
    by_paragraphs = load_json(tmp_path, deepgram(channels=with_paragraphs))
    assert found(by_paragraphs) == said
    assert [w.speaker for w in by_paragraphs.words] == [1, 0]


def test_json_of_deepgram_with_a_channel_for_each_person_and_without_words(tmp_path):
    bare = [{k: v for k, v in w.items() if k != "speaker"} for w in DEEPGRAM_WORDS]
    channels = [{"alternatives": [{"transcript": w["word"], "words": [w]}]} for w in bare]
    transcript = load_json(tmp_path, deepgram(channels=channels))
    assert [(s.text, transcript.name_of(s.speaker)) for s in transcript] == [
        ("Hello.", "Channel 1"),
        ("Yes.", "Channel 2"),
    ]
    silent = load_json(tmp_path, deepgram(channels=[{"alternatives": [{"transcript": "", "words": []}]}]))
    assert len(silent) == 0
    text = load_json(tmp_path, deepgram(channels=[{"alternatives": [{"transcript": "only text", "words": []}]}]))
    assert [(s.text, s.start) for s in text] == [("only text", None)]


def test_json_of_the_service(tmp_path):
    answer = {
        "status": "success", "transcription": "Hello. Yes.", "language": "en", "metadata": {"duration": 3.0},
        "words": [{"word": "Hello.", "start": 0.0, "end": 0.5, "confidence": 0.9, "speaker": "speaker_0"},
                  {"word": "Yes.", "start": 0.2, "end": 0.4, "confidence": 0.8, "speaker": "speaker_1"}],
        "utterances": [{"text": "Hello.", "start": 0.0, "end": 0.5, "speaker": "speaker_0"},
                       {"text": "Yes.", "start": 0.2, "end": 0.4, "speaker": "speaker_1"}],
    }  # fmt: skip
    transcript = load_json(tmp_path, answer)
    assert rows(transcript) == [(0, 0.5, "Hello.", "Speaker 1"), (0.2, 0.4, "Yes.", "Speaker 2")]
    assert [(w.text, w.speaker) for s in transcript for w in s.words] == [("Hello.", 0), ("Yes.", 1)]
    assert (transcript.names, transcript[0].language) == ({}, "en")
    assert [s.text for s in load_json(tmp_path, {**answer, "utterances": [], "words": []})] == ["Hello. Yes."]
    assert words(load_json(tmp_path, {**answer, "utterances": []})) == [
        ("Hello.", 0, 0.5, 0.9),
        ("Yes.", 0.2, 0.4, 0.8),
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"jobName": "x", "results": {"transcripts": [{"transcript": "Hi."}], "items": []}},  # Amazon Transcribe
        {"results": [{"alternatives": [{"transcript": "hi"}]}]},  # Google
        {"id": "x", "text": "Hi.", "words": [{"text": "Hi.", "start": 100, "end": 300}]},  # AssemblyAI: milliseconds
        {},
    ],
)
def test_json_of_others_is_refused_in_words(tmp_path, data):
    with pytest.raises(ConfigError, match=r"^a\.json: it is not a transcript of a known program; expected"):
        load_json(tmp_path, data)


def test_our_own_json(tmp_path):
    transcript = Transcript([Segment("a", True, 0, 1, (Word("a", 0, 1, 0.5, 1),), speaker=1)], names={1: "Ada"})
    again = Transcript.load(transcript.save(tmp_path / "a.json"))
    assert (again.segments, again.names) == (transcript.segments, transcript.names)
    old = write(tmp_path, "old.json", '{"segments": [{"text": "old", "is_final": true}]}')
    assert Transcript.load(old).text == "old"
