"""The one exception tree of the package.

::

    SmallestError
    ├── ConfigError (also a ValueError)      a value that cannot work, named with what was expected
    ├── AuthError                            the key is missing or was refused
    ├── ServiceError(code, message, ...)     the service answered with an error, in its own words
    │   ├── RateLimitError(retry_after)
    │   └── ModelRetiredError(replacement)
    ├── ConnectionLost(code, reason)         the socket closed or never opened (also a ConnectionError)
    ├── IncompleteError(clip)                speech ended early; what was received is attached
    ├── CassetteError                        a recorded session does not hold what the code requests
    ├── ProtocolError                        a frame that cannot be understood
    └── FrontEndError                        the browser side refused a request or is missing
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smallest_nb.audio.clip import Clip

__all__ = [
    "AuthError",
    "CassetteError",
    "ConfigError",
    "ConnectionLost",
    "FrontEndError",
    "IncompleteError",
    "ModelRetiredError",
    "ProtocolError",
    "RateLimitError",
    "ServiceError",
    "SmallestError",
]


class SmallestError(Exception):
    """Base of every error this package raises; each can be pickled and copied, with its attributes, notes and cause."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by its constructor, which would add the details to the text a second time.
        cause = self.__cause__ if self.__suppress_context__ and _can_be_pickled(self.__cause__) else None
        return _restore, (type(self), self.args, cause), dict(vars(self))

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        vars(self).update(state or {})


def _restore(kind: type[SmallestError], args: tuple[Any, ...], cause: BaseException | None) -> SmallestError:
    error = kind.__new__(kind)
    error.args = args
    if cause is not None:
        error.__cause__ = cause
    return error


def _can_be_pickled(cause: BaseException | None) -> bool:
    """Whether another package's error survives pickling; one that does not would break a process pool."""
    if cause is None or isinstance(cause, SmallestError):
        return cause is not None
    try:
        return type(pickle.loads(pickle.dumps(cause))) is type(cause)  # noqa: S301 - our own
    except Exception:
        return False


class ConfigError(SmallestError, ValueError):
    """A setting, argument or environment that cannot work."""


class AuthError(SmallestError):
    """The API key is missing or was refused (HTTP 401 or 403)."""


class ServiceError(SmallestError):
    """The service answered with an error.

    Args:
        message: The service's own words.
        code: Its error code, such as `CONTENT_FILTER_BLOCKED`, or None.
        status: The HTTP status of a refused handshake, or None.
        request_id: The request it belongs to, or None.
        retry_after: Seconds after which the service accepts another request, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.retry_after = retry_after
        self.message = message
        self.code = code
        self.status = status
        self.request_id = request_id
        details = [
            f"HTTP {status}" if status else "",
            code or "",
            f"request {request_id}" if request_id else "",
        ]
        shown = ", ".join(filter(None, details))
        super().__init__(f"{message} ({shown})" if shown else message)


class RateLimitError(ServiceError):
    """Too many requests or sessions at once.

    Args:
        message: The service's own words.
        retry_after: Seconds after which the service accepts another request, or None.
        status: The HTTP status, usually 429.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, status: int | None = 429) -> None:
        super().__init__(message, code="RATE_LIMITED", status=status, retry_after=retry_after)


class ModelRetiredError(ServiceError):
    """The chosen model is no longer served (HTTP 410).

    Args:
        message: What happened and what to use instead.
        replacement: A model or endpoint to use instead.
    """

    def __init__(self, message: str, *, replacement: str | None = None) -> None:
        self.replacement = replacement
        super().__init__(message, code="MODEL_DEPRECATED", status=410)


class ConnectionLost(SmallestError, ConnectionError):  # noqa: N818 - the name users meet; it is also a ConnectionError
    """The WebSocket could not be opened, or closed unexpectedly.

    Args:
        message: What happened.
        code: The close code, or None if there was no closing frame.
        reason: The reason that the service gave, possibly empty.
    """

    def __init__(self, message: str, *, code: int | None = None, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        shown = f" (close code {code}{': ' + reason if reason else ''})" if code else ""
        super().__init__(message + shown)


class IncompleteError(SmallestError):
    """Speech ended before the service said that it was complete.

    Args:
        message: What happened.
        clip: The audio received so far.

    Attributes:
        happened: What happened, without a word about the clip.
        clip: As given.
    """

    def __init__(self, message: str, *, clip: Clip) -> None:
        self.happened = message
        self.clip = clip
        super().__init__(f"{message}; {clip.duration:.2f} s of audio were received and are in `.clip`")


class CassetteError(SmallestError):
    """A cassette that cannot be read, or that does not hold what the code under replay requests."""


class ProtocolError(SmallestError):
    """A frame or message that cannot be understood."""


class FrontEndError(SmallestError):
    """The browser side is missing or outdated, or the browser refused something that it needs."""
