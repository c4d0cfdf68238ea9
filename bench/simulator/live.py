"""People who speak, two at the same time: how old interim text is, and how soon a final comes after `finalize`.

Sound is sent in real time. A word is as late as the first result with as many words in it comes after the word's end;
what the voices say is known, and so is when.
"""

from __future__ import annotations

import asyncio
import json
from time import perf_counter

from bench.simulator.clients import CLOSE, FINALIZE, hear, opened, stt_path, until
from bench.simulator.figures import Figures
from bench.simulator.server import Server
from bench.simulator.texts import EVERYDAY
from bench.simulator.word_times import TimedWord, say_timed

__all__ = ["measure"]

_RATE = 16000
_CHUNK_SECS = 0.1
_VOICES = ("liam", "meher")
_MOST_LATE_SECS = 1.2
_MOST_FINAL_MS = 400
_ANSWER_SECS = 30.0
_SENTENCES = 2
"""Of a turn."""


async def measure(figures: Figures, server: Server, *, quick: bool) -> None:
    """Let two sessions run side by side, several turns each, then one alone, sentence by sentence."""
    await hear(server, bytes(_RATE))  # the model is loaded by then
    late: list[float] = []
    turns = [" ".join(EVERYDAY[at : at + _SENTENCES]) for at in range(0, len(EVERYDAY), _SENTENCES)]
    finals: dict[str, list[float]] = {"two live sessions": [], "one live session": []}
    missing = dict.fromkeys(finals, 0)
    for case, texts, voices in (
        ("two live sessions", turns, _VOICES),
        ("one live session", EVERYDAY[::2], _VOICES[:1]),
    ):
        for text in texts[: 1 if quick else None]:
            spoken = await asyncio.gather(*(say_timed(server, text, voice) for voice in voices))
            begin = perf_counter() + 0.5
            for words_late, final in await asyncio.gather(*(_listen(server, *s, begin) for s in spoken)):
                late += words_late if len(voices) > 1 else []
                finals[case] += [1000 * final] if final is not None else []
                missing[case] += final is None
    figures.add("interim text, age", "two live sessions", "s", late, target={"p95": _MOST_LATE_SECS})
    for case, values in finals.items():
        target = {"p95": float(_MOST_FINAL_MS)} if case.startswith("one") else None
        note = f"{missing[case]} never came" if missing[case] else ""
        figures.add("final after finalize", case, "ms", values, target=target, note=note)


async def _listen(server: Server, pcm: bytes, words: list[TimedWord], begin: float) -> tuple[list[float], float | None]:
    """Return how late each word was shown, and how long the final took; the sound's last silence is not sent."""
    end = words[-1][2] + 0.1 if words else len(pcm) / 2 / _RATE
    size = round(_CHUNK_SECS * _RATE) * 2
    pcm = pcm[: round(end * _RATE) * 2]
    shown: list[tuple[float, int]] = []
    answered: float | None = None
    async with opened(server, stt_path(_RATE, finalize_on_words="false", numerals="false")) as ws:

        async def read() -> None:
            nonlocal answered
            done = 0
            async for message in ws:
                frame = json.loads(message)
                if frame["type"] != "transcription":
                    continue
                count = done + len(frame["transcript"].split())
                shown.append((perf_counter() - begin, count))
                done = count if frame["is_final"] else done
                if frame.get("from_finalize"):
                    answered = perf_counter()
                    return

        reader = asyncio.create_task(read())
        for number, at in enumerate(range(0, len(pcm), size), 1):
            await until(begin + number * _CHUNK_SECS)
            await ws.send(pcm[at : at + size])
        asked = perf_counter()
        await ws.send(FINALIZE)
        await asyncio.wait({reader}, timeout=_ANSWER_SECS)
        reader.cancel()
        await ws.send(CLOSE)
    late = []
    for number, (_, _, word_end) in enumerate(words[:-1], 1):
        first = next((at for at, count in shown if count >= number), None)
        if first is not None:
            late.append(max(0.0, first - word_end))
    return late, None if answered is None else answered - asked
