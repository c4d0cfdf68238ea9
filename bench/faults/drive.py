"""Drives a client through one row and notes what its caller gets to see. Standard library only; runs in its process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from bench.faults.sound import CHUNK_BYTES, pushed, sound
from bench.faults.suspend import suspend_this_process
from bench.faults.table import ROWS, Row

_CLOSE_S = 8.0
_SETTLE_S = 0.05
_TOLD_S = 1.0
_PUSHES_AFTER_THE_END = 3
_NOWHERE = "wss://nonexistent.invalid"


class Mouth(Protocol):
    """One session of speech synthesis."""

    async def say(self, text: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        """Speak; hand over PCM as it comes; return when the client says that it is over."""

    async def close(self) -> None:
        """End the session."""


class Ear(Protocol):
    """One session of transcription."""

    def results(self) -> AsyncIterator[tuple[str, bool]]:
        """Iterate over text and whether it is final, until the session is over."""

    async def push(self, pcm: bytes) -> None:
        """Hand audio to the client."""

    async def finalize(self) -> None:
        """Ask for the final of what was said so far, where the client can."""

    async def end(self) -> None:
        """Say that nothing follows: the results end after the last words."""

    async def close(self) -> None:
        """Leave, in whatever state."""


class Adapter(Protocol):
    """How a client is driven; `url` is `ws://host:port` without a path."""

    async def mouth(self, url: str, options: dict[str, Any]) -> Mouth:
        """Open a session of synthesis at 24 kHz; `options` are our constructor's, and nothing to a peer."""

    async def ear(self, url: str, options: dict[str, Any]) -> Ear:
        """Open a session of transcription at 16 kHz, with word times where there are any."""


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
        if row.place == "refused":  # bound and not listening: nobody else can take the port and answer
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


def _told(error: Exception) -> Seen:
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
        mouth = await adapter.mouth(url, dict(row.options))
    except Exception as error:
        seen["said"].append(_utterance(row.texts[0], b"", error))
        return
    try:
        for number, text in enumerate(row.texts):
            await asyncio.sleep(row.pause_s if number else 0.0)
            seen["said"].append(await _say(mouth, row, text))
        seen["end"] = monotonic()
    finally:
        await _close(mouth, seen)


async def _say(mouth: Mouth, row: Row, text: str) -> Seen:
    pieces: list[bytes] = []

    async def take(pcm: bytes) -> None:
        pieces.append(pcm)
        _mischief(row, len(pieces))
        if row.slow_s:
            await asyncio.sleep(row.slow_s)

    failure: Exception | None = None
    try:
        await mouth.say(text, take)
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
        "failure": _told(error) if error else None,
    }


async def _listen(adapter: Adapter, row: Row, url: str, seen: Seen) -> None:
    try:
        ear = await adapter.ear(url, dict(row.options))
    except Exception as error:
        seen["failure"] = {**_told(error), "by": ["connect"]}
        return
    reader = asyncio.create_task(_read(ear, seen))
    try:
        await _push_all(ear, row, reader, seen)
        if seen["failure"] is None:
            await _finish(ear, seen)
        # Where pushing failed, reading has to fail too, and without being told to end.
        await asyncio.wait({reader}, timeout=_TOLD_S if seen["failure"] else _CLOSE_S)
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
    try:
        async for text, is_final in ear.results():
            if is_final:
                seen["words"].extend(text.split())
    except Exception as error:
        _note(seen, error, "results")


def _note(seen: Seen, error: Exception, by: str) -> None:
    if seen["failure"] is None:
        seen["failure"] = {**_told(error), "by": []}
    seen["failure"]["by"].append(by)


async def _close(session: Mouth | Ear, seen: Seen) -> None:
    seen["counts"] = getattr(session, "counts", dict)()
    try:
        async with asyncio.timeout(_CLOSE_S):
            await session.close()
    except Exception as error:  # a peer's close may raise; it must not hide what the row is about
        seen["close"] = _told(error)


def run(make: Callable[[], Adapter]) -> None:
    """Do the rows that stdin brings until it ends.

    Args:
        make: Makes the adapter, inside the running loop.
    """
    answers = os.fdopen(os.dup(1), "w")  # some clients print: the real stdout is for answers only
    os.dup2(2, 1)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    rows = {(row.side, row.fault): row for row in ROWS}
    for line in sys.stdin:
        order = json.loads(line)
        row = rows[order["side"], order["fault"]]
        print(json.dumps(asyncio.run(drive(make, row, order["url"]))), file=answers, flush=True)
