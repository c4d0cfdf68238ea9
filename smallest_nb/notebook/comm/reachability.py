"""Whether messages from a page come while a cell waits for them: measured, since hosts and versions differ.

Where they come on a thread of their own they always do. Where they come on the thread that runs cells, some kernels
(ipykernel before 7) hold them until the cell has ended, so that a cell would wait without end, and others handle them
whenever the cell awaits. A message that was handled while a cell ran proves the second for as long as the kernel lives;
without such a proof the channel sends the page a message that it answers at once.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

__all__ = ["note_message", "proven_during_cells", "watch_cells"]


class _Cells:
    """Follows which cells run, by IPython's events.

    Attributes:
        running: Whether a cell runs.
        proven: Whether a page's message was handled on the main thread while a cell ran.
    """

    def __init__(self) -> None:
        self.shell: Any = None
        self.running = False
        self.proven = False

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
    """Record that a page's message is handled here; return whether this is the thread that runs cells."""
    main = _on_main_thread()
    if main and _cells.running:
        _cells.proven = True
    return main


def proven_during_cells() -> bool:
    """Say whether messages are known to come while the caller waits: on another thread, or handled during a cell."""
    return _cells.proven or not _on_main_thread()


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
