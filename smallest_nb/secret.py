"""The API key in a box that does not print, pickle or copy, and kept out of logs. Imports errors only."""

from __future__ import annotations

import logging
from typing import NoReturn

from smallest_nb.errors import ConfigError

__all__ = ["RedactingFilter", "Secret"]

_MIN_HIDDEN = 8
"""Characters; anything shorter is no key, and may be a part of what people say."""
_known: set[str] = set()


class Secret:
    """Holds an API key; only :meth:`unwrap` gives it back.

    Args:
        value: The key.
        source: Where it came from, in words, shown instead of the value.

    Raises:
        ConfigError: The key is empty or holds whitespace or quotes, as pasted keys often do.
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str = "argument") -> None:
        self._value, self.source = "", source  # has a repr also where it is refused
        problem = ""
        if not isinstance(value, str) or not value.strip():
            problem = "is empty; keys begin with 'sk_'"
        elif any(map(_is_odd, value)):
            problem = "holds spaces, quotes or characters outside ASCII; paste the bare key"
        if problem:
            del value  # tracebacks that show variables shall not show it
            raise ConfigError(f"The API key ({source}) {problem}.")
        self._value = value
        if len(value) >= _MIN_HIDDEN:
            _known.add(value)

    def hide(self, text: str) -> str:
        """Return a text without the key, should it repeat it."""
        return text.replace(self._value, "***") if len(self._value) >= _MIN_HIDDEN and self._value in text else text

    def unwrap(self) -> str:
        """Return the key. Called only where the request headers are built."""
        return self._value

    def __repr__(self) -> str:
        tail = self._value[-4:] if len(self._value) >= 12 else ""
        return f"Secret(***{tail}, from {self.source})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret cannot be pickled or copied: the key would leave this process.")

    __copy__ = __reduce__

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce__()


def _is_odd(c: str) -> bool:
    return c.isspace() or c in "'\"" or not 0x20 < ord(c) < 0x7F


class RedactingFilter(logging.Filter):
    """Hides what `websockets` would log: the bearer token of the headers, and a key that the service repeats."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; always let it pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                "Bearer ***" if isinstance(a, str) and a.lower().startswith("bearer ") else a for a in record.args
            )
        text = hidden = record.getMessage()
        for value in _known:
            hidden = hidden.replace(value, "***")
        if hidden != text:
            record.msg, record.args = hidden, ()
        return True
