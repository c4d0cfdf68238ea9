"""Services belong to the process that made them and to the event loop that used them first."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from smallest_nb import ConfigError, SmallestSTTService, SmallestSTTSettings, SmallestTTSService, SmallestTTSSettings
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour

OTHER_LOOP = "this service belongs to another event loop; make a new one"
SERVICES = {"tts": SmallestTTSService, "stt": SmallestSTTService}


@pytest.fixture(scope="module")
def running():
    with Simulator(behaviour=Behaviour(engine="signal")) as simulator:
        yield simulator


@pytest.fixture
def make(running):
    return lambda kind: SERVICES[kind](api_key="sk_x", base_url=running.base_url)


async def speak(service):
    return [event async for event in service.run_tts("Hi")]


async def listen(service):
    return service.segments()


USES = {
    "tts": {
        "connect": lambda s: s.connect(),
        "run_tts": speak,
        "synthesize": lambda s: s.synthesize("Hi"),
        "update_settings": lambda s: s.update_settings(SmallestTTSSettings(speed=1.5)),
        "interrupt": lambda s: s.interrupt(),
        "suspend": lambda s: s.suspend(),
        "with": lambda s: s.__aenter__(),
    },
    "stt": {
        "connect": lambda s: s.connect(),
        "send": lambda s: s.send(bytes(3200)),
        "finalize": lambda s: s.finalize(),
        "update_settings": lambda s: s.update_settings(SmallestSTTSettings(diarize=True)),
        "segments": listen,
        "with": lambda s: s.__aenter__(),
    },
}


@pytest.mark.parametrize(("kind", "use"), [(k, u) for k, uses in USES.items() for u in uses])
@pytest.mark.parametrize("how", ["ended", "paused"])
def test_X4_another_loop_is_refused_at_once(make, kind, use, how):
    service = make(kind)
    first = asyncio.new_event_loop()
    first.run_until_complete(service.connect())
    if how == "ended":
        first.run_until_complete(_cancel_others())
        first.close()
    with pytest.raises(ConfigError, match=OTHER_LOOP):
        asyncio.run(asyncio.wait_for(USES[kind][use](service), 20))
    asyncio.run(asyncio.wait_for(service.close(), 20))  # releases, and raises nothing
    assert not service.connected
    if how == "paused":
        first.run_until_complete(_cancel_others())
        first.close()


async def _cancel_others():
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@pytest.mark.parametrize("kind", SERVICES)
def test_X4_one_service_in_two_runs(make, kind):
    service = make(kind)
    asyncio.run(service.connect())
    with pytest.raises(ConfigError, match=OTHER_LOOP):
        asyncio.run(service.connect())
    asyncio.run(service.close())
    asyncio.run(service.close())


def wait_for_sessions(running, number):
    """Wait until the simulator, which runs in a thread of its own, has that many connections."""
    for _ in range(200):
        if running.open_sessions == number:
            return
        threading.Event().wait(0.05)
    pytest.fail(f"{running.open_sessions} connections to the simulator, expected {number}")


@pytest.mark.parametrize("kind", SERVICES)
def test_X4_closing_releases_the_sockets_of_a_loop_that_ended(running, make, kind):
    service = make(kind)
    asyncio.run(service.connect())
    wait_for_sessions(running, 1)
    asyncio.run(service.close())
    wait_for_sessions(running, 0)


@pytest.mark.parametrize("kind", SERVICES)
def test_X4_closing_from_outside_runs_on_the_loop_of_the_service(make, kind):
    service, ready, over = make(kind), threading.Event(), threading.Event()

    async def hold():
        await service.connect()
        ready.set()
        while not over.is_set():
            await asyncio.sleep(0.01)

    thread = threading.Thread(target=asyncio.run, args=(hold(),))
    thread.start()
    try:
        assert ready.wait(20)
        with pytest.raises(ConfigError, match=OTHER_LOOP):
            asyncio.run(service.connect())
        asyncio.run(service.close())
        assert not service.connected
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("kind", SERVICES)
def test_X4_settings_may_be_changed_before_the_first_use(make, kind):
    service = make(kind)
    changes = SmallestTTSSettings(speed=1.5) if kind == "tts" else SmallestSTTSettings(diarize=True)
    assert asyncio.run(service.update_settings(changes))
    asyncio.run(service.connect())
    asyncio.run(service.close())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_K11_a_service_from_before_a_fork_is_refused(make, kind, monkeypatch):
    service = make(kind)
    asyncio.run(service.connect())
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as it is in the child, where nothing of pytest may run on
    with pytest.raises(ConfigError, match="this service was made in another process; make a new one"):
        asyncio.run(service.connect())
    asyncio.run(service.close())
    assert service.connected  # the sockets are the parent's, which goes on with them
