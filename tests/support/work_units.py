"""How the tests are shared out among the workers of pytest-xdist.

A work unit is a test file, because module fixtures (a notebook page, a fault server, a peer process) are expensive.
Files whose module fixture is parametrised are split by that parameter, so that the light and the dark page are units of
their own. Units that take long come first: a long unit that starts last would leave the other workers without work.

Pages play and record sound in real time. They all run in one worker; the others run at a lower priority beside it, and
take a page only when nothing else is left.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

__all__ = ["WorkUnitScheduling", "is_page_unit", "lower_priority", "sort_by_cost", "work_unit"]

PAGE_WORKER = "gw0"
PAGES = ("tests/browser/", "tests/hosts/", "tests/docs/test_live.py")

SPLIT_BY_PARAMETER = re.compile(r"^(tests/browser/|tests/hosts/test_(main_job|lifecycle)\.py)")
PARAMETER = re.compile(r"\[(light|dark|jupyterlab|notebook7|voila|marimo|solara)\b")
SLOWEST_FIRST: Sequence[str] = (
    "tests/hosts/",
    "tests/browser/",
    "tests/packaging/",
    "tests/notebooks/",
    "tests/services/test_faults.py",
    "notebooks/",
    "tests/oracles/",
    "tests/kernel/",
    "tests/docs/",
    "tests/services/",
    "tests/link/",
    "tests/simulator/",
    "tests/widgets/",
)
"""Folders and files in the order in which they are started; everything else follows."""


def work_unit(nodeid: str) -> str:
    """Return the name of the unit that a test belongs to: its file, with the module fixture's parameter, if any."""
    path, _, test = nodeid.partition("::")
    parameter = PARAMETER.search(test) if SPLIT_BY_PARAMETER.match(path) else None
    return f"{path}[{parameter.group(1)}]" if parameter else path


def sort_by_cost(paths: Iterable[str]) -> list[str]:
    """Return paths, those that take longest first, otherwise in their order."""

    def rank(path: str) -> int:
        place = PurePosixPath(path).as_posix()
        return next((n for n, prefix in enumerate(SLOWEST_FIRST) if place.startswith(prefix)), len(SLOWEST_FIRST))

    return sorted(paths, key=rank)


def is_page_unit(unit: str) -> bool:
    """Say whether a unit's tests drive a browser."""
    return unit.startswith(PAGES)


def lower_priority(worker: str) -> None:
    """Let the workers that do not drive pages wait for the one that does."""
    if worker != PAGE_WORKER and hasattr(os, "nice"):
        os.nice(10)


class WorkUnitScheduling(LoadScopeScheduling):
    """Gives each free worker the next work unit of its kind, else any that is left."""

    def _split_scope(self, nodeid: str) -> str:
        return work_unit(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        wants_page = node.gateway.id == PAGE_WORKER
        unit = next((u for u in self.workqueue if is_page_unit(u) == wants_page), next(iter(self.workqueue)))
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)
