"""Runs all checks but those of a page."""

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

__all__ = ["run_checks", "run_quick_checks", "run_slow_checks"]

_LONGEST_SECS = 60.0


def run_quick_checks() -> tuple[Report, Target | None]:
    """Check everything that takes no time, and the key, which Colab shows to cells only.

    Returns:
        The report, in which the slow lines are pending, and where services connect, or None if a setting is wrong.
    """
    keys, target = service.check_key()
    waiting = service.WAITING if target else []
    checks = [*_python(), *check_front_end(), *check_kernel(), *keys, *waiting, *simulator_checks.WAITING]
    return Report(checks), target


def _python() -> list[Check]:
    try:
        return check_python()
    except PackageNotFoundError as error:
        return [Check("python.smallest_nb", "smallest_nb", "red", f"its metadata is missing ({error})",
                      "Install it: pip install smallest-nb, or in a clone `make setup`.")]  # fmt: skip


async def run_slow_checks(target: Target | None) -> list[Check]:
    """Check what takes time: the network, and the simulator's engines."""
    local = simulator_checks.check_simulator(used=target is not None and target.simulated)
    if target is None:
        return await local
    both = await asyncio.gather(service.check_service(target), local)
    return [*both[0], *both[1]]


def run_checks() -> Report:
    """Check everything but a page, and wait for it, at most a minute."""
    report, target = run_quick_checks()
    return report.with_checks(background_loop.call(run_slow_checks(target), _LONGEST_SECS))
