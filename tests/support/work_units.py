"""How the tests are shared out among the workers of pytest-xdist.

A work unit is a test file, because module fixtures (a notebook page, a fault server, a peer process) are expensive.
Files whose module fixture is parametrised are split by that parameter, so that the light and the dark page run side by
side. Units that take long come first: a long unit that starts last would leave the other workers without work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

__all__ = ["WorkUnitScheduling", "sort_by_cost", "work_unit"]

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


class WorkUnitScheduling(LoadScopeScheduling):
    """Gives each free worker the next work unit."""

    def _split_scope(self, nodeid: str) -> str:
        return work_unit(nodeid)
