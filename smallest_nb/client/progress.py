"""How far a blocking call has come: a bar in a notebook, a line in a terminal. Imports nothing of ours.

`ipywidgets` is loaded only when a bar is shown.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol, Self

__all__ = ["Progress"]

_log = logging.getLogger(__name__)
_EVERY_SECS = 0.2
_SHORT_SECS = 10.0


class Progress:
    """Shows how much of a piece of sound is done, as a context manager; at most five times a second.

    Nothing that goes wrong with the showing reaches the caller.

    Args:
        total_secs: Length of the sound.
        show: None for a bar in a notebook kernel, where the sound is longer than ten seconds; True for a bar in a
            kernel and a line on stderr in a terminal; False for nothing.
    """

    def __init__(self, total_secs: float, show: bool | None = None) -> None:
        self._total = total_secs
        self._show = show
        self._face: _Face | None = None
        self._next = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        with _harmless():
            self._face = self._choose()
            self.update(0.0)
        return self

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            face, self._face = self._face, None
        if face is not None:
            with _harmless():
                face.close()

    def update(self, done_secs: float) -> None:
        """Show that so much is done. May be called from any thread, as often as one likes, also after the end.

        Args:
            done_secs: Seconds of the sound.
        """
        now = monotonic()
        with self._lock:
            if self._face is None or (now < self._next and done_secs < self._total):
                return
            self._next = now + _EVERY_SECS
            done = min(max(done_secs, 0.0), self._total)
            with _harmless():
                self._face.show(done, f"{_clock(done)} of {_clock(self._total)}")

    def _choose(self) -> _Face | None:
        if self._show is False or (self._show is None and self._total <= _SHORT_SECS):
            return None
        if _in_kernel():
            return _Bar(self._total)
        return _Line() if self._show and _is_terminal(sys.stderr) else None


class _Face(Protocol):
    def show(self, done_secs: float, text: str) -> None: ...

    def close(self) -> None: ...


class _Bar:
    def __init__(self, total_secs: float) -> None:
        import ipywidgets  # noqa: PLC0415
        from IPython.display import display  # noqa: PLC0415

        self._bar = ipywidgets.FloatProgress(value=0.0, min=0.0, max=max(total_secs, 0.001))
        self._text = ipywidgets.Label()
        self._box = ipywidgets.HBox([self._bar, self._text])
        show: Any = display  # untyped upstream
        self._shown: Any = show(self._box, display_id=True)

    def show(self, done_secs: float, text: str) -> None:
        self._bar.value = done_secs
        self._text.value = text

    def close(self) -> None:
        for widget in (self._box, self._bar, self._text):
            widget.close()
        if self._shown is not None:  # a saved notebook would show a widget that nobody has any more
            self._shown.update({"text/plain": ""}, raw=True)


class _Line:
    def __init__(self) -> None:
        self._width = 0

    def show(self, done_secs: float, text: str) -> None:  # noqa: ARG002 - the text says it
        self._write(text)

    def _write(self, text: str) -> None:
        print(f"\r{text:{self._width}}", end="", file=sys.stderr, flush=True)  # noqa: T201 - what was asked for
        self._width = max(self._width, len(text))

    def close(self) -> None:
        print(file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _harmless() -> Iterator[None]:
    """Log what is raised, and go on."""
    try:
        yield
    except Exception as error:
        _log.info("the progress cannot be shown (%s: %s)", type(error).__name__, error)


def _in_kernel() -> bool:
    ipython = sys.modules.get("IPython")  # where nobody has loaded it, there is no kernel
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _is_terminal(stream: Any) -> bool:
    isatty = getattr(stream, "isatty", None)  # pythonw has no stderr at all
    return bool(isatty is not None and isatty())


def _clock(seconds: float) -> str:
    """Return 80 as "1:20" and 3680 as "1:01:20"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
