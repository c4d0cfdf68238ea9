"""The reconnect budget as a pure object: what is progress, how long the waits are, the bound, what is raised."""

from __future__ import annotations

import random

import pytest

import smallest_nb as snb
from smallest_nb.client.backoff import RetryPolicy, is_retryable

LOST = snb.ConnectionLost("The connection was lost", code=1011, reason="as planned")
REFUSED = snb.ConnectionLost("ws://here cannot be reached (the connection was refused; is the server running?)")
BUSY = snb.ServiceError("ws://here answered: busy", status=503)


def longest(_low: float, high: float) -> float:
    return high


def shortest(low: float, _high: float) -> float:
    return low


def failing(policy, error=LOST, *, progress=None, start=0.0, life=0.01, lost=True, most=1000):
    """Open sockets that fail after `life` seconds until the policy gives up; return when each was opened."""
    now, opened = start, []
    for number in range(most):
        opened.append(now)
        if lost:
            policy.opened(now)
        if progress is not None:
            policy.progress(progress(number))
        now += life
        if lost:
            policy.closed(now)
        wait = policy.next_delay(error, now, lost=lost)
        if wait is None:
            break
        now += wait
    return opened


def most_in(times, seconds):
    return max(sum(1 for other in times if at <= other < at + seconds) for at in times)


@pytest.mark.parametrize("max_retries", [0, 1, 3, 5])
@pytest.mark.parametrize("lost", [True, False])
def test_X2_without_progress_there_are_as_many_attempts_as_allowed(max_retries, lost):
    assert len(failing(RetryPolicy(max_retries), lost=lost)) == max_retries + 1


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "progress",
    [None, lambda n: n, lambda n: n // 2, lambda _: 5, lambda n: -n],
    ids=["no", "yes", "half", "same", "back"],
)
@pytest.mark.parametrize("error", [LOST, BUSY], ids=["lost", "busy"])
def test_X2_whatever_a_peer_does_it_is_asked_at_most_seven_times_in_ten_seconds(seed, progress, error):
    """... so that one spare socket more makes eight."""
    policy = RetryPolicy(10_000, uniform=random.Random(seed).uniform)
    times = failing(policy, error, progress=progress, most=60)
    assert len(times) == 60
    assert most_in(times, 10.0) <= 7


def test_X2_the_rate_holds_over_requests_that_are_begun_again():
    policy, times, now = RetryPolicy(5, uniform=shortest), [], 0.0
    while now < 60:
        policy.begin()
        policy.opened(now)
        wait = policy.next_delay(LOST, now, lost=True)
        times.append(now)
        now += max(wait, 0.001)
    assert most_in(times[1:], 10.0) <= 7


def test_X2_progress_is_only_what_no_earlier_socket_had():
    policy = RetryPolicy(3, uniform=shortest)
    assert len(failing(policy, progress=lambda _: 7.0)) == 4, "the first socket reached 7, the others nothing new"
    policy.progress(7.0)
    assert policy.failures == 4
    policy.progress(7.5)
    assert policy.failures == 0
    policy.begin()
    policy.next_delay(LOST, 1000.0, lost=True)
    policy.progress(0.5)
    assert policy.failures == 0, "something new begins at zero"


def test_X2_with_progress_on_each_socket_a_session_goes_on():
    assert len(failing(RetryPolicy(1), progress=lambda n: n + 1, most=200)) == 200


def test_X2_waits_double_from_zero_with_jitter_up_to_a_limit():
    policy = RetryPolicy(12, uniform=longest, longest_wait=8.0)
    waits = [policy.next_delay(LOST, 1000.0 * number, lost=True) for number in range(12)]
    assert waits == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]
    asked = []
    policy = RetryPolicy(12, uniform=lambda low, high: asked.append((low, high)) or low)
    for number in range(4):
        policy.next_delay(LOST, 1000.0 * number, lost=True)
    assert asked == [(0.0, 0.25), (0.0, 0.5), (0.0, 1.0)]


