"""The API key in a box that does not print, pickle or copy, and what keeps it out of logs, errors and tracebacks.

A public function boxes its `api_key` in its first statement (`api_key = Secret.of(api_key)`), which never fails: a
traceback that shows variables, drawn of a refused key too, then shows the box.
"""

from __future__ import annotations

import hmac
import logging
import re
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from smallest_nb.common.key_spellings import MIN_HIDDEN, KeySpellings
from smallest_nb.errors import ConfigError

__all__ = ["RedactingFilter", "Secret", "box_arguments", "cleared_frames", "hide_keys", "without_keys"]

_MAX_KNOWN = 64
_known: OrderedDict[int, KeySpellings] = OrderedDict()
"""The latest keys of this process, by the hash of their text."""
_LOOKS_LIKE_A_KEY = re.compile(r"\bsk_[A-Za-z0-9_+/=.-]{8,}|(?<=bearer )[A-Za-z0-9_+/=.~-]{8,}", re.IGNORECASE)
_NAMES_OF_KEYS = ("apikey", "accesskey", "secret", "token", "authorization", "bearer", "password")


class Secret:
    """Holds an API key; only :meth:`unwrap` returns it.

    Args:
        value: The key.
        source: Where it came from, in words, shown instead of the value.
        check: Whether to raise now if it cannot be a key; `check` does so later.

    Raises:
        ConfigError: The key is empty, not text, or holds white space or quotes, as pasted keys often do.
    """

    __slots__ = ("_problem", "_reveal", "_spellings", "source")

    def __init__(self, value: str, source: str = "argument", *, check: bool = True) -> None:
        self._hold(value, source)
        del value  # tracebacks that show variables must not show it
        if check:
            self.check()

    @classmethod
    def of(cls, value: object, source: str = "argument") -> Secret | None:
        """Box what was passed as a key, whatever it is, without an error; `check` raises it later.

        Args:
            value: A key, a box, or None, which stays None.
            source: As for the class.
        """
        if value is None or isinstance(value, Secret):
            return value
        return cls(cast("str", value), source, check=False)

    def _hold(self, value: Any, source: str) -> None:
        self.source = source
        self._problem = ""
        if not isinstance(value, str):
            self._problem = f"is not text but {type(value).__name__}; expected a key such as 'sk_...'"
            value = value.decode("latin-1") if isinstance(value, bytes | bytearray) else ""
        elif not value.strip():
            self._problem = "is empty; keys begin with 'sk_'"
        elif any(map(_is_odd, value)):
            self._problem = "holds spaces, quotes or characters outside ASCII; paste the bare key"
        # In a closure, so that not even a debugger that evaluates attributes shows it.
        self._reveal: Callable[[], str] = lambda: value
        self._spellings = KeySpellings(value.strip().strip("'\""))
        if len(value) >= MIN_HIDDEN:
            _known[hash(value)] = self._spellings
            _known.move_to_end(hash(value))
            while len(_known) > _MAX_KNOWN:
                _known.popitem(last=False)

    def check(self) -> Secret:
        """Return this box.

        Raises:
            ConfigError: What is in it cannot be a key.
        """
        if self._problem:
            raise ConfigError(f"The API key ({self.source}) {self._problem}.")
        return self

    def matches(self, other: Secret) -> bool:
        """Return whether two boxes hold the same key."""
        return hmac.compare_digest(*(box._reveal().encode("utf-8", "replace") for box in (self, other)))  # noqa: SLF001

    def hide(self, text: str) -> str:
        """Return a text without the key, should it repeat it in any spelling."""
        return self._spellings.hide(text)

    def hide_in_bytes(self, data: bytes) -> bytes:
        """Return bytes without the key, should they repeat it as it is; their number stays."""
        key = self._reveal().encode("utf-8", "replace")
        return data.replace(key, b"*" * len(key)) if len(key) >= MIN_HIDDEN and key in data else data

    def unwrap(self) -> str:
        """Return the key. Called only to send a request and to store the key in the keyring.

        Raises:
            ConfigError: As `check`.
        """
        self.check()
        return self._reveal()

    def __repr__(self) -> str:
        value = "" if self._problem else self._reveal()
        tail = value[-4:] if len(value) >= 12 else ""
        return f"Secret(***{tail}, from {self.source})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A Secret cannot be pickled or copied: the key would leave this process. Let the other process find the "
            "key itself (SMALLEST_API_KEY, keyring, .env), or pass on settings, clips and transcripts instead."
        )

    __copy__ = __reduce__

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce__()


def _is_odd(c: str) -> bool:
    return c.isspace() or c in "'\"" or not 0x20 < ord(c) < 0x7F


def box_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return keyword arguments with boxes in place of texts that are, or are called like, a key.

    For functions that take settings by name: a misspelled `apikey=` is refused without showing its value.
    """
    return {name: Secret.of(value) if _is_key(name, value) else value for name, value in arguments.items()}


def _is_key(name: object, value: object) -> bool:
    if not isinstance(value, str | bytes):
        return False
    plain = str(name).lower().replace("_", "").replace("-", "")
    if plain == "key" or any(word in plain for word in _NAMES_OF_KEYS):
        return True
    return isinstance(value, str) and _LOOKS_LIKE_A_KEY.match(value.strip()) is not None


def without_keys(source: Any) -> Any:
    """Return pasted text, or a mapping, without what looks like a key."""
    if isinstance(source, str):
        return hide_keys(_LOOKS_LIKE_A_KEY.sub("sk_***", source))
    return box_arguments(source) if type(source) is dict else source


def hide_keys(text: str) -> str:
    """Return a text without any key that this process knows, however it is spelled."""
    for spellings in list(_known.values()):
        text = spellings.hide(text)
    return text


@contextmanager
def cleared_frames() -> Iterator[None]:
    """Pass on every exception of the block, but without the variables of the calls that it ended.

    For calls of other packages with a key: the variables of their frames hold headers and requests, and a traceback
    that shows variables would show them. An exception from before the block is not changed.
    """
    before = sys.exception()
    try:
        yield
    except BaseException as error:
        seen: set[int] = {id(before)}
        waiting: list[BaseException | None] = [error]
        while waiting:
            one = waiting.pop()
            if one is not None and id(one) not in seen:
                seen.add(id(one))
                traceback.clear_frames(one.__traceback__)
                waiting += [one.__cause__, one.__context__]
                waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        raise


class RedactingFilter(logging.Filter):
    """Hides what `websockets` would log: the bearer token of the headers, and a key that the service repeats."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; never drop it."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                "Bearer ***" if isinstance(a, str) and a.lower().startswith("bearer ") else a for a in record.args
            )
        text = record.getMessage()
        hidden = hide_keys(text)
        if hidden != text:
            record.msg, record.args = hidden, ()
        if record.exc_info:
            record.exc_text = hide_keys("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
        return True
