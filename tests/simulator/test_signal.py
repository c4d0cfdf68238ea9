"""The test signal: what is spoken as tones is read back from the sound alone."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import hear, said, samples, speak

from smallest_nb.api.language import STT_VENDOR_LANGUAGES
from smallest_nb.simulator.hearing.recogniser import Result
from smallest_nb.simulator.hearing.signal_recogniser import SignalRecogniser
from smallest_nb.simulator.hearing.stt_options import STTOptions
from smallest_nb.simulator.speech.signal_synthesizer import SignalSynthesizer
from smallest_nb.simulator.speech.synthesizer import Delivery
from smallest_nb.simulator.text.reading import read_aloud
from smallest_nb.simulator.text.wording import Wording

PLAIN = {"format": "false", "numerals": "false"}
TEXTS = {
    "en": "the weather will be cold",
    "de": "schöne grüße aus münchen",
    "hi": "मेरा नाम सीता है",
    "ru": "сегодня хорошая погода",
    "ta": "இன்று நல்ல நாள்",
    "ar": "مرحبا بالعالم",
}


@pytest.mark.parametrize("language", TEXTS)
async def test_any_language_comes_back_exactly(signals, language):
    _, pcm = await speak(signals, TEXTS[language], language=language)
    heard_as = language if language in STT_VENDOR_LANGUAGES else "en"
    frames = await hear(signals, pcm, language=heard_as, **PLAIN)
    assert said(frames) == TEXTS[language]


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
async def test_at_every_rate_and_speed(signals, rate, speed):
    _, pcm = await speak(signals, TEXTS["en"], sample_rate=rate, speed=speed)
    assert said(await hear(signals, pcm, rate=rate, **PLAIN)) == TEXTS["en"]


async def test_through_noise_yes_from_nothing_no(signals):
    _, pcm = await speak(signals, TEXTS["en"])
    noise = np.random.default_rng(5).normal(0, 300, len(pcm) // 2)
    noisy = np.clip(samples(pcm) + noise, -32768, 32767).astype("<i2").tobytes()
    assert said(await hear(signals, noisy, **PLAIN)) == TEXTS["en"]
    assert said(await hear(signals, noise.astype("<i2").tobytes(), **PLAIN)) == ""


async def test_what_is_no_signal_is_called_inaudible(signals, simulator):
    _, speech = await speak(simulator, "Hello there.")
    text = said(await hear(signals, speech, **PLAIN))
    assert text
    assert set(text.split()) == {"[inaudible]"}


async def test_a_damaged_word_is_not_guessed(signals):
    _, pcm = await speak(signals, "right wrong right")
    sound = samples(pcm)
    loud = np.flatnonzero(np.abs(sound) > 1000)
    middle = (loud[0] + loud[-1]) // 2
    sound[middle - 800 : middle + 800] = 4000 * np.sin(np.arange(1600))
    text = said(await hear(signals, sound.astype("<i2").tobytes(), **PLAIN))
    assert "wrong" not in text.split()
    assert text.split()[0] == text.split()[-1] == "right"


async def test_times_of_words_are_those_of_the_sound(signals):
    frames, pcm = await speak(signals, "one two three", voice_id="meher", word_timestamps=True)
    sent = [(f["data"]["start"], f["data"]["end"]) for f in frames if f["status"] == "word_timestamp"]
    heard = await hear(signals, pcm, word_timestamps="true", **PLAIN)
    got = [(w["start"], w["end"]) for f in heard if f["is_final"] for w in f.get("words", ())]
    assert len(sent) == 3
    assert np.abs(np.array(sent) - np.array(got)).max() < 0.02


async def test_K5_a_segment_without_an_end_is_ended_after_a_minute():
    """Each interim repeats its segment: without a bound an hour of words would be sent a thousand times."""
    options = STTOptions("en", Wording(), silence_ms=None, max_words=None)
    listener, heard = SignalRecogniser(options), []
    tokens = read_aloud(" ".join(f"word{n}" for n in range(400)), {})
    async for piece in SignalSynthesizer().speak(tokens, 16000, Delivery("magnus", speed=2.0)):
        if isinstance(piece, bytes):
            heard += [r for r in await listener.push(piece) if isinstance(r, Result) and r.final]
    heard.append(await listener.finalize())
    assert len(heard) > 1
    assert all(each.words[-1].end - each.words[0].start < 62 for each in heard)
    assert [w.text for each in heard for w in each.words] == [f"word{n}" for n in range(400)]
