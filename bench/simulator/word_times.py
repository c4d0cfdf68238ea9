"""Where recognised words lie in the sound, held against espeak-ng's own events, and whether confidences are true.

Only words that were recognised right are compared, both their starts and their ends, on the six voices whose words come
with times.
"""

from __future__ import annotations

import base64
import json
from difflib import SequenceMatcher
from typing import Any

from bench.simulator.clients import hear, opened, request
from bench.simulator.figures import Figures
from bench.simulator.server import Server
from bench.simulator.texts import EVERYDAY
from smallest_nb.api.voices import WORD_TIMESTAMP_VOICES

__all__ = ["TimedWord", "measure", "say_timed"]

_RATE = 16000
_QUIET_SECS = 0.4
_SURE = 0.9
_MOST_WRONG = 10
"""Per cent of the words that are sure."""
TimedWord = tuple[str, float, float]


async def say_timed(server: Server, text: str, voice: str) -> tuple[bytes, list[TimedWord]]:
    """Return a text's sound, with silence around it, and its words with their places, seconds."""
    pcm, words = b"", []
    quiet = bytes(round(_QUIET_SECS * _RATE) * 2)
    async with opened(server) as ws:
        asked = request(text, voice_id=voice, sample_rate=_RATE, word_timestamps=True, complete_backoff_ms=0)
        await ws.send(json.dumps(asked))
        async for message in ws:
            frame = json.loads(message)
            data = frame.get("data", {})
            if frame["status"] == "chunk":
                pcm += base64.b64decode(data["audio"])
            elif frame["status"] == "word_timestamp":
                words.append((plain_word(data["word"]), data["start"] + _QUIET_SECS, data["end"] + _QUIET_SECS))
            elif frame["status"] in ("complete", "error"):
                break
    return quiet + pcm + quiet, words


def plain_word(word: str) -> str:
    """Return a word as it is compared."""
    return "".join(c for c in word.lower() if c.isalnum())


def pair(said: list[TimedWord], heard: list[dict[str, Any]]) -> list[tuple[TimedWord | None, dict[str, Any]]]:
    """Return each heard word with the said one that it is, or None if it was not said."""
    names = [plain_word(w["word"]) for w in heard]
    found: dict[int, TimedWord] = {}
    for block in SequenceMatcher(a=[w[0] for w in said], b=names, autojunk=False).get_matching_blocks():
        found |= {block.b + n: said[block.a + n] for n in range(block.size)}
    return [(found.get(number), word) for number, word in enumerate(heard)]


async def measure(figures: Figures, server: Server, *, quick: bool) -> None:
    """Measure the times and the confidences."""
    apart: list[float] = []
    sure = wrong = 0
    for voice in sorted(WORD_TIMESTAMP_VOICES)[: 2 if quick else None]:
        for text in EVERYDAY[: 3 if quick else None]:
            pcm, said = await say_timed(server, text, voice)
            answer = await hear(server, pcm, word_timestamps="true", numerals="false")
            for spoken, word in pair(said, [w for _, frame in answer.finals for w in frame.get("words", ())]):
                sure += word["confidence"] > _SURE
                wrong += word["confidence"] > _SURE and spoken is None
                if spoken is not None:
                    apart += [1000 * abs(word["start"] - spoken[1]), 1000 * abs(word["end"] - spoken[2])]
    figures.add("word times off", "starts and ends", "ms", apart, target={"median": 40, "p95": 120})
    figures.one("sure words that are wrong", f"confidence above {_SURE}", "%", 100 * wrong / max(1, sure),
                target=_MOST_WRONG, note=f"{wrong} of {sure}")  # fmt: skip
