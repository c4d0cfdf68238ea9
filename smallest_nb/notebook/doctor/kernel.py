"""The kernel: its host, the background loop, and when it hears from the page. Imports the rooms below and runtime."""

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
    """Look at the kernel; blocks for 3 s at most."""
    return [Check("kernel.host", "Host", "green", host_name()), _loop(), *(_hearing() if has_kernel() else [])]


def kernel_version() -> str | None:
    """Return the version of the ipykernel that runs here, or None."""
    return getattr(sys.modules.get("ipykernel"), "__version__", None) if has_kernel() else None


def busy_behaviour(version: str | None, *, on_main: bool) -> str:
    """Say what becomes of a press in the page while a cell runs.

    Args:
        version: Of ipykernel, or None where the kernel is another.
        on_main: Whether the page's messages come on the thread that runs cells.
    """
    if not on_main:
        return "a press is heard at once, whatever a cell does: messages come on a thread of their own"
    if version is not None and release(version) >= (7, 4):
        return "a press is heard at once while a cell awaits, and after its end while it computes"
    return "a press is heard when the running cell has ended"


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


def _hearing() -> list[Check]:
    version = kernel_version()
    able = bool(getattr(shell().kernel, "_supports_kernel_subshells", False))
    told = f"ipykernel {version}" if version else type(shell().kernel).__name__
    subshells = Check("kernel.subshells", "Subshells", "green", f"{'yes' if able else 'no'} ({told})")
    if able and version is not None and release(version) < (7, 4):
        found = f"in JupyterLab 4.4 or newer {busy_behaviour(version, on_main=False)}"
        return [subshells, Check("kernel.comms", "A press during a cell", "green", found)]
    deaf = version is None or release(version) < (7,)
    return [
        subshells,
        Check("kernel.comms", "A press during a cell", "amber" if deaf else "green",
              busy_behaviour(version, on_main=True),
              "Let the cell end; `player.on_finished(fn)` in place of `await player.wait()`." if deaf else ""),
    ]  # fmt: skip
