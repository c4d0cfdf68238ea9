"""How far a blocking call has come: tqdm's bar, in a notebook or on a terminal."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

__all__ = ["Progress"]

_log = logging.getLogger(__name__)
_EVERY_SECS = 0.2
_SHORT_SECS = 10.0
_FORMAT = "{percentage:3.0f}%|{bar}| {n:.0f} of {total:.0f} s [{elapsed}<{remaining}]"


class Progress:
    """Shows how much of a piece of sound, or of other work, is done, as a context manager; five times a second at most.

    An error while showing it is logged and does not reach the caller.

    Args:
        total: Length of the sound in seconds, or how many other things there are.
        show: None for a bar in a notebook kernel, if there is more than `short`; True for a bar in a kernel or on
            stderr, if that is a terminal; False for none.
        short: What is so quickly done that it needs no bar.
        bar_format: How tqdm writes it.
    """

    def __init__(
        self, total: float, show: bool | None = None, *, short: float = _SHORT_SECS, bar_format: str = _FORMAT
    ) -> None:
        self._total = total
        self._show = show
        self._short = short
        self._format = bar_format
        self._bar: Any = None  # tqdm's, untyped upstream
        self._output: Any = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        with _logged_errors():
            if self._show or (self._show is None and self._total > self._short):
                self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._lock, _logged_errors():
            bar, self._bar = self._bar, None
            if bar is not None:
                bar.close()
            if self._output is not None:
                for widget in (bar.container, *bar.container.children):
                    widget.close()
                self._output.update({"text/plain": ""}, raw=True)  # else a saved notebook would show a dead widget

    def update(self, done: float, note: str = "") -> None:
        """Show how much is done. May be called from any thread, at any rate, also after the end.

        Args:
            done: Seconds of the sound, or how many of the other things.
            note: What else is to be shown; a format needs `{postfix}` for it.
        """
        with self._lock, _logged_errors():
            if self._bar is not None:
                if note:
                    self._bar.set_postfix_str(note, refresh=False)
                self._bar.update(min(max(done, 0.0), self._total) - self._bar.n)

    def _open(self) -> None:
        # Not `tqdm.auto`, which decides once, at its import, and by whether ipykernel was imported, not by a kernel.
        if _is_in_kernel():
            from IPython.display import display  # noqa: PLC0415
            from tqdm.notebook import tqdm_notebook  # noqa: PLC0415 - loads ipywidgets

            self._bar = _without_monitor(tqdm_notebook)(**self._options(), display=False)
            show: Any = display  # untyped upstream
            self._output = show(self._bar.container, display_id=True)  # tqdm keeps no handle of what it displays
        elif self._show and _is_terminal(sys.stderr):
            from tqdm import tqdm  # noqa: PLC0415

            self._bar = _without_monitor(tqdm)(**self._options())

    def _options(self) -> dict[str, Any]:
        return {"total": self._total, "bar_format": self._format, "mininterval": _EVERY_SECS, "miniters": 0}


def _without_monitor(kind: Any) -> Any:
    """Return a kind of bar for which tqdm starts no thread."""
    return type(kind.__name__, (kind,), {"monitor_interval": 0})


@contextmanager
def _logged_errors() -> Iterator[None]:
    """Log what is raised, and go on."""
    try:
        yield
    except Exception as error:
        _log.info("the progress cannot be shown (%s: %s)", type(error).__name__, error)


def _is_in_kernel() -> bool:
    ipython = sys.modules.get("IPython")  # if it was not imported, there is no kernel
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _is_terminal(stream: Any) -> bool:
    isatty = getattr(stream, "isatty", None)  # pythonw has no stderr at all
    return bool(isatty is not None and isatty())
