"""Fixtures for tests of voice code, installed with the package. Everything else is imported when it is used.

::

    def test_greeting(smallest_cassette):              # cassettes/test_bot/test_greeting.cassette beside the test
        assert my_bot.greet("Ada").duration < 3

    def test_hears(smallest_simulator):                # a simulator for this test; services without a key use it
        assert my_bot.hear("hello.wav", url=smallest_simulator.base_url) == "hello"

Without `--smallest-record` cassettes are replayed and nothing is sent; `once` records those that are missing, `all`
records every one again: from the real service if SMALLEST_API_KEY is set, else from the simulator.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from smallest_nb.simulator import Simulator
    from smallest_nb.testing.cassette import Recorder, Replayer

_MODES = ("none", "once", "all")
_MAX_NAME = 100
_failed = pytest.StashKey[bool]()
_recorded = pytest.StashKey[set[Path]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command-line option and the settings of the ini file."""
    group = parser.getgroup("smallest_nb", "Smallest AI's speech API")
    group.addoption(
        "--smallest-record",
        choices=_MODES,
        default="none",
        help="record cassettes: none (replay only, the default), once (those that are missing), all (every one again)",
    )
    parser.addini("smallest_cassette_speed", "how fast cassettes are replayed: instant, or a number", default="instant")


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marks."""
    for line in (
        "smallest_cassette(path=None, speed=None, audio='match', repeat=False, scrub=()): which cassette, and how",
        "smallest_simulator(**behaviour): limits and faults, fields of smallest_nb.simulator.faults.Behaviour",
    ):
        config.addinivalue_line("markers", line)


@pytest.fixture
def smallest_cassette(request: pytest.FixtureRequest) -> Iterator[Replayer | Recorder]:
    """Replay the test's cassette, or record it; see `--smallest-record`.

    Raises:
        pytest.UsageError: It is missing and nothing is to be recorded, or a mark that cannot be read.
    """
    from smallest_nb.common.paths import as_path
    from smallest_nb.testing import cassette

    options = _options(request, "smallest_cassette", {"path", "speed", "audio", "repeat", "scrub"})
    path = as_path(options.pop("path", None) or _beside(request.node))
    path = path if path.is_absolute() else request.path.parent / path
    mode = request.config.getoption("--smallest-record")
    scrub = options.pop("scrub", ())
    recorded = request.config.stash.setdefault(_recorded, set())  # tests that share a cassette: the first one makes it
    if (mode == "all" and path not in recorded) or (mode == "once" and not path.exists()):
        with cassette.record(path, scrub=scrub) as tape:
            yield tape
            if request.node.stash.get(_failed, False):
                tape.discard()
                warnings.warn(pytest.PytestWarning(f"{path} was not written, since the test failed"), stacklevel=1)
                return
        recorded.add(path)
        return
    if not path.exists():
        pytest.fail(f"There is no cassette {path}: record it with `pytest --smallest-record=once`.", pytrace=False)
    options.setdefault("speed", _speed(request.config.getini("smallest_cassette_speed")))
    with cassette.replay(path, scrub=scrub if callable(scrub) else (), **options) as player:
        yield player


@pytest.fixture
def smallest_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """Run a simulator for one test; services that were given neither key nor address go there.

    `simulator.base_url` is for other clients; any key is taken. Limits and faults are given by the mark, or set on
    `simulator.behaviour` while it runs.
    """
    from smallest_nb.notebook import session
    from smallest_nb.simulator import Simulator
    from smallest_nb.simulator.faults import Behaviour

    known = {field.name for field in dataclasses.fields(Behaviour)}
    behaviour = Behaviour(**_options(request, "smallest_simulator", known))
    with Simulator(behaviour=behaviour) as running, session.using(running):
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether the test failed: half a conversation is no cassette."""
    report = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    return report


def _options(request: pytest.FixtureRequest, name: str, known: set[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(name))):
        wrong = [*map(repr, mark.args), *sorted(mark.kwargs.keys() - known)]
        if wrong:
            takes = ", ".join(sorted(known))
            raise pytest.UsageError(f"@pytest.mark.{name} does not take {', '.join(wrong)}; it takes {takes}, by name.")
        options |= mark.kwargs
    return options


def _beside(node: pytest.Item) -> Path:
    """Return `cassettes/<module>/<test>.cassette`; a name that no file can have, or that is long, is made one."""
    inside = node.nodeid.partition("::")[2]
    plain = inside.replace("::", "-").replace("[", "-", 1).removesuffix("]")
    name = re.sub(r"[^\w.-]+", "-", plain)[:_MAX_NAME].strip("-")
    if name != plain:  # two of them must not become one
        name += "-" + hashlib.sha256(inside.encode()).hexdigest()[:8]
    return Path("cassettes") / Path(node.path).stem / f"{name}.cassette"


def _speed(text: str) -> float | str:
    try:
        return text if text == "instant" else float(text)
    except ValueError:
        raise pytest.UsageError(
            f"smallest_cassette_speed = {text!r} cannot be used; expected instant, or a number."
        ) from None
