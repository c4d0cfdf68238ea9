"""What the recogniser does with keywords, long speech and two voices: real speech, really heard."""

from __future__ import annotations

import json

import jiwer
import pytest
from simulated import CLOSE, finals, hear, opened, said, speak, stt_path

from smallest_nb.audio.clip import silence
from smallest_nb.simulator.hearing.keywords import Keyword, convert_to_arpabet, parse_keywords

LONG = (
    "The weather will be cold and cloudy this morning. She walked along the river and looked at the water. "
    "He opened the door and turned on the light."
)


def plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c in " '")


async def padded(simulator, text, **fields) -> bytes:
    quiet = silence(0.4, 16000)
    return quiet + (await speak(simulator, text, **fields))[1] + quiet


@pytest.mark.parametrize(
    ("text", "keywords", "wanted"),
    [
        ("The new Pipecat release works with Kubernetes.", "Pipecat:2,Kubernetes:2", ("Pipecat",)),
        ("Doctor Quillfeather will call you back tomorrow.", "Quillfeather:2", ("Quillfeather",)),
    ],
)
async def test_keywords_are_heard_that_were_not_before(simulator, text, keywords, wanted):
    pcm = await padded(simulator, text)
    without = said(await hear(simulator, pcm))
    frames = await hear(simulator, pcm, keywords=keywords, word_timestamps="true")
    for word in wanted:
        assert word.lower() not in without.lower()
        assert word in said(frames)
        assert word in [w["word"].strip(".") for f in finals(frames) for w in f["words"]]


async def test_keywords_add_no_words_that_were_not_spoken(simulator):
    pcm = await padded(simulator, "The weather will be cold and cloudy this morning.")
    heard = said(await hear(simulator, pcm, keywords="Pipecat:1,Kubernetes:1,Siddharth:1,Blackwell:1"))
    assert not {"Pipecat", "Kubernetes", "Siddharth", "Blackwell"} & set(heard.replace(".", "").split())
    assert "cold and cloudy" in heard


def test_keywords_are_read_as_documented():
    assert parse_keywords("Blackwell:1,Jensen Huang:2, plain ,half:1.5,:3,a:b:4") == (
        Keyword("Blackwell", 1.0),
        Keyword("Jensen Huang", 2.0),
        Keyword("plain", 1.0),
        Keyword("half", 1.5),
        Keyword("a:b", 4.0),
    )
    assert parse_keywords("") == ()
    assert len(parse_keywords(",".join(f"w{i}" for i in range(500)))) == 100
    assert parse_keywords("loud:99,odd:nan") == (Keyword("loud", 20.0), Keyword("odd", 1.0))


def test_phonemes_become_the_recognisers():
    assert convert_to_arpabet("k w ɪ n ˈoʊ ə") == "K W IH N OW AH"
    assert convert_to_arpabet("s ˈɪ d ɑːɹ θ") == "S IH D AA R TH"
    assert convert_to_arpabet("dʒ ˈɛ n s ə n") == "JH EH N S AH N"


async def test_long_speech_is_cut_by_words_and_nothing_is_lost(simulator):
    pcm = await padded(simulator, LONG)
    cut = finals(await hear(simulator, pcm, word_timestamps="true", eou_timeout_ms=5000))
    whole = finals(await hear(simulator, pcm, word_timestamps="true", eou_timeout_ms=5000, finalize_on_words="false"))
    assert len(whole) == 1
    assert len(cut) >= 3
    assert all(len(f["words"]) <= 10 for f in cut[:-1])
    times = [(w["start"], w["end"]) for f in cut for w in f["words"]]
    assert times == sorted(times)
    assert jiwer.wer(plain(LONG), plain(" ".join(f["transcript"] for f in cut))) <= 0.3
    assert jiwer.wer(plain(LONG), plain(whole[0]["transcript"])) <= 0.3


async def test_two_people_are_distinguished_by_their_voices(simulator):
    text = "The weather will be cold and cloudy this morning."
    man, woman = [await padded(simulator, text, voice_id=v) for v in ("magnus", "sophia")]
    frames = await hear(simulator, man + woman + man, diarize="true", eou_timeout_ms=300)
    speakers = [[w["speaker"] for w in f["words"]] for f in finals(frames)]
    assert [max(set(s), key=s.count) for s in speakers if s] == [0, 1, 0]


async def test_numbers_spoken_are_numbers_written(simulator):
    pcm = await padded(simulator, "The train leaves in twenty minutes.")
    assert "20 minutes" in said(await hear(simulator, pcm))
    assert "twenty minutes" in said(await hear(simulator, pcm, numerals="none"))


async def test_the_recogniser_is_free_when_the_socket_closes(simulator):
    pcm = await padded(simulator, "Hello there.")
    for _ in range(12):  # more than there are recognisers
        async with opened(simulator, stt_path()) as ws:
            await ws.send(pcm[:3200])
            await ws.send(CLOSE)
            while not json.loads(await ws.recv())["is_last"]:
                pass
