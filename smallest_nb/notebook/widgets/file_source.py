"""The FileSource: sound files that play the microphone's part, one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import traitlets

from smallest_nb.audio.clip import Clip
from smallest_nb.audio.files import read_sound
from smallest_nb.client import background_loop
from smallest_nb.client.cleanup import start_task
from smallest_nb.notebook.comm.messages import Press, Upload
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets._base import SpeechWidget

__all__ = ["MAX_FILE_BYTES", "FileSource"]

_log = logging.getLogger(__name__)
MAX_FILE_BYTES = 250 * 2**20
"""As much as the service takes in one request."""
_MAX_WAITING = 50
_MOST_EARLY = 32
_MOST_FORGOTTEN = 200
_SHOWN = 8


@dataclass(eq=False)
class _File:
    """A file on its way from the page to the transcript."""

    key: str
    name: str
    size: int
    content: bytearray = field(default_factory=bytearray)
    early: dict[int, bytes] = field(default_factory=dict)
    """Pieces that came before those in front of them, by where they begin: kernels deliver on several threads."""
    state: str = "receiving"
    done: float = 0.0
    problem: str = ""

    def add(self, first: int, data: bytes) -> None:
        """Add a piece, in whatever order they come; one that is there already changes nothing."""
        if first >= len(self.content) and (first in self.early or len(self.early) < _MOST_EARLY):
            self.early[first] = data
        while (piece := self.early.pop(len(self.content), None)) is not None and piece:
            self.content += piece

    def to_row(self) -> dict[str, Any]:
        return {"name": self.name, "state": self.state, "done": round(self.done, 3), "problem": self.problem}


class FileSource(SpeechWidget):
    """Takes files from the page and transcribes them in order.

    Args:
        play: Awaited with the file's name, the clip, the pace (a multiple of real time), and a function that is called
            with the fraction that was played.
        turn: Awaited before a file is played: it waits while something else is recorded.
        begin: Called in the handler of the page's message, before a file is played.

    Attributes:
        rows: What the page shows of the latest files: name, state ("receiving", "waiting", "transcribing", "done",
            "stopped", "failed"), the fraction that is done, and what went wrong.
        pace: Multiple of real time at which files are played.
    """

    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    pace = traitlets.Float(8.0, min=1.0, max=50.0).tag(sync=True)

    def __init__(
        self,
        play: Callable[[str, Clip, float, Callable[[float], None]], Awaitable[None]],
        turn: Callable[[], Awaitable[None]],
        begin: Callable[[], None],
        *,
        within: PartChannel,
        **kwargs: Any,
    ) -> None:
        super().__init__(within=within, **kwargs)
        self._play = play
        self._turn = turn
        self._begin = begin
        self._files: deque[_File] = deque()
        self._forgotten: deque[str] = deque(maxlen=_MOST_FORGOTTEN)
        self._running: asyncio.Task[None] | None = None
        self._playing: asyncio.Task[None] | None = None
        self._channel.on(Upload, self._received)
        self._channel.on(Press, lambda m, _b: background_loop.post(self._pressed, m["action"]))

    def _received(self, message: Upload, data: bytes) -> None:
        self._begin()
        background_loop.post(self._take, message, data)

    def _pressed(self, action: str) -> None:
        """Stop means all of them: what was transcribed so far stays."""
        if action != "stop":
            return
        for one in self._files:
            if one.state in ("receiving", "waiting"):
                one.state, one.content, one.early = "stopped", bytearray(), {}
        if self._playing is not None:
            self._playing.cancel()
        self._show()

    def _take(self, message: Upload, data: bytes) -> None:
        """Add bytes to a file and say how many there are; the page sends no more than a few messages ahead."""
        one = next((f for f in self._files if f.key == message["file"]), None)
        problem = None
        if one is None and message["file"] not in self._forgotten:
            problem = self._why_refused(message)
            if problem is None:
                one = _File(message["file"], message["name"], message["size"])
                self._files.append(one)
        if one is None or one.state != "receiving":
            self._acknowledge(message["file"], 0, problem or "It is not wanted any more.")
            return
        one.add(message["first"], data)
        one.done = len(one.content) / max(1, one.size)
        self._acknowledge(one.key, len(one.content), None)
        if len(one.content) >= one.size:
            one.state, one.done = "waiting", 0.0
            if self._running is None or self._running.done():
                self._running = start_task(self._run())
        self._show()

    def _why_refused(self, message: Upload) -> str | None:
        if not 0 < message["size"] <= MAX_FILE_BYTES:
            most = MAX_FILE_BYTES // 2**20
            return f"{message['name']} has {message['size'] / 2**20:.0f} MB; files from 1 byte to {most} MB are taken."
        if sum(f.state in ("receiving", "waiting") for f in self._files) >= _MAX_WAITING:
            return f"{_MAX_WAITING} files are waiting already."
        return None

    def _acknowledge(self, key: str, received: int, error: str | None) -> None:
        self._channel.post({"type": "upload-ack", "file": key, "received": received, "error": error})

    async def _run(self) -> None:
        while (one := next((f for f in self._files if f.state == "waiting"), None)) is not None:
            await self._turn()
            if one.state == "waiting":  # else it was stopped meanwhile
                await self._transcribe(one)
            finished = [f for f in self._files if f.state in ("done", "stopped", "failed")]
            for old in finished[:-_SHOWN]:
                self._files.remove(old)
                self._forgotten.append(old.key)

    async def _transcribe(self, one: _File) -> None:
        one.state = "transcribing"
        self._show()

        def progress(fraction: float) -> None:
            if fraction - one.done >= 0.01 or fraction >= 1:
                one.done = fraction
                self._show()

        try:
            clip = await asyncio.to_thread(read_sound, bytes(one.content))
            one.content = bytearray()
            if len(clip):
                self._playing = start_task(_awaited(self._play(one.name, clip, self.pace, progress)))
                await asyncio.wait([self._playing])
                if not self._playing.cancelled():
                    self._playing.result()
            else:
                one.problem = "There is no sound in it."
        except asyncio.CancelledError:  # the widget is closed
            if self._playing is not None:
                self._playing.cancel()
            raise
        except Exception as error:
            one.state, one.problem = "failed", str(error) or type(error).__name__
            _log.info("a file was not transcribed: %s", error)
        else:
            whole = one.done >= 1 and not (self._playing is not None and self._playing.cancelled())
            one.state = "failed" if one.problem else "done" if whole else "stopped"
        finally:
            one.content, self._playing = bytearray(), None
            self._show()

    def _show(self) -> None:
        self.rows = [f.to_row() for f in list(self._files)[-_SHOWN:]]

    def close(self) -> None:
        """Cancel what runs."""
        if self._running is not None:
            background_loop.post_if_running(self._running.cancel)
        super().close()


async def _awaited(work: Awaitable[None]) -> None:
    await work
