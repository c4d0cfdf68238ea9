"""No function of the package takes time that grows faster than its text.

Each is called with texts of one kind of character or word, of growing length, until a call takes long enough to be
measured; then a text four times as long may take eight times as long at most. What is measured is the time that this
thread computes, so that other programs do not count, and a finding is measured again before it is one.
"""

from __future__ import annotations

import gc
import time

import pytest
from text_functions import CHARACTERS, FUNCTIONS, SPOKEN, SPOKEN_FUNCTIONS, call

SHORTEST, LONGEST = 1_000, 64_000
MEASURABLE_SECS = 0.008
LEAST_SECS = 0.001
"""Less than this says nothing about how it will grow."""
TOO_SLOW_SECS = 1.0
MOST_GROWTH = 8.0


def seconds(function, text: str, tries: int = 1) -> float:
    """Return the computing time of the quickest of some calls."""
    best = float("inf")
    gc.disable()
    try:
        for _ in range(tries):
            started = time.thread_time()
            call(function, text)
            best = min(best, time.thread_time() - started)
    finally:
        gc.enable()
    return best


def faults_of(function, kinds: dict[str, str]) -> list[str]:
    """Return for which kinds of text the time grows too fast, in words."""
    call(function, "warm up 1 one, two.")
    return [f"{kind}: {fault}" for kind, unit in kinds.items() if (fault := fault_of(function, unit))]


def fault_of(function, unit: str) -> str | None:
    def text(size: int) -> str:
        return (unit * (size // len(unit) + 1))[:size]

    size, before = SHORTEST, seconds(function, text(SHORTEST))
    while size * 4 <= LONGEST and before < TOO_SLOW_SECS:
        size, former, before = size * 4, before, seconds(function, text(size * 4))
        if before < MEASURABLE_SECS:
            continue
        if before <= MOST_GROWTH * max(former, LEAST_SECS):
            return None
        for _ in range(2):  # whatever disturbed the first measurement does not disturb three
            former, before = seconds(function, text(size // 4), 3), seconds(function, text(size), 2)
            if before <= MOST_GROWTH * max(former, LEAST_SECS):
                return None
        return f"{size // 4:,} characters take {former:.4f} s, {size:,} take {before:.4f} s"
    return f"{size:,} characters take {before:.1f} s" if before >= TOO_SLOW_SECS else None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_K5_time_grows_with_the_length_of_a_text(name):
    assert faults_of(FUNCTIONS[name], CHARACTERS) == []


@pytest.mark.parametrize("name", SPOKEN_FUNCTIONS)
def test_K5_time_grows_with_the_number_of_words(name):
    assert faults_of(SPOKEN_FUNCTIONS[name], SPOKEN) == []


def test_the_measurement_finds_what_it_looks_for():
    def quadratic(text: str) -> int:
        return sum(text.count("ab", at) for at in range(0, len(text), 16))

    assert fault_of(quadratic, "a")
    assert fault_of(lambda text: [c for c in text for _ in range(8)], "a") is None
