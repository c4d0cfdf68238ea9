"""Makes the person's sound, and says where each phrase begins and ends in it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import smallest_nb as snb
from bench.conversation.script import PHRASES, Phrase

__all__ = ["RATE", "Spoken", "make_sound", "word_times"]

RATE = 16000
VOICE, PERSON = "avery", "magnus"
_KEY = "sk_bench_conversation"
_LOUD = 0.01
_SECS_PER_WORD = 0.36


@dataclass(frozen=True)
class Spoken:
    """Where a phrase is in the sound, in seconds: its first and its last loud sample."""

    text: str
    interrupts: bool
    start: float
    end: float


async def _say(url: str, text: str, voice: str) -> snb.Clip:
    settings = snb.SmallestTTSSettings(voice=voice)
    async with snb.SmallestTTSService(api_key=_KEY, base_url=url, sample_rate=RATE, settings=settings) as tts:
        return await tts.synthesize(text)


def make_sound(
    url: str, path: Path, *, slowest_answer_secs: float, turns: tuple[Phrase, ...] = PHRASES
) -> list[Spoken]:
    """Write the sound as a WAV file.

    Args:
        url: The simulator.
        path: Where to write.
        slowest_answer_secs: Seconds after the end of a phrase until every client's answer sounds.
        turns: What is said.
    """
    clips = asyncio.run(_say_all(url, [turn.text for turn in turns]))
    noise = np.random.default_rng(7)
    pieces, spoken, at = [np.zeros(RATE)], [], RATE
    for number, (turn, clip) in enumerate(zip(turns, clips, strict=True)):
        samples = clip.samples.astype(float)
        loud = np.flatnonzero(np.abs(samples) > _LOUD * 32768)
        spoken.append(Spoken(turn.text, turn.interrupts, (at + loud[0]) / RATE, (at + loud[-1] + 1) / RATE))
        is_interrupted = number + 1 < len(turns) and turns[number + 1].interrupts
        words = 2 + len(turn.text.split())
        wait = slowest_answer_secs + (1.6 if is_interrupted else words * _SECS_PER_WORD + 1.0)
        pieces += [samples, np.zeros(round(wait * RATE))]
        at += len(pieces[-1]) + len(samples)
    whole = np.concatenate(pieces)
    whole += noise.normal(0, 8, len(whole))
    snb.Clip.from_array(np.clip(whole, -32768, 32767).astype(np.int16), RATE).to_wav(path)
    path.with_suffix(".json").write_text(json.dumps([asdict(s) for s in spoken], indent=1), encoding="utf-8")
    return spoken


async def _say_all(url: str, texts: list[str]) -> list[snb.Clip]:
    return [await _say(url, text, PERSON) for text in texts]


async def word_times(url: str, texts: list[str]) -> dict[str, list[tuple[str, float, float]]]:
    """Return when each word of a text is spoken by the voice of the answers."""
    settings = snb.SmallestTTSSettings(voice=VOICE, word_timestamps=True)
    found = {}
    async with snb.SmallestTTSService(api_key=_KEY, base_url=url, settings=settings) as tts:
        for text in dict.fromkeys(texts):
            events = [event async for event in tts.run_tts(text)]
            found[text] = [(e.word, e.start, e.end) for e in events if isinstance(e, snb.WordTiming)]
    return found
