"""What a user sees of a failed call: their own line, one of this package and the message."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from smallest_nb.errors import SmallestError

__all__ = ["shorten", "shortens", "shortens_methods"]

_log = logging.getLogger(__name__)
_EXPECTED = (SmallestError, TimeoutError)
"""Errors whose message says everything; others are faults of ours or of the caller, and keep their frames."""

_P = ParamSpec("_P")
_R = TypeVar("_R")
_C = TypeVar("_C", bound=type)
_E = TypeVar("_E", bound=BaseException)


def shorten(error: _E) -> _E:
    """Return an expected error without the frames and causes inside this package, for raising it to a caller.

    They are logged at level DEBUG: `logging.getLogger("smallest_nb").setLevel(logging.DEBUG)` shows them.
    """
    if isinstance(error, _EXPECTED):
        if error.__traceback__ is not None:
            _log.debug("%s: %s", type(error).__name__, error, exc_info=error)
        error.__cause__ = error.__context__ = None
        error.__traceback__ = None
    return error


def shortens(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorate a public function, or coroutine function, so that its expected errors are raised without its frames."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except _EXPECTED as caught:
                error = shorten(caught)
            except BaseException:
                args, kwargs = (), {}  # there may be a key among them, and tracebacks can be drawn with variables
                raise
            args, kwargs = (), {}
            raise error

        return awaited  # type: ignore[return-value]

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> _R:
        try:
            return function(*args, **kwargs)
        except _EXPECTED as caught:
            error = shorten(caught)
        except BaseException:
            args, kwargs = (), {}
            raise
        args, kwargs = (), {}
        raise error

    return called


def shortens_methods(*names: str) -> Callable[[_C], _C]:
    """Decorate a class, so that `shortens` holds for some of its methods."""

    def decorate(decorated: _C) -> _C:
        for name in names:
            setattr(decorated, name, shortens(vars(decorated)[name]))
        return decorated

    return decorate
