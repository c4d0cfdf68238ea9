"""Whether messages from a page come while the caller waits for them: measured, since hosts and versions differ.

Where they come on a thread of their own they always do. Where they come on the thread that runs cells, some kernels
(ipykernel before 7) hold them until the cell has ended, so that a cell would wait without end, and others handle them
whenever the cell awaits. A message that was handled while a cell ran proves the second for as long as the kernel lives;
without such a proof the page is asked for a sign of life.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smallest_nb.notebook.comm.channel import Channel

__all__ = ["MOUNT_SECS", "SIGN_SECS", "has_page", "is_heard", "note_message", "watch_cells"]

SIGN_SECS = 4.0
"""A page answers within a second, in a tab that is not in front too."""
MOUNT_SECS = 3.0
"""From the output of a cell to the page that shows it, when all cells are run."""
_POLL_SECS = 0.05


class _Cells:
    """Follows which cells run, by IPython's events.

    Attributes:
        running: Whether one does.
        heard: Whether a message of a page was handled on the main thread while one did.
    """

    def __init__(self) -> None:
        self.shell: Any = None
        self.running = False
        self.heard = False

    def watch(self, shell: Any) -> None:
        """Follow a shell's cells, from the one that runs now on."""
        if shell is None or shell is self.shell or getattr(shell, "kernel", None) is None:
            return
        self.shell = shell
        parent: dict[str, Any] = getattr(shell.kernel, "get_parent", dict)() or {}
        header = parent.get("header") or {}
        self.running = header.get("msg_type") == "execute_request" and _on_main_thread()
        shell.events.register("pre_run_cell", self._begun)
        shell.events.register("post_run_cell", self._ended)

    def _begun(self, _info: Any = None) -> None:
        self.running = True

    def _ended(self, _result: Any = None) -> None:
        self.running = False


_cells = _Cells()


def watch_cells() -> None:
    """Follow the cells of the kernel, if this is one. Idempotent."""
    _cells.watch(getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)())


def note_message() -> bool:
    """Take note of a message from a page, where it is handled; return whether that is the thread that runs cells."""
    main = _on_main_thread()
    if main and _cells.running:
        _cells.heard = True
    return main


async def has_page(channel: Channel) -> bool:
    """Say whether a page shows the widget of a channel; waits MOUNT_SECS for one that is only being loaded."""
    for _ in range(int(MOUNT_SECS / _POLL_SECS)):
        if channel.pages:
            return True
        await asyncio.sleep(_POLL_SECS)
    return bool(channel.pages)


async def is_heard(channel: Channel) -> bool:
    """Say whether messages from the pages of a channel come while the caller waits; takes SIGN_SECS at most."""
    if _cells.heard or not channel.between_cells or not _on_main_thread():
        return True
    began = monotonic()
    channel.ask_for_sign()
    for _ in range(int(SIGN_SECS / _POLL_SECS)):  # turns of the loop, not seconds: it may be held up meanwhile
        await asyncio.sleep(_POLL_SECS)
        if not channel.between_cells or any(page.heard_at >= began for page in channel.pages.values()):
            return True
    return False


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
