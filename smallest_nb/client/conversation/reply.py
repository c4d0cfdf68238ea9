"""Calls the user's `reply`: a plain or async function, or a generator of either kind, with or without the history.

What is not async runs in a daemon thread, so that a function which blocks stops neither the conversation nor the end of
the process. A generator is asked for its next piece only when the voice wants it, and closed as soon as it is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sequence
from typing import Any

from smallest_nb.errors import ConfigError

__all__ = ["Reply", "ReplyFunction", "takes_history"]

ReplyFunction = Callable[..., Any]
_log = logging.getLogger(__name__)
_END: Any = object()


def takes_history(reply: ReplyFunction) -> bool:
    """Say whether a function takes the history as its second argument.

    Raises:
        ConfigError: It cannot be called with the text.
    """
    if not callable(reply):
        raise ConfigError(f"reply={reply!r} cannot be used; expected a function of the text.")
    try:
        signature = inspect.signature(reply)
    except (TypeError, ValueError):  # some functions of C have none
        return False
    for count in (2, 1):
        with contextlib.suppress(TypeError):
            signature.bind(*range(count))
            return count == 2
    raise ConfigError(f"reply{signature} cannot be used; expected reply(text) or reply(text, history).")


class Reply:
    """One call.

    Args:
        reply: The function.
        text: What the person said.
        history: The messages before, or None if the function takes none.

    Attributes:
        is_whole: Whether the piece that was yielded is all there is, because the function has returned it.
    """

    def __init__(self, reply: ReplyFunction, text: str, history: Sequence[dict[str, str]] | None) -> None:
        self.is_whole = False
        self._reply = reply
        self._arguments = (text,) if history is None else (text, list(history))

    async def pieces(self) -> AsyncGenerator[str, None]:
        """Yield the pieces of text that the function gives; empty ones are left out.

        Raises:
            ConfigError: Something that is no text.
            BaseException: What the function raises.
        """
        if _is_async(self._reply):
            outcome = self._reply(*self._arguments)
            async with contextlib.aclosing(self._pieces_of(outcome, None)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        worker = _Worker()
        try:
            outcome = await worker.run(self._reply, *self._arguments)
            async with contextlib.aclosing(self._pieces_of(outcome, worker)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            worker.end()

    async def _pieces_of(self, outcome: Any, worker: _Worker | None) -> AsyncGenerator[str, None]:
        """Yield the texts of what a function returned; what is iterated is closed in the end."""
        if inspect.isawaitable(outcome):
            outcome = await outcome
        if outcome is None:
            return
        if isinstance(outcome, str):
            self.is_whole = True
            if outcome:
                yield outcome
            return
        if isinstance(outcome, AsyncIterable):
            pieces = _read_async(outcome)
        elif isinstance(outcome, Iterable) and not isinstance(outcome, bytes | dict):
            pieces = _read_in_thread(outcome, worker or _Worker())
        else:
            raise _no_text(outcome)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                if not isinstance(piece, str):
                    raise _no_text(piece)
                if piece:
                    yield piece


async def _read_async(pieces: AsyncIterable[Any]) -> AsyncGenerator[Any, None]:
    iterator = aiter(pieces)
    try:
        async for piece in iterator:
            yield piece
    finally:
        if (close := getattr(iterator, "aclose", None)) is not None:
            await close()


async def _read_in_thread(pieces: Iterable[Any], worker: _Worker) -> AsyncGenerator[Any, None]:
    iterator = iter(pieces)
    try:
        while (piece := await worker.run(next, iterator, _END)) is not _END:
            yield piece
    finally:
        if (close := getattr(iterator, "close", None)) is not None:
            worker.post(close)
        worker.end()


def _no_text(outcome: Any) -> ConfigError:
    return ConfigError(f"reply gave {outcome!r}; expected text, or an iterator of text.")


def _is_async(function: ReplyFunction) -> bool:
    called = (function, getattr(function, "__call__", None))  # noqa: B004 - an object may have an async one
    return any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in called)


class _Worker:
    """One daemon thread that runs one call after the other; a generator stays in its thread."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a call returns, or raise what it raises; a cancelled caller leaves the call running."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def call() -> None:
            try:
                outcome, error = function(*arguments), None
            except BaseException as raised:
                outcome, error = None, raised
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, future, outcome, error)

        self._calls.put(call)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="smallest_nb reply", daemon=True)
            self._thread.start()
        return await future

    def post(self, function: Callable[[], Any]) -> None:
        """Call something after what runs; what it raises is logged."""

        def call() -> None:
            try:
                function()
            except BaseException:
                _log.warning("closing a reply failed", exc_info=True)

        self._calls.put(call)

    def end(self) -> None:
        """Let the thread end after its calls."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _settle(future: asyncio.Future[Any], outcome: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(outcome)
    elif isinstance(error, StopIteration):  # which a future does not take
        future.set_exception(RuntimeError("reply raised StopIteration"))
    else:
        future.set_exception(error)