def test_X2_a_busy_service_is_waited_for_as_the_vendor_asks():
    """500 ms, doubled, at most 30 s; jitter only makes it longer."""
    policy = RetryPolicy(12, uniform=shortest)
    waits = [policy.next_delay(BUSY, 1000.0 * number, lost=False) for number in range(8)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@pytest.mark.parametrize(
    "error",
    [
        snb.RateLimitError("slow down", retry_after=4.0),
        snb.ServiceError("down", status=503, retry_after=4.0),
        snb.ServiceError("down", status=502, retry_after=4.0),
    ],
    ids=lambda e: str(e.status),
)
@pytest.mark.parametrize("lost", [True, False])
def test_X7_retry_after_is_honoured_whatever_the_status(error, lost):
    assert RetryPolicy(3, uniform=shortest).next_delay(error, 0.0, lost=lost) == 4.0


@pytest.mark.parametrize("seconds", [30.1, 60.0, float("inf")])
@pytest.mark.parametrize("kind", [snb.RateLimitError, snb.ServiceError])
def test_X7_a_retry_after_that_is_too_long_is_raised_at_once(kind, seconds):
    error = kind("slow down", status=503, retry_after=seconds)
    policy = RetryPolicy(3)
    assert policy.next_delay(error, 0.0, lost=False) is None
    assert policy.final_error(error) is error


def test_an_outage_is_bounded_by_time_and_its_last_attempt_is_at_the_end():
    policy = RetryPolicy(1, outage_secs=10.0, uniform=longest, longest_wait=2.0)
    policy.opened(0.0)
    policy.closed(5.0)
    now = 5.0 + policy.next_delay(LOST, 5.0, lost=True)
    attempts = []
    while (wait := policy.next_delay(REFUSED, now, lost=False)) is not None:
        now += wait
        attempts.append(now)
    assert attempts[-1] == 15.0
    assert 3 < len(attempts) <= 8
    message = str(policy.final_error(REFUSED))
    assert "is the server running?" in message
    assert "Check the network" in message


def test_an_outage_does_not_use_up_the_budget_for_losses():
    policy = RetryPolicy(1, outage_secs=100.0, uniform=shortest)
    policy.next_delay(LOST, 0.0, lost=True)
    for number in range(5):
        assert policy.next_delay(REFUSED, float(number), lost=False) is not None
    assert policy.failures == 1


def test_a_socket_that_lived_long_is_a_working_one():
    policy = RetryPolicy(1, stable_secs=30.0, uniform=shortest)
    assert len(failing(policy, life=31.0, most=50)) == 50
    assert len(failing(RetryPolicy(1, stable_secs=30.0), life=29.0, most=50)) == 2
    assert len(failing(RetryPolicy(1), life=1000.0, most=50)) == 2


def test_what_no_further_attempt_would_change_is_not_tried_again():
    for error in (
        snb.AuthError("no"),
        snb.ModelRetiredError("gone"),
        snb.ServiceError("bad", status=400),
        snb.ServiceError("an error frame"),
        snb.ConfigError("x"),
    ):
        assert not is_retryable(error)
        policy = RetryPolicy(5)
        assert policy.next_delay(error, 0.0, lost=False) is None
        assert policy.final_error(error) is error


def test_X2_the_error_at_the_end_says_how_often_why_and_what_to_do():
    policy = RetryPolicy(2)
    failing(policy)
    error = policy.final_error(LOST)
    assert isinstance(error, snb.ConnectionLost)
    assert (error.code, error.reason) == (1011, "as planned")
    message = str(error)
    assert message.startswith("3 connection attempts in a row brought nothing new")
    assert "max_retries" in message
    assert message.count("1011") == 1
    assert policy.final_error(BUSY) is BUSY, "the service's own words stand for themselves"
    single = RetryPolicy(0)
    single.next_delay(LOST, 0.0, lost=True)
    assert single.final_error(LOST) is LOST, "one failure is what it is"
