"""The kernel: its host, the background loop, and when it receives messages from the page."""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter

from smallest_nb.client import background_loop
from smallest_nb.notebook.doctor.hosts import has_kernel, host_name, shell
from smallest_nb.notebook.doctor.python_checks import release
from smallest_nb.notebook.doctor.report import Check

__all__ = ["busy_behaviour", "check_kernel", "kernel_version"]

_LOOP_SECS = 3.0


def check_kernel() -> list[Check]:
    """Check the kernel; blocks for 3 s at most."""
    return [Check("kernel.host", "Host", "green", host_name()), _loop(), *(_message_checks() if has_kernel() else [])]


def kernel_version() -> str | None:
    """Return the version of the ipykernel that runs here, or None."""
    return getattr(sys.modules.get("ipykernel"), "__version__", None) if has_kernel() else None


def busy_behaviour(version: str | None, *, on_main: bool) -> str:
    """Say what happens to a press in the page while a cell runs.

    Args:
        version: Of ipykernel, or None if it is another kernel.
        on_main: Whether the page's messages come on the thread that runs cells.
    """
    if not on_main:
        return "a press takes effect at once, whatever a cell does: messages come on a thread of their own"
    if version is not None and release(version) >= (7, 4):
        return "a press takes effect at once while a cell awaits, and after the cell while it computes"
    return "a press takes effect when the running cell has ended"


def _loop() -> Check:
    began = perf_counter()
    try:
        if background_loop.on_loop_thread():
            took = 0.0
        else:
            background_loop.call(asyncio.sleep(0), _LOOP_SECS)
            took = 1000 * (perf_counter() - began)
    except (TimeoutError, RuntimeError) as error:
        return Check("kernel.loop", "Background loop", "red", f"does not answer: {error}", "Restart the kernel.")
    return Check("kernel.loop", "Background loop", "green", f"answers in {took:.1f} ms")


def _message_checks() -> list[Check]:
    version = kernel_version()
    able = bool(getattr(shell().kernel, "_supports_kernel_subshells", False))
    name = f"ipykernel {version}" if version else type(shell().kernel).__name__
    subshells = Check("kernel.subshells", "Subshells", "green", f"{'yes' if able else 'no'} ({name})")
    if able and version is not None:
        found = f"in JupyterLab 4.4 or newer {busy_behaviour(version, on_main=False)}"
        return [subshells, Check("kernel.comms", "A press during a cell", "green", found)]
    cannot_receive_while_blocking = version is None or release(version) < (7,)
    return [
        subshells,
        Check("kernel.comms", "A press during a cell", "amber" if cannot_receive_while_blocking else "green",
              busy_behaviour(version, on_main=True),
              "Let the cell end; use `player.on_finished(fn)` instead of `await player.wait()`."
              if cannot_receive_while_blocking else ""),
    ]  # fmt: skip
