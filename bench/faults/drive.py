"""Drives a client through one row and notes what its caller gets to see. Standard library only; runs in its process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from bench.clients.interface import Adapter, Ear, Voice
from bench.faults.sound import CHUNK_BYTES, pushed, sound
from bench.faults.suspend import suspend_this_process
from bench.faults.table import Row

_CLOSE_S = 8.0
_SETTLE_S = 0.05
_NOTICE_S = 1.0
_PUSHES_AFTER_THE_END = 3
_NOWHERE = "wss://nonexistent.invalid"
_KEY = "sk_fault"

Seen = dict[str, Any]


async def drive(make: Callable[[], Adapter], row: Row, url: str) -> Seen:
    """Do a row; return what the caller saw, and what was left behind."""
    with _place(row, url) as there:
        tasks, sockets = asyncio.all_tasks(), _sockets()
        seen: Seen = {
            "start": monotonic(),
            "hung": False,
            "said": [],
            "words": [],
            "failure": None,
            "accepted": 0,
            "counts": {},
        }
        session = (_speak if row.side == "tts" else _listen)(make(), row, there, seen)
        try:
            async with asyncio.timeout(row.limit) as limit:
                await session
        except TimeoutError:
            if not limit.expired():
                raise
            seen["hung"] = True
        seen["end"] = seen.get("end") or monotonic()
        await asyncio.sleep(_SETTLE_S)
        left = asyncio.all_tasks() - tasks
        seen["left"] = [repr(task) for task in left]
        seen["leaks"] = len(left) + max(0, _sockets() - sockets)
    return seen


@contextlib.contextmanager
def _place(row: Row, url: str) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        if row.place == "refused":  # bound and not listening: no other process can take the port and answer
            port = stack.enter_context(socket.socket())
            port.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{port.getsockname()[1]}"
        yield _NOWHERE if row.place == "nowhere" else url


def _sockets() -> int:
    links = []
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(fd.readlink().name)
    return sum(link.startswith("socket:") for link in links)


def _describe(error: Exception) -> Seen:
    return {"type": type(error).__name__, "says": str(error)[:400], "at": monotonic()}


def _mischief(row: Row, count: int) -> None:
    """Block the client's loop or suspend its process, where the row says so."""
    if count == row.trouble_at:
        if row.block_s:
            time.sleep(row.block_s)
        if row.suspend_s:
            suspend_this_process(row.suspend_s)


async def _speak(adapter: Adapter, row: Row, url: str, seen: Seen) -> None:
    try:
        voice = await adapter.voice(url, _KEY, adapter.tts, **row.options)
    except Exception as error:
        seen["said"].append(_utterance(row.texts[0], b"", error))
        return
    try:
        for number, text in enumerate(row.texts):
            await asyncio.sleep(row.pause_s if number else 0.0)
            seen["said"].append(await _say(voice, row, text))
        seen["end"] = monotonic()
    finally:
        await _close(voice, seen)


async def _say(voice: Voice, row: Row, text: str) -> Seen:
    pieces: list[bytes] = []

    async def take(pcm: bytes) -> None:
        pieces.append(pcm)
        _mischief(row, len(pieces))
        if row.slow_s:
            await asyncio.sleep(row.slow_s)

    failure: Exception | None = None
    try:
        await voice.say(text, take)
    except Exception as error:
        failure = error
    return _utterance(text, b"".join(pieces), failure)


def _utterance(text: str, got: bytes, error: Exception | None) -> Seen:
    wanted = sound(text)
    prefix = next(
        (at for at, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b), min(len(got), len(wanted))
    )
    rest = min(len(got), len(wanted)) - prefix
    suffix = next((at for at in range(rest) if got[-1 - at] != wanted[-1 - at]), rest)
    clip = getattr(error, "clip", None)
    return {
        "text": text,
        "got": len(got),
        "prefix": prefix,
        "suffix": suffix,
        "clip_differs": clip is not None and clip.pcm != got,
        "failure": _describe(error) if error else None,
    }


async def _listen(adapter: Adapter, row: Row, url: str, seen: Seen) -> None:
    try:
        options = dict(row.options)
        words = {adapter.words_setting: options.pop("timed", True)} if adapter.words_setting else {}
        ear = await adapter.ear(url, _KEY, adapter.stt | words, **options)
    except Exception as error:
        seen["failure"] = {**_describe(error), "by": ["connect"]}
        return
    reader = asyncio.create_task(_read(ear, seen))
    try:
        await _push_all(ear, row, reader, seen)
        if seen["failure"] is None:
            await _finish(ear, seen)
        # If pushing failed, reading has to fail too, without `end`.
        await asyncio.wait({reader}, timeout=_NOTICE_S if seen["failure"] else _CLOSE_S)
        seen["end"] = monotonic()
    finally:
        seen["hung"] = not reader.done()
        await _close(ear, seen)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _finish(ear: Ear, seen: Seen) -> None:
    try:
        await ear.end()
    except Exception as error:
        _note(seen, error, "end")


async def _push_all(ear: Ear, row: Row, reader: asyncio.Task[None], seen: Seen) -> None:
    begin, paused, after_the_end = monotonic(), 0.0, 0
    for number in range(row.chunks):
        if number == row.pause_at:
            await asyncio.sleep(row.pause_s)
            paused = row.pause_s
        if number == row.finalize_at:
            await ear.finalize()
        over = seen["failure"] is not None or reader.done()
        try:
            await ear.push(pushed(number))
        except Exception as error:
            _note(seen, error, "push")
            return
        if over:
            seen["accepted"] += CHUNK_BYTES
            after_the_end += 1
            if after_the_end == _PUSHES_AFTER_THE_END:
                return
        _mischief(row, number)
        await asyncio.sleep(max(0.0, begin + paused + (number + 1) * row.pace_s - monotonic()))


async def _read(ear: Ear, seen: Seen) -> None:
    def heard(text: str, is_final: bool, _result: object) -> None:
        if is_final:
            seen["words"].extend(text.split())

    try:
        await ear.read(heard)
    except Exception as error:
        _note(seen, error, "results")


def _note(seen: Seen, error: Exception, by: str) -> None:
    if seen["failure"] is None:
        seen["failure"] = {**_describe(error), "by": []}
    seen["failure"]["by"].append(by)


async def _close(session: Voice | Ear, seen: Seen) -> None:
    seen["counts"] = getattr(session, "counts", dict)()
    try:
        async with asyncio.timeout(_CLOSE_S):
            await session.close()
    except Exception as error:  # a peer's close may raise; it must not hide what the row is about
        seen["close"] = _describe(error)
