"""Puts the checks together. Imports the rest of this package and runtime."""

from __future__ import annotations

import asyncio
from importlib.metadata import PackageNotFoundError

from smallest_nb.client import background_loop
from smallest_nb.client.target import Target
from smallest_nb.notebook.doctor import service, simulator_checks
from smallest_nb.notebook.doctor.front_end import check_front_end
from smallest_nb.notebook.doctor.kernel import check_kernel
from smallest_nb.notebook.doctor.python_checks import check_python
from smallest_nb.notebook.doctor.report import Check, Report

__all__ = ["examine", "examine_at_once", "examine_service"]

_LONGEST_SECS = 60.0


def examine_at_once() -> tuple[Report, Target | None]:
    """Look at everything that takes no time, and at the key, which Colab gives to cells only.

    Returns:
        The report, in which the slow lines wait, and where services connect, or None where that cannot be said.
    """
    keys, target = service.check_key()
    waiting = service.WAITING if target else []
    checks = [*_python(), *check_front_end(), *check_kernel(), *keys, *waiting, *simulator_checks.WAITING]
    return Report(checks), target


def _python() -> list[Check]:
    try:
        return check_python()
    except PackageNotFoundError as error:
        return [Check("python.smallest_nb", "smallest_nb", "red", f"its metadata are missing ({error})",
                      "Install it: pip install smallest-nb, or in a clone `make setup`.")]  # fmt: skip


async def examine_service(target: Target | None) -> list[Check]:
    """Look at what takes time: the network, and the simulator's engines."""
    local = simulator_checks.check_simulator(used=target is not None and target.simulated)
    if target is None:
        return await local
    both = await asyncio.gather(service.check_service(target), local)
    return [*both[0], *both[1]]


def examine() -> Report:
    """Look at everything but a page, and wait for it, at most a minute."""
    report, target = examine_at_once()
    return report.with_checks(background_loop.call(examine_service(target), _LONGEST_SECS))
