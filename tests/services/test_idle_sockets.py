"""A plan of few sockets: idle services close theirs when another service needs one."""

from __future__ import annotations

import asyncio
import threading

import pytest

from smallest_nb import RateLimitError, SmallestTTSService
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour

SOCKETS = 5
"""Of a plan of one unit."""


@pytest.fixture(scope="module")
def small_plan():
    with Simulator(behaviour=Behaviour(engine="signal", concurrency=1)) as simulator:
        yield simulator


def tts(simulator, **options):
    return SmallestTTSService(api_key="sk_plan", base_url=simulator.base_url, spare_socket=False, **options)


async def test_K6_idle_services_make_room(small_plan):
    services = [tts(small_plan, max_retries=0) for _ in range(2 * SOCKETS)]
    try:
        for service in services:
            assert (await service.synthesize("Hi")).duration > 0
        for service in services:  # those whose sockets were closed connect again
            assert (await service.synthesize("Hi")).duration > 0
        assert sum(service.connected for service in services) <= SOCKETS
    finally:
        await asyncio.gather(*(service.close() for service in services))


async def test_K6_a_service_that_speaks_keeps_its_socket(small_plan):
    services = [tts(small_plan, max_retries=0) for _ in range(SOCKETS + 1)]
    speech = services[0].run_tts("Hello there. How are you today? Fine, I hope.")
    try:
        await anext(speech)
        for service in services[1:]:
            await service.connect()
        assert services[0].connected
        assert [event async for event in speech]
    finally:
        await asyncio.gather(*(service.close() for service in services))


async def test_K6_services_of_other_loops_make_room(small_plan):
    ready, over = threading.Event(), threading.Event()
    services = [tts(small_plan) for _ in range(SOCKETS)]

    async def hold():
        for service in services:
            await service.connect()
        ready.set()
        while not over.is_set():
            await asyncio.sleep(0.01)
        for service in services:
            await service.close()

    thread = threading.Thread(target=asyncio.run, args=(hold(),))
    thread.start()
    mine = tts(small_plan, max_retries=0)
    try:
        await asyncio.to_thread(ready.wait, 20)
        await mine.connect()
        assert not any(service.connected for service in services)
    finally:
        await mine.close()
        over.set()
        await asyncio.to_thread(thread.join)


def test_K6_services_of_loops_that_ended_make_room(small_plan):
    services = [tts(small_plan) for _ in range(SOCKETS)]
    for service in services:
        asyncio.run(service.connect())

    async def speak():
        async with tts(small_plan) as service:
            return await service.synthesize("Hi")

    assert asyncio.run(speak()).duration > 0


async def test_K6_if_no_service_is_idle_the_refusal_is_raised(small_plan):
    small_plan.behaviour.reject = 429
    try:
        with pytest.raises(RateLimitError):
            await tts(small_plan, max_retries=0).connect()
    finally:
        small_plan.behaviour.reject = None
