"""Drives one utterance: sends its parts, watches that they are answered, sends again what a loss cut off.

Imports link, utterance. Runs as a task of the service that made it; the caller may be slow, the speaker is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from smallest_nb.errors import ConnectionLost, IncompleteError, ModelRetiredError, RateLimitError, SmallestError
from smallest_nb.link.backoff import delays
from smallest_nb.services.utterance import Part, Utterance

__all__ = ["Speaker"]

_log = logging.getLogger(__name__)
_BUSY_SECS = 0.5
"""First wait where the service is busy and does not say for how long (its error reference)."""
_GRACE_SECS = 0.2
"""A loop that was blocked runs its timers before it reads its sockets; what waits there must be heard first."""


class Speaker:
    """Speaks one utterance.

    Args:
        utterance: What to speak.
        connect: Opens the socket unless it is open; returns the seconds it took, None where it was open.
        send: Sends one part on it.
        leave: Leaves the socket, whatever is on its way there.
        replace_model: Puts the replacement in the place of a withdrawn model that was not chosen, and says whether
            there was one.
        audio_timeout: Seconds without a frame after which the utterance counts as broken.
        max_retries: How often in a row a broken connection is made good without a sentence completed.
    """

    def __init__(
        self,
        utterance: Utterance,
        *,
        connect: Callable[[], Awaitable[float | None]],
        send: Callable[[Part], Awaitable[None]],
        leave: Callable[[], None],
        replace_model: Callable[[], bool],
        audio_timeout: float,
        max_retries: int,
    ) -> None:
        self._utterance = utterance
        self._connect = connect
        self._send = send
        self._leave = leave
        self._replace_model = replace_model
        self._timeout = audio_timeout
        self._max_retries = max_retries
        self._waits = delays(max_retries)
        self._completed = 0
        self._stale = True

    async def run(self) -> None:
        """Speak; end the utterance's inbox when all was received or nothing more can be."""
        utterance = self._utterance
        try:
            while not utterance.done:
                error = await self._step()
                if error is not None:
                    await self._again(error)
            utterance.finish()
            utterance.inbox.end()
        except SmallestError as error:
            utterance.finish()
            utterance.inbox.end(error)

    async def _step(self) -> SmallestError | None:
        """Send what may be sent or wait for a change; return what went wrong and can be made good."""
        utterance = self._utterance
        utterance.changed.clear()
        error = utterance.take_failure()
        if error is not None:
            return error
        part = utterance.next_part()
        if part is None:
            await self._wait()
            return None
        try:
            took = await self._connect()
        except SmallestError as refused:
            if len(utterance.clip):
                raise self._broken(refused) from refused
            raise
        if took is not None:
            self._stale = False
            utterance.told.connect_s = (utterance.told.connect_s or 0.0) + took
        if not utterance.heard_on_socket and not utterance.outstanding:
            utterance.started = monotonic()
        try:
            await self._send(part)
        except ConnectionLost as lost:
            return lost
        utterance.sent(part)
        return None

    async def _again(self, error: SmallestError) -> None:
        """Make a loss good, or give up."""
        utterance = self._utterance
        if isinstance(error, ModelRetiredError) and not utterance.sounding and self._replace_model():
            self._leave()
            utterance.rewind()
            return
        if not isinstance(error, ConnectionLost | RateLimitError):
            raise error
        if utterance.completed > self._completed:  # a service that hangs up after each sentence is served all the same
            self._completed = utterance.completed
            self._waits = delays(self._max_retries)
        # An idle socket that the service was just closing is nobody's fault.
        idle = self._stale and not utterance.heard_on_socket and isinstance(error, ConnectionLost)
        wait = 0.0 if idle else next(self._waits, None)
        self._stale = False
        if isinstance(error, RateLimitError):
            if wait is None:
                raise error
            self._leave()
            wait = max(wait, _BUSY_SECS if error.retry_after is None else error.retry_after)
        if wait is None:
            raise self._broken(error) from error
        _log.info("speaking again what broke off, in %.2f s: %s", wait, error)
        utterance.told.retries += 1
        utterance.rewind()
        await asyncio.sleep(wait)

    def _broken(self, error: SmallestError) -> IncompleteError:
        return IncompleteError(f"The speech broke off: {error}", clip=self._utterance.clip)

    async def _wait(self) -> None:
        """Wait for a change; while the service owes something, at most until its time is up."""
        utterance = self._utterance
        while not utterance.changed.is_set():
            left = utterance.last_heard + self._timeout - monotonic()
            try:
                async with asyncio.timeout(max(left, _GRACE_SECS) if utterance.outstanding else None):
                    await utterance.changed.wait()
            except TimeoutError:
                if utterance.inbox.full:
                    utterance.last_heard = monotonic()  # it is the caller who is slow: nothing is read meanwhile
                elif left <= 0 and monotonic() - utterance.last_heard >= self._timeout:
                    raise IncompleteError(
                        f"The service sent nothing for {self._timeout:g} s", clip=utterance.clip
                    ) from None
