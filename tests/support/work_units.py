"""How the tests are shared out among the workers of pytest-xdist.

A work unit is a test file, because module fixtures (a notebook page, a fault server, a peer process) are expensive.
Files whose module fixture is parametrised are split by that parameter, so that the light and the dark page are units of
their own. Units that take long come first: a long unit that starts last would leave the other workers without work.

Pages play and record sound in real time. Those whose sound is compared sample by sample, or must not run dry, have the
first worker; all other workers run at a lower priority beside it. The second worker has the rest of the pages, whose
clocks go on as well; workers without pages have the lowest priority. Each worker takes units of another kind only when
those of its own are finished; two pages more than these two at once would starve the sound, so a third worker takes a
page only when nothing else is left.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

__all__ = ["WorkUnitScheduling", "choose_unit", "is_page_unit", "lower_priority", "sort_by_cost", "work_unit"]

SOUND_WORKER, PAGE_WORKER = "gw0", "gw1"
PAGES = ("tests/browser/", "tests/hosts/", "tests/docs/test_live.py")
SOUND = (
    "tests/browser/test_audio_path.py",
    "tests/browser/test_conversation_page.py",
    "tests/browser/test_listening_page.py",
    "tests/browser/test_live_transcription.py",
    "tests/browser/test_tune_a_voice.py",
    "tests/browser/test_tuner_states.py",
    "tests/docs/test_live.py",
    "tests/hosts/",
)
"""Pages whose sound is measured."""

SPLIT_BY_PARAMETER = re.compile(r"^tests/browser/")
PARAMETER = re.compile(r"\[(light|dark)\b")
SLOWEST_FIRST: Sequence[str] = (
    "tests/browser/",
    "tests/hosts/",  # after the browser's: their environments may still be being made
    # These wait most of their time, while the pages need the processors.
    "tests/services/test_faults.py",
    "tests/services/test_conversation.py",
    "tests/widgets/test_conversation_outcomes.py",
    "tests/widgets/test_live_programs.py",
    "tests/widgets/test_player.py",
    "tests/keys/",
    "tests/packaging/",
    "tests/notebooks/",
    "notebooks/",
    "tests/oracles/",
    "tests/kernel/",
    "tests/docs/",
    "tests/services/",
    "tests/link/",
    "tests/simulator/",
    "tests/widgets/",
    "tests/batch/",
    "tests/unit/test_process_exit.py",
    "tests/unit/test_tracebacks.py",
    "tests/unit/test_keys.py",
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
    """Let the workers without pages wait for pages, and all for the one that measures sound."""
    if worker != SOUND_WORKER and hasattr(os, "nice"):
        os.nice(5 if worker == PAGE_WORKER else 10)


def choose_unit(units: Sequence[str], worker: str) -> str:
    """Return the unit that a free worker runs next, of those that are left in the order of their cost."""

    def rank(unit: str) -> int:
        sound, page = unit.startswith(SOUND), is_page_unit(unit)
        if worker == SOUND_WORKER:
            return 0 if sound else 1 if page else 2
        if worker == PAGE_WORKER:
            return 0 if page and not sound else 1 if not page else 2
        return 0 if not page else 1 if not sound else 2

    return min(units, key=rank)  # the first of the lowest rank


class WorkUnitScheduling(LoadScopeScheduling):
    """Gives each free worker the next work unit of its kind, else any that is left."""

    def _split_scope(self, nodeid: str) -> str:
        return work_unit(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        unit = choose_unit(list(self.workqueue), node.gateway.id)
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)
