"""What a saved notebook shows of a widget where no kernel runs."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import uuid
import weakref
from collections.abc import Callable
from typing import Any

from smallest_nb.client import background_loop

__all__ = ["StaticHtml"]

_log = logging.getLogger(__name__)
_SETTLE_SECS = 0.5
_MOST_CHARACTERS = 100_000
_FAILED = "the HTML of a widget without a kernel could not be renewed"


class StaticHtml:
    """An output beside a widget's own, kept up to date, so that the notebook is saved with what the widget last showed.

    Our style sheets hide it (`.snb-face` in `base.css`): beside a live widget they are loaded, and without one (GitHub,
    nbviewer, an exported page, a notebook that was opened again) they are not, and it is all there is to see.
    A widget's own output cannot be renewed so: the page would draw the widget again.

    Args:
        draw: Returns HTML. Called on the background loop, and by `show`.
    """

    def __init__(self, draw: Callable[[], str]) -> None:
        self.draw = draw
        self._id = f"snb-{uuid.uuid4().hex}"
        self._context: contextvars.Context | None = None
        self._due: asyncio.TimerHandle | None = None
        self._stale = False
        self._kept = ""

    def show(self) -> bool:
        """Put it out with the cell that runs now.

        Returns:
            False outside of a Jupyter kernel, where nothing happens.
        """
        from IPython import get_ipython  # noqa: PLC0415 - as is all of Jupyter, only where it is used

        shell = get_ipython()
        if getattr(shell, "kernel", None) is None:
            return False
        if self._context is None:
            _renew_after_cells(shell, weakref.ref(self))
        # ipykernel 7.0 can publish from a thread only inside the context of a cell.
        self._context = contextvars.copy_context()
        self._kept = self._publish(update=False)
        return True

    def refresh(self) -> None:
        """Renew it soon; many changes in a row make one."""
        if self._context is not None:
            self._stale = True
            background_loop.post(self._schedule)

    def close(self) -> None:
        """Do not renew it any more."""
        self._context = None

    def _schedule(self) -> None:
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_SETTLE_SECS, self._renew)

    def _renew(self) -> None:
        self._due = None
        if self._context is not None:
            self._context.copy().run(self._renew_now)

    def _renew_now(self) -> None:
        if self._context is None or not self._stale:
            return
        self._stale = False
        try:
            self._publish(update=True)
        except Exception:
            _log.exception(_FAILED)

    def renew_in_cell(self) -> bool:
        """Renew it with the cell that just ended, unless that is what an earlier cell has kept already.

        Returns:
            False once it is closed.
        """
        if self._context is None:
            return False
        self._stale = False
        try:
            self._kept = self._publish(update=True, unless=self._kept)
        except Exception:
            _log.exception(_FAILED)
        return True

    def _publish(self, *, update: bool, unless: str | None = None) -> str:
        from IPython.display import publish_display_data  # noqa: PLC0415

        drawn = self.draw()
        if drawn == unless:
            return drawn
        whole = drawn
        if len(drawn) > _MOST_CHARACTERS:
            drawn = f"<p>More than {_MOST_CHARACTERS // 1000} kB: it is not kept in the notebook.</p>"
        publish_display_data(
            {"text/html": f'<div class="snb-face">{drawn}</div>', "text/plain": ""},
            transient={"display_id": self._id},
            update=update,
        )
        return whole


def _renew_after_cells(shell: Any, html: weakref.ref[StaticHtml]) -> None:
    """Renew it with the cell that changed it, or the next one.

    Programs that run notebooks collect only what comes while a cell runs.
    """

    def after(_result: Any) -> None:
        alive = html()
        if alive is None or not alive.renew_in_cell():
            shell.events.unregister("post_run_cell", after)

    shell.events.register("post_run_cell", after)
