"""Contexts: text that arrives in fragments and is spoken as one (protocol notes, 2.7).

A context's text is released when a fragment says that it is the last, when a sentence ends and is long enough, when
`max_buffer_delay_ms` is over since the first fragment that still waits, and when it grows past what is spoken at once.
Fragments without a context (`continue`, `flush`, `max_buffer_flush_ms`: the older way) share one buffer of the socket.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

__all__ = ["Contexts", "check_context"]

_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_DEFAULT_DELAY_MS, _MAX_DELAY_MS = 3000, 5000
_MAX_CHARACTERS = 240
_LONG_ENOUGH = 40
_MAX_CONTEXTS = 16
_NAMELESS = ""
# Terminal punctuation; the abbreviations keep "Mr. " from being an end, and a digit after the dot is a decimal.
_ENDS = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bNo)[.?!…।][\"')\]]*\s*$")
_CUT = re.compile(r".*[.?!…।](?=\s)|.*(?=\s)", re.DOTALL)


def check_context(request: dict[str, Any]) -> str | None:
    """Return what is wrong with a request's context fields, or None."""
    context = request.get("context_id")
    if not isinstance(context, str) or not _ID.fullmatch(context):
        return "context_id must be 1 to 128 of A-Z a-z 0-9 _ . -"
    if request.get("flush") or request.get("max_buffer_flush_ms"):
        return "context_id cannot be combined with flush or max_buffer_flush_ms"
    delay = request.get("max_buffer_delay_ms", _DEFAULT_DELAY_MS)
    if not isinstance(delay, int) or not 0 <= delay <= _MAX_DELAY_MS:
        return f"max_buffer_delay_ms must be an integer from 0 to {_MAX_DELAY_MS}, got {delay!r}"
    return None


class _Buffer:
    def __init__(self) -> None:
        self.text = ""
        self.request: dict[str, Any] = {}
        self.timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None


class Contexts:
    """The open contexts of one socket.

    Args:
        release: Takes a request whose text is to be spoken now.
    """

    def __init__(self, release: Callable[[dict[str, Any]], None]) -> None:
        self._release = release
        self._open: dict[str, _Buffer] = {}

    def accepts(self, request: dict[str, Any]) -> bool:
        """Return whether a request is a fragment, or completes some."""
        older = request.get("continue") or request.get("flush") or request.get("max_buffer_flush_ms")
        return "context_id" in request or bool(older) or _NAMELESS in self._open

    def push(self, request: dict[str, Any]) -> str | None:
        """Take a fragment, an end or a cancellation; return what is wrong with it, or None."""
        name = request.get("context_id", _NAMELESS)
        buffer = self._open.get(name)
        if buffer is None:
            if len(self._open) >= _MAX_CONTEXTS:
                return f"More than {_MAX_CONTEXTS} contexts are open on this connection"
            buffer = self._open[name] = _Buffer()
        if request.get("cancel_request"):
            buffer.stop()
            buffer.text = ""
            return None
        text = request.get("text") or ""
        if text:
            buffer.text += text
            buffer.request = request
        if not request.get("continue") or request.get("context_close") or request.get("flush"):
            if name == _NAMELESS and not buffer.text.strip():
                self._release(request)  # the older way answers each end with a `complete`
            self._flush(buffer)
            del self._open[name]
        else:
            delay = "max_buffer_flush_ms" if name == _NAMELESS else "max_buffer_delay_ms"
            self._maybe_release(buffer, request.get(delay, _DEFAULT_DELAY_MS))
        return None

    def _maybe_release(self, buffer: _Buffer, delay_ms: int) -> None:
        at = 0
        while len(buffer.text) - at > _MAX_CHARACTERS:
            end = _cut(buffer.text, at)
            self._release_text(buffer, buffer.text[at:end])
            at = end
        buffer.text = buffer.text[at:]
        if len(buffer.text) >= _LONG_ENOUGH and _ENDS.search(buffer.text):
            self._flush(buffer)
        elif buffer.text.strip() and buffer.timer is None:
            loop = asyncio.get_running_loop()
            buffer.timer = loop.call_later(delay_ms / 1000, self._flush, buffer)

    def _flush(self, buffer: _Buffer) -> None:
        buffer.stop()
        text, buffer.text = buffer.text, ""
        at = 0
        while at < len(text):
            end = _cut(text, at)
            self._release_text(buffer, text[at:end])
            at = end

    def _release_text(self, buffer: _Buffer, text: str) -> None:
        if text.strip():
            self._release({**buffer.request, "text": text})

    def close(self) -> None:
        """Drop what waits: the socket is gone."""
        for buffer in self._open.values():
            buffer.stop()
        self._open.clear()


def _cut(text: str, at: int) -> int:
    """Return where the piece from `at` ends: all of it if it fits, else the last sentence end or blank."""
    if len(text) - at <= _MAX_CHARACTERS:
        return len(text)
    cut = _CUT.match(text, at, at + _MAX_CHARACTERS)
    return cut.end() if cut and cut.end() > at else at + _MAX_CHARACTERS
