"""Shared fixtures: a simulator per session, and services that use it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from smallest_nb.simulator import Simulator
from tests.support.browser_evidence import FAILED, save_evidence
from tests.support.chromiums import CHROMIUMS
from tests.support.slow_tests import SLOW_AND_ALL, reason_of
from tests.support.work_units import WorkUnitScheduling, is_page_unit, lower_priority, sort_by_cost

ROOT = Path(__file__).resolve().parents[1]
KEY = "sk_test_canary_7f3a"

for name in (
    "SMALLEST_API_KEY",
    "SMALLEST_BASE_URL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
):
    os.environ.pop(name, None)
# Whose machine it is shall not matter: no keyring and no .env file of theirs.
os.environ["SMALLEST_KEY_SOURCES"] = "environment"


# The same examples in every run; `--hypothesis-profile=thorough` looks for new ones.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("ci")

CASE_NAME = re.compile(r"test_(?:UX|[A-Z])\d+_")
"""Names such as `test_S4_...`: the test holds row S4 of the list of faults that users met."""


def pytest_collection_modifyitems(config, items):
    for item in items:
        if CASE_NAME.match(item.name):
            item.add_marker("case")
        if (reason := reason_of(item.nodeid)) is not None:
            item.add_marker(pytest.mark.slow(reason=reason))
    config.stash[SLOW_AND_ALL] = sum(item.get_closest_marker("slow") is not None for item in items), len(items)
    if "slow" not in config.getoption("markexpr") and not any("::" in argument for argument in config.args):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
    place = {path: n for n, path in enumerate(sort_by_cost(dict.fromkeys(_file_of(item) for item in items)))}
    items.sort(key=lambda item: place[_file_of(item)])


def _file_of(item) -> str:
    return item.nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return WorkUnitScheduling(config, log)


def pytest_sessionstart(session):
    worker = getattr(session.config, "workerinput", None)
    if worker is None:  # the controller of the workers, or the only process
        if "SNB_KEEP_EVIDENCE" not in os.environ:
            shutil.rmtree(FAILED, ignore_errors=True)
    else:
        lower_priority(worker["workerid"])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if not is_page_unit(item.nodeid):
        CHROMIUMS.close()  # Playwright's loop runs in this thread, where tests run loops of their own


def pytest_sessionfinish():
    CHROMIUMS.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        folder = save_evidence(item.nodeid)
        if folder is not None:
            report.sections.append(("Pages", f"Screenshots, console and server log: {folder.relative_to(ROOT)}"))
    return report


def pytest_terminal_summary(terminalreporter):
    """Name the command that runs each failed test alone."""
    failed = [r.nodeid for kind in ("failed", "error") for r in terminalreporter.stats.get(kind, [])]
    if failed:
        terminalreporter.section("to run each failed test alone")
        for nodeid in dict.fromkeys(failed):
            terminalreporter.line(f"make one TEST={shlex.quote(nodeid)}")


@pytest.fixture(scope="session")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture
def fresh_simulator():
    """A simulator of the test's own, to be given faults."""
    with Simulator() as running:
        yield running
