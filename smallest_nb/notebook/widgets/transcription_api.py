"""Listening: programs that follow a transcription, and recordings that they start. Runs on the background loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from time import monotonic

from smallest_nb.audio.clip import Clip
from smallest_nb.errors import ConfigError, FrontEndError
from smallest_nb.notebook.comm.reachability import SIGN_SECS
from smallest_nb.notebook.widgets.microphone import Microphone
from smallest_nb.notebook.widgets.transcription_session import Recognition
from smallest_nb.results.transcript import Segment

__all__ = ["Listening"]

_log = logging.getLogger(__name__)
_BEHIND = 1000
_START_SECS = 60.0
"""A person may have to answer the browser's question first."""
_POLL_SECS = 0.05
_LOOK_SECS = 3.0

Handler = Callable[[Segment], None]


class Listening:
    """Who wants to know what is said.

    Args:
        microphone: What is heard.
        recognition: What follows it.
    """

    def __init__(self, microphone: Microphone, recognition: Recognition) -> None:
        self._microphone = microphone
        self._recognition = recognition
        self._handlers: dict[bool, list[Handler]] = {False: [], True: []}
        self._overs: list[Callable[[], None]] = []
        self._heard_at = 0.0
        self._finals = 0

    def add(self, handler: Handler, *, interim: bool) -> None:
        """Call a handler with each interim or each final result."""
        self._handlers[interim].append(handler)

    def tell(self, segment: Segment) -> None:
        """Tell everybody."""
        self._heard_at = monotonic()
        self._finals += segment.is_final
        for handler in list(self._handlers[not segment.is_final]):
            try:
                handler(segment)
            except Exception:
                _log.exception("a transcript handler failed")

    def over(self) -> None:
        """The recording is over, and all its words are there."""
        for handler in list(self._overs):
            handler()

    async def check_hearing(self) -> None:
        """Refuse to wait for the page where nothing of it comes meanwhile.

        Raises:
            FrontEndError: With what to do instead.
        """
        if not await self._microphone._channel.is_heard():  # noqa: SLF001 - our own part
            raise FrontEndError(
                f"No page was heard while this cell waited for {SIGN_SECS:g} s: this kernel hears from pages only "
                "between cells, or the page is gone. Press the button, and read live.transcript in a later cell, or "
                "use live.on_final(handler)."
            )

    async def _check_progress(self) -> None:
        """Nothing came for a while: a clip that is fed is heard all the same, and so are the last words."""
        microphone = self._microphone
        if not microphone.feeding and (microphone.state != "idle" or not self._recognition.running):
            await self.check_hearing()

    async def segments(self, *, interim: bool) -> AsyncIterator[Segment]:
        """Yield results in whichever loop asks, until a recording is over."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[Segment | None] = asyncio.Queue(_BEHIND)

        def put(segment: Segment | None) -> None:
            if waiting.full():
                waiting.get_nowait()
                _log.warning("a reader of the transcript is %d results behind; the oldest goes", _BEHIND)
            waiting.put_nowait(segment)

        def pass_on(segment: Segment | None = None) -> None:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody reads any more
                loop.call_soon_threadsafe(put, segment)

        kinds = (False, True) if interim else (False,)
        for kind in kinds:
            self._handlers[kind].append(pass_on)
        self._overs.append(pass_on)
        try:
            while True:
                try:
                    async with asyncio.timeout(_LOOK_SECS):
                        segment = await waiting.get()
                except TimeoutError:
                    await self._check_progress()
                    continue
                if segment is None:
                    return
                yield segment
        finally:
            for kind in kinds:
                self._handlers[kind].remove(pass_on)
            self._overs.remove(pass_on)

    async def feed(self, clip: Clip, pace: float) -> None:
        """Let a clip play the microphone's part until its last final.

        Raises:
            SmallestError: What went wrong.
        """
        self._recognition.failure = None
        feeding = asyncio.wrap_future(self._microphone.feed(clip, pace=pace))
        try:
            await asyncio.wait([feeding])  # ends early where the session fails
        except asyncio.CancelledError:
            self._microphone.stop()
            raise
        if not feeding.cancelled():
            feeding.result()  # refused where a recording was quicker
        await self._finish()

    async def record(self, until: str | float, *, source: Clip | None, quiet: float, timeout: float) -> None:
        """Record as `LiveTranscriber.record` says."""
        if until not in ("silence", "stop") and (isinstance(until, str | bool) or not 0 < until < timeout):
            raise ConfigError(
                f"until={until!r} cannot be used; expected 'silence', 'stop', or seconds below timeout={timeout:g}."
            )
        if self._microphone.state != "idle":
            raise ConfigError(f"The microphone is {self._microphone.state}; stop it first.")
        self._recognition.failure = None
        finals = self._finals
        try:
            async with asyncio.timeout(timeout):
                await self._start(source)
                began = self._heard_at = monotonic()
                while self._microphone.state in ("recording", "paused") and self._recognition.failure is None:
                    await asyncio.sleep(_POLL_SECS)
                    if isinstance(until, float | int) and monotonic() - began >= until:
                        break
                    if until == "silence" and self._finals > finals and monotonic() - self._heard_at >= quiet:
                        break
        finally:
            self._microphone.stop()
        async with asyncio.timeout(_START_SECS):
            while self._microphone.state != "idle":
                await asyncio.sleep(_POLL_SECS)
        await self._finish()

    async def _start(self, source: Clip | None) -> None:
        if source is not None:
            self._microphone.feed(source)
        elif self._microphone.ways.via != "kernel" and not await self._microphone._channel.has_page():  # noqa: SLF001 - our own part
            raise FrontEndError("No page shows this widget: display it first, and record in a later cell.")
        else:
            self._microphone.start()
        self._microphone.problem = None
        deadline = monotonic() + _START_SECS
        while self._microphone.state not in ("recording", "paused"):
            if self._microphone.problem:
                raise FrontEndError(self._microphone.problem)
            if monotonic() > deadline:
                raise FrontEndError("The browser did not open the microphone: is a question of its own waiting?")
            await asyncio.sleep(_POLL_SECS)

    async def _finish(self) -> None:
        await self._recognition.end()
        if self._recognition.failure is not None:
            raise self._recognition.failure
