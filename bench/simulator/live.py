"""Two people who speak at the same time: how old interim text is, and how soon a final comes after `finalize`.

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
    """Let two sessions run side by side, several turns each."""
    late: list[float] = []
    finals: list[float] = []
    missing = 0
    await hear(server, bytes(_RATE))  # the model is loaded by then
    texts = [" ".join(EVERYDAY[at : at + _SENTENCES]) for at in range(0, len(EVERYDAY), _SENTENCES)]
    for text in texts[: 1 if quick else None]:
        spoken = await asyncio.gather(*(say_timed(server, text, voice) for voice in _VOICES))
        begin = perf_counter() + 0.5
        turns = await asyncio.gather(*(_listen(server, pcm, words, begin) for pcm, words in spoken))
        for words_late, final in turns:
            late += words_late
            finals += [1000 * final] if final is not None else []
            missing += final is None
    figures.add("interim text, age", "two live sessions", "s", late, target={"p95": _MOST_LATE_SECS})
    note = f"{missing} never came" if missing else ""
    figures.add("final after finalize", "two live sessions", "ms", finals, target={"p95": _MOST_FINAL_MS}, note=note)


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
