"""The background loop: blocking, awaiting, interrupting, refusing to deadlock."""

from __future__ import annotations

import asyncio
import signal
import threading
import time

import pytest

from smallest_nb.client import background_loop


async def answer(value, after=0.0):
    await asyncio.sleep(after)
    return value


def test_call_returns_and_raises():
    assert background_loop.call(answer(3)) == 3

    async def fail():
        raise KeyError("x")

    with pytest.raises(KeyError):
        background_loop.call(fail())


def test_call_times_out_and_cancels():
    ended = threading.Event()

    async def slow():
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    with pytest.raises(TimeoutError, match="0.2"):
        background_loop.call(slow(), 0.2)
    assert ended.wait(2)


def test_an_interrupt_cancels_the_work():
    ended = threading.Event()

    async def slow():
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        background_loop.call(slow())
        time.sleep(1)
    assert ended.wait(2)
    assert time.monotonic() - started < 5


async def test_wait_works_on_any_loop_and_passes_cancellation_on():
    assert await background_loop.wait(background_loop.submit(answer(4, 0.1))) == 4
    future = background_loop.submit(answer(5, 30))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(background_loop.wait(future), 0.2)
    assert future.cancelled()


def test_blocking_on_the_loop_itself_is_refused():
    async def inner():
        return background_loop.call(answer(1))

    with pytest.raises(RuntimeError, match="awaitable form"):
        background_loop.call(inner(), 5)


def test_K1_an_interrupt_right_after_handing_over_cleans_up_on_the_loop(monkeypatch):
    hand_over = asyncio.run_coroutine_threadsafe
    started, ended = threading.Event(), []

    async def work():
        try:
            started.set()
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)  # as closing a socket does; without a running loop it raises RuntimeError
            ended.append(threading.current_thread().name)

    def interrupted(coroutine, loop):
        hand_over(coroutine, loop)
        assert started.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        background_loop.submit(work())
    monkeypatch.undo()

    async def until_ended():
        async with asyncio.timeout(5):
            while not ended:
                await asyncio.sleep(0.01)

    background_loop.call(until_ended())
    assert ended == ["smallest_nb"]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_handler_that_exits_does_not_end_the_loop_for_all_others(caplog, error):
    def leave():
        raise error("of a handler")

    background_loop.post(leave)
    assert background_loop.call(answer(6), 5) == 6
    assert "goes on for all other widgets" in caplog.text
    assert "of a handler" in caplog.text
