"""One server per host for all its tests."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from all_hosts import HOSTS
from cells import SENTENCE
from host import Host
from results import EMULATED, Results

import smallest_nb as snb
from smallest_nb.client import background_loop

_results = Results()


def pytest_collection_modifyitems(config, items):
    """Without `-m hosts` or SNB_HOSTS=1 only the main job and the emulated hosts.

    tests/browser has JupyterLab, whose older kernels wait for `make hosts` too.
    """
    if "hosts" in config.getoption("markexpr") or os.environ.get("SNB_HOSTS"):
        return
    slow = [i for i in items if i.get_closest_marker("hosts") and not _is_quick(i)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [i for i in items if i not in slow]


def _is_quick(item) -> bool:
    if item.path.name in ("test_colab.py", "test_vscode.py", "test_listening_in_voila.py"):
        return True
    return item.path.name == "test_main_job.py" and item.callspec.params["host"] != "jupyterlab"


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """The hosts' servers; each is started while the tests of the one before it run."""
    starting = {}

    def start(name: str):
        if name not in starting:
            starting[name] = pool.submit(HOSTS[name], tmp_path_factory.mktemp(name) / "host")
        return starting[name]

    with ThreadPoolExecutor(1) as pool:
        yield SimpleNamespace(start=start, take=lambda name: (start(name).result(), starting.pop(name))[0])
        for server in starting.values():  # started ahead and not asked for, because a test failed with --exitfirst
            server.result().close()


@pytest.fixture(scope="module")
def host(request, servers):
    """The running host that the test names."""
    running = servers.take(request.param)
    tests = [item for item in request.session.items if item.path == request.path]
    names = list(dict.fromkeys(item.callspec.params["host"] for item in tests))
    for following in names[names.index(request.param) + 1 :][:1]:
        servers.start(following)
    yield running
    running.close()


@pytest.fixture(scope="module")
def shown(host, spoken):
    """A page of the host with both widgets ready; its microphone speaks the sentence."""
    with host.browse(microphone=spoken) as page:
        page.wait_ready()
        yield page


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Record the outcome of each test that is about a host."""
    report = yield
    if item.path.stem in EMULATED and (report.when == "call" or report.failed):
        _results.add(*EMULATED[item.path.stem], item.originalname, passed=report.passed)
    host = getattr(item, "funcargs", {}).get("host")
    counted = item.path.stem in ("test_main_job", "test_lifecycle") and isinstance(host, Host)
    if counted and (report.when == "call" or report.failed):
        _results.add(host.name, host.version(), item.originalname, passed=report.passed)
    return report


def pytest_sessionfinish():
    """Write the outcomes for the README."""
    _results.write()


@pytest.fixture(scope="session")
def spoken(simulator, tmp_path_factory):
    """A WAV of the sentence for the browser's microphone; the recogniser is given no hint of it."""
    service = snb.SmallestTTSService(
        api_key="sk_test_canary_7f3a", base_url=simulator.base_url, settings=snb.SmallestTTSSettings(voice="magnus")
    )

    async def run():
        try:
            return await service.synthesize(SENTENCE)
        finally:
            await service.close()

    clip = background_loop.call(run(), 30).padded(0.7, 2.0)
    return clip.to_wav(tmp_path_factory.mktemp("microphone") / "spoken.wav")
