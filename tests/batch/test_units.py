"""How many requests are under way at once: what is given, what is learned, and what happens after a refusal."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallest_nb.client.batch.units import UnitLimiter, account_limiter, checked_units
from smallest_nb.client.target import Target
from smallest_nb.common.secret import Secret
from smallest_nb.errors import ConfigError


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def limiter(most, first=None, clock=None):
    return UnitLimiter(most, first, clock=clock or Clock(), uniform=lambda low, _high: low)


async def serve(units, count):
    """Have so many requests served, one after the other of those that may run; return the most at once."""
    highest = 0

    async def one():
        nonlocal highest
        async with units.unit():
            highest = max(highest, units.in_use)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            units.succeeded()

    await asyncio.gather(*(one() for _ in range(count)))
    return highest


async def test_a_given_number_is_never_exceeded_and_reached_at_once():
    units = limiter(10)
    assert await serve(units, 200) == 10
    assert (units.in_use, units.limit) == (0, 10)


async def test_an_unknown_number_grows_until_it_is_refused_and_then_slowly():
    clock = Clock()
    units = limiter(100, 4, clock)
    await serve(units, 60)
    grown = units.limit
    assert grown > 30
    began = clock()
    holders = [units.unit() for _ in range(grown)]
    for holder in holders:
        await holder.__aenter__()
    units.refused(began)
    assert units.limit == grown // 2
    for holder in holders:
        await holder.__aexit__(None, None, None)
    clock.now += 60
    before = units.limit
    await serve(units, before)  # one round
    assert before <= units.limit <= before + 1


async def test_refusals_of_requests_that_ran_together_halve_once():
    clock = Clock()
    units = limiter(64, clock=clock)
    holders = [units.unit() for _ in range(64)]
    began = [await holder.__aenter__() for holder in holders]
    for at in began:
        clock.now += 0.01
        units.refused(at)
    assert units.limit == 32
    units.refused(clock())
    assert units.limit == 16
    for holder in holders:
        await holder.__aexit__(None, None, None)


async def test_nothing_begins_before_retry_after():
    clock = Clock()
    units = limiter(2, clock=clock)
    units.refused(clock(), retry_after=7.0)
    assert units.paused_secs == 7.0
    waiting = asyncio.create_task(serve(units, 3))
    for _ in range(20):
        await asyncio.sleep(0)
    assert units.highest == 0
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    clock.now += 7.0
    assert await serve(units, 3) >= 1
    assert units.in_use == 0


async def test_waiting_is_ended_by_the_clock_and_not_only_by_another_request():
    units = UnitLimiter(1)
    units.refused(0.0, retry_after=0.0)
    assert await serve(units, 2) == 1


async def test_a_request_that_is_given_up_while_it_waits_costs_no_unit():
    units = limiter(1)
    first = units.unit()
    await first.__aenter__()
    waiting = asyncio.create_task(serve(units, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await first.__aexit__(None, None, None)
    assert units.in_use == 0
    assert await serve(units, 1) == 1


@given(st.lists(st.sampled_from(["ok", "refused"]), max_size=200), st.integers(1, 30))
def test_the_limit_stays_between_one_and_the_most(outcomes, most):
    clock = Clock()
    units = limiter(most, min(4, most), clock)
    for outcome in outcomes:
        clock.now += 1
        units.succeeded() if outcome == "ok" else units.refused(clock())
        assert 1 <= units.limit <= most
        assert units.paused_secs <= 45


async def test_runs_of_one_account_share_what_was_learned():
    one = Target("ws://127.0.0.1:1", Secret("sk_test_canary_7f3a"))
    same = Target("ws://127.0.0.1:1", Secret("sk_test_canary_7f3a"))
    other = Target("ws://127.0.0.1:1", Secret("sk_test_another_11"))
    first = account_limiter(one, None)
    first.refused(0.0)
    assert account_limiter(same, None) is first
    assert account_limiter(other, None) is not first
    assert account_limiter(same, 10).limit == 10


@pytest.mark.parametrize("units", [0, -1, 1.5, True, "10", 10**6])
def test_what_is_no_number_of_units(units):
    with pytest.raises(ConfigError, match="units="):
        checked_units(units)
