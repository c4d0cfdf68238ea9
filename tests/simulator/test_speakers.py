"""Who speaks, found from the sound alone: synthesized voices, in separate finals and within one."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import math

import numpy as np
import pytest
from websockets.asyncio.client import connect

from smallest_nb.simulator.hearing.speakers import Speakers
from smallest_nb.simulator.hearing.voiceprint import find_voiced_frames
from smallest_nb.simulator.text.recognised_word import RecognisedWord

RATE = 16000
SENTENCES = (
    "The weather will be cold and cloudy this morning.",
    "Could you please tell me where the nearest station is?",
    "We have received your order and it will arrive on Monday.",
    "My brother moved to another city three years ago.",
)
MAN, WOMAN = "magnus", "sophia"


async def speak(simulator, voice, text):
    """Say something and return its samples at 16 kHz."""
    url = f"{simulator.base_url}/waves/v1/tts/live"
    headers = {"Authorization": "Bearer sk_test"}
    request = {"text": text, "voice_id": voice, "sample_rate": RATE, "complete_backoff_ms": 0}
    pcm = b""
    async with connect(url, additional_headers=headers, compression=None, proxy=None) as ws:
        await ws.send(json.dumps(request))
        async for message in ws:
            frame = json.loads(message)
            if frame["status"] == "chunk":
                pcm += base64.b64decode(frame["data"]["audio"])
            elif frame["status"] != "word_timestamp":
                assert frame["status"] == "complete", frame
                break
    samples = np.frombuffer(pcm, "<i2")
    heard = np.flatnonzero(np.abs(samples.astype(int)) > 300)
    return samples[heard[0] : heard[-1]]


@pytest.fixture(scope="module")
async def clips(simulator):
    """The samples of every sentence by both voices."""
    keys = list(itertools.product((MAN, WOMAN), SENTENCES))
    return dict(zip(keys, await asyncio.gather(*(speak(simulator, *key) for key in keys)), strict=True))


def utterance(parts, *, start=0.0, pause=0.25, noise_db=None):
    """Join parts with pauses; return the PCM and one word for each 0.35 s or so of each part."""
    gap = np.zeros(int(pause * RATE), np.int16)
    sound, words = [gap], []
    for part in parts:
        at = start + sum(map(len, sound)) / RATE
        count = max(1, round(len(part) / RATE / 0.35))
        ends = at + np.linspace(0, len(part) / RATE, count + 1)
        words += [RecognisedWord("w", float(a), float(b), 0.9) for a, b in itertools.pairwise(ends)]
        sound += [part, gap]
    samples = np.concatenate(sound).astype(float)
    if noise_db is not None:
        level = math.sqrt(np.mean(samples**2) / 10 ** (noise_db / 10))
        samples += np.random.default_rng(1).normal(0, level, len(samples))
    return np.clip(samples, -32768, 32767).astype("<i2").tobytes(), words


def ids(labelled):
    """The speakers in their order, repetitions dropped."""
    return [speaker for speaker, _ in itertools.groupby(word.speaker for word in labelled)]


@pytest.mark.parametrize("noise_db", [None, 20])
@pytest.mark.parametrize("pause", [0.1, 0.35])
async def test_a_change_of_voice_within_an_utterance_is_found(clips, pause, noise_db):
    for first, second in ((MAN, WOMAN), (WOMAN, MAN)):
        parts = [clips[first, SENTENCES[0]], clips[second, SENTENCES[1]]]
        pcm, words = utterance(parts, start=12.5, pause=pause, noise_db=noise_db)
        labelled = Speakers().label(pcm, 12.5, words)
        count = round(len(parts[0]) / RATE / 0.35)
        assert ids(labelled) == [0, 1]
        # These "words" are cut anywhere in a sound; with a short pause the place may be off by one of them.
        assert abs([w.speaker for w in labelled].index(1) - count) <= (pause < 0.3)
        assert [(w.text, w.start, w.end) for w in labelled] == [(w.text, w.start, w.end) for w in words]
        assert min(w.speaker_confidence for w in labelled) > 0.6


async def test_two_speakers_who_alternate_keep_their_numbers(clips):
    parts = [clips[voice, text] for voice, text in zip((MAN, WOMAN) * 2, SENTENCES, strict=True)]
    pcm, words = utterance(parts)
    assert ids(Speakers().label(pcm, 0.0, words)) == [0, 1, 0, 1]


@pytest.mark.parametrize("voice", [MAN, WOMAN])
@pytest.mark.parametrize("noise_db", [None, 20])
async def test_one_voice_stays_the_same_over_sentences(clips, voice, noise_db):
    speakers = Speakers()
    for number, text in enumerate(SENTENCES):
        pcm, words = utterance([clips[voice, text]], start=4.0 * number, noise_db=noise_db)
        assert ids(speakers.label(pcm, 4.0 * number, words)) == [0]
    pcm, words = utterance([clips[voice, text] for text in SENTENCES], start=20.0, noise_db=noise_db)
    assert ids(speakers.label(pcm, 20.0, words)) == [0]


async def test_numbers_hold_from_final_to_final_whatever_the_loudness(clips):
    speakers, heard = Speakers(), []
    for number, voice in enumerate((WOMAN, MAN, MAN, WOMAN, MAN, WOMAN)):
        loudness = (1.0, 0.15)[number % 2]
        pcm, words = utterance([clips[voice, SENTENCES[number % 4]] * loudness], start=5.0 * number)
        heard += ids(speakers.label(pcm, 5.0 * number, words))
    assert heard == [0, 1, 1, 0, 1, 0]


async def test_no_more_voices_than_the_limit(clips):
    speakers = Speakers(limit=1)
    for voice in (MAN, WOMAN):
        pcm, words = utterance([clips[voice, SENTENCES[0]]])
        assert ids(speakers.label(pcm, 0.0, words)) == [0]


async def test_words_without_voiced_sound_inherit(clips):
    speakers = Speakers()
    noise = np.random.default_rng(2).normal(0, 300, RATE)
    pcm, words = utterance([noise])
    assert ids(speakers.label(pcm, 0.0, words)) == [0]
    for voice, number in ((MAN, 0), (WOMAN, 1)):
        pcm, words = utterance([clips[voice, SENTENCES[0]]])
        assert ids(speakers.label(pcm, 0.0, words)) == [number]
        for silent in (bytes(2 * RATE), b"", utterance([noise])[0]):
            labelled = speakers.label(silent, 0.0, [RecognisedWord("what", 0.2, 0.6, 0.4)])
            assert [(w.speaker, w.speaker_confidence) for w in labelled] == [(number, 0.5)]


def test_nothing_heard_is_nothing_labelled():
    assert Speakers().label(b"", 0.0, []) == []
    assert len(find_voiced_frames(b"").at) == 0


def test_the_pitch_of_a_buzz_is_found():
    times = np.arange(RATE) / RATE
    for hertz in (75, 110, 220, 330):
        buzz = sum(np.sin(2 * np.pi * hertz * n * times) / n for n in range(1, 20))
        found = find_voiced_frames((buzz * 5000).astype("<i2").tobytes())
        assert len(found.at) > 90
        assert float(np.median(2**found.pitch)) == pytest.approx(hertz, rel=0.03)
