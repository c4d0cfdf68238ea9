"""Drives one utterance: sends its parts, watches that they are answered, sends again what a loss cut off.

Runs as a task of the service that made it; the caller may be slow, the speaker is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.utterance import Part, Utterance
from smallest_nb.errors import ConnectionLost, IncompleteError, ModelRetiredError, RateLimitError, SmallestError

__all__ = ["Speaker"]

_log = logging.getLogger(__name__)
_GRACE_SECS = 0.2
"""A loop that was blocked runs its timers before it reads its sockets; what waits there must be heard first."""


class Speaker:
    """Speaks one utterance.

    Args:
        utterance: What to speak.
        connect: Opens the socket unless it is open, after what ended the one before, if anything did; returns the
            seconds it took, None if it was open.
        send: Sends one part on it.
        leave: Leaves the socket, whatever is on its way there.
        retry: The reconnect budget; a mark of progress is the number of sentences that were completed.
        replace_model: Puts the replacement in the place of a withdrawn model that was not chosen, and says whether
            there was one.
        audio_timeout: Seconds without a frame after which the utterance counts as broken.
    """

    def __init__(
        self,
        utterance: Utterance,
        *,
        connect: Callable[[SmallestError | None], Awaitable[float | None]],
        send: Callable[[Part], Awaitable[None]],
        leave: Callable[[], None],
        retry: RetryPolicy,
        replace_model: Callable[[], bool],
        audio_timeout: float,
    ) -> None:
        self._utterance = utterance
        self._connect = connect
        self._send = send
        self._leave = leave
        self._retry = retry
        self._replace_model = replace_model
        self._timeout = audio_timeout
        self._failure: SmallestError | None = None
        self._stale = True

    async def run(self) -> None:
        """Speak; end the utterance's inbox when all was received or nothing more can be."""
        utterance = self._utterance
        self._retry.begin()
        try:
            while not utterance.done:
                error = await self._step()
                if error is not None:
                    self._rewind(error)
            utterance.finish()
            utterance.inbox.end()
        except SmallestError as error:
            utterance.finish()
            utterance.inbox.end(error)

    async def _step(self) -> SmallestError | None:
        """Send what may be sent or wait for a change; return what went wrong and may be repaired by another socket."""
        utterance = self._utterance
        utterance.changed.clear()
        error = utterance.take_failure()
        if error is not None:
            return error
        part = utterance.next_part()
        if part is None:
            await self._wait()
            return None
        failure, self._failure = self._failure, None
        try:
            took = await self._connect(failure)
        except SmallestError as refused:
            if len(utterance.clip) or isinstance(failure, ConnectionLost):
                raise IncompleteError(f"The speech broke off: {refused}", clip=utterance.clip) from refused
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

    def _rewind(self, error: SmallestError) -> None:
        """Have what a loss cut off spoken again on another socket, or raise what no other socket would change."""
        utterance = self._utterance
        if isinstance(error, ModelRetiredError) and not utterance.sounding and self._replace_model():
            self._leave()
            utterance.rewind()
            return
        if not isinstance(error, ConnectionLost | RateLimitError):
            raise error
        self._retry.progress(utterance.spoken)
        # An idle socket that the service was just closing is no failure of the service.
        idle = self._stale and not utterance.heard_on_socket and isinstance(error, ConnectionLost)
        self._stale = False
        if isinstance(error, RateLimitError):
            self._leave()
        _log.info("speaking again what broke off: %s", error)
        utterance.told.retries += 1
        utterance.rewind()
        self._failure = None if idle else error

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
