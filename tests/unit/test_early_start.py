"""When an interim is taken for the whole turn, with services that are late by different times. Nothing waits here."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from smallest_nb.client.conversation.early_start import EarlyStart

STEP, PAUSE, STOP = 0.02, 0.1, 0.2
WORD_SECS, GAP_SECS, LAST_INTERIM_SECS = 0.35, 0.48, 0.26


@dataclass(frozen=True)
class Service:
    """How late the results of a transcription are, in seconds.

    Attributes:
        late: Of interim results.
        final: Of a final, after it was requested.
        guess: How much of a word's end may be missing when it is recognised.
    """

    late: float
    final: float
    guess: float


SERVICES = {
    "at once": Service(0.06, 0.11, 0.12),
    "in the region": Service(0.21, 0.46, 0.12),
    "in the region, guessing": Service(0.21, 0.46, 0.35),
    "far": Service(0.48, 1.16, 0.12),
    "far, guessing": Service(0.48, 1.16, 0.35),
}


def results(service: Service, rng: random.Random) -> tuple[list[tuple[float, str]], str, float]:
    """Return the interim results of a turn whose sound ends at 0, its text, and when the final comes."""
    ends = [-WORD_SECS * n for n in reversed(range(rng.randint(3, 8)))]
    found, last, heard_until = [], "", ends[0] - WORD_SECS + rng.uniform(0, GAP_SECS)
    while heard_until <= LAST_INTERIM_SECS:
        count = sum(heard_until >= end - rng.uniform(0, service.guess) for end in ends)
        text = " ".join(f"word{n}" for n in range(count))
        if text not in ("", last):
            found.append((heard_until + service.late + rng.uniform(0, 0.04), text))
            last = text
        heard_until += GAP_SECS
    return found, " ".join(f"word{n}" for n in range(len(ends))), STOP + service.final


def talk(service: Service, turns: int, seed: int) -> tuple[list[float], list[float], float, float]:
    """Return when each answer was begun, when its final came, and characters wasted and spoken."""
    rng, early = random.Random(seed), EarlyStart()
    begun, finals, wasted, spoken = [], [], 0, 0
    for turn in range(turns):
        interims, text, final = results(service, rng)
        quiet, at, interim, started = 100.0 * turn, -4.0, "", None
        while at < final:
            at += STEP
            for came, words in interims:
                if at - STEP < came <= at:
                    interim = words
                    early.interim_came(quiet + at, is_speaking=at < STOP)
                    if started is not None:
                        early.was_wrong(quiet + at, quiet)
                        wasted, started = wasted + len(text), None
            if at < PAUSE:
                early.reset()
            elif interim and started is None:
                stable = early.is_stable(interim, quiet + at, quiet, wasted=wasted, spoken=spoken)
                if (stable or (early.due_at or quiet + 9) <= quiet + at) and early.take():
                    started = (at, interim)
        early.final_came(text)
        if started is not None and started[1] != text:
            wasted, started = wasted + len(text), None
        begun.append(started[0] if started is not None else final)
        finals.append(final)
        spoken += len(text)
        early.new_turn()
    return begun, finals, wasted, spoken


@pytest.mark.parametrize("name", SERVICES)
def test_answers_begin_sooner_and_what_is_thrown_away_is_bounded(name):
    service = SERVICES[name]
    begun, wasted, spoken = [], 0.0, 0.0
    for seed in range(30):
        starts, _, thrown, said = talk(service, 13, seed)
        assert thrown <= said / 3 + 60 + 2 * 55, seed
        begun += starts
        wasted, spoken = wasted + thrown, spoken + said
    plain = STOP + service.final
    assert sum(begun) / len(begun) < (0.85 if service.guess < 0.2 else 0.7) * plain
    assert wasted / spoken < 0.45


@pytest.mark.parametrize("name", SERVICES)
def test_in_a_long_conversation_little_is_thrown_away(name):
    _, _, wasted, spoken = talk(SERVICES[name], 200, 1)
    assert wasted <= spoken / 3


def test_an_interim_that_is_always_misheard_ends_early_starts():
    early, wasted, spoken, starts = EarlyStart(), 0, 0, 0
    for turn in range(30):
        quiet = 10.0 * turn
        early.interim_came(quiet + 0.3, is_speaking=False)
        if early.is_stable("misheard", quiet + 0.4, quiet, wasted=wasted, spoken=spoken) and early.take():
            starts, wasted = starts + 1, wasted + 30
        early.final_came("understood")
        spoken += 30
        early.new_turn()
    assert 3 <= starts <= 13, "one in three, and what is allowed before that"


def test_an_interim_that_comes_after_the_line_is_stable_at_once_and_another_one_is_waited_for():
    early = EarlyStart()
    early.interim_came(9.8, is_speaking=True)
    assert not early.is_stable("a", 10.1, 10.0, wasted=0, spoken=0)
    assert 10.2 < early.due_at < 10.6, "when the next interim would have come"
    assert early.is_stable("a", early.due_at, 10.0, wasted=0, spoken=0)
    early.interim_came(10.3, is_speaking=True)
    assert early.due_at is None
    assert early.is_stable("a b", 10.3, 10.0, wasted=0, spoken=0)


def test_words_that_are_right_move_the_line_down_and_wrong_ones_up():
    early = EarlyStart()
    before = early.soon
    for turn in range(10):
        early.interim_came(10.0 * turn + 0.15, is_speaking=False)
        early.is_stable("short", 10.0 * turn + 0.2, 10.0 * turn, wasted=0, spoken=0)
        early.final_came("short of a word")
    assert early.soon > before
    up = early.soon
    for turn in range(20, 30):
        early.interim_came(10.0 * turn - 0.1, is_speaking=False)
        early.is_stable("All of it", 10.0 * turn + 0.1, 10.0 * turn, wasted=0, spoken=0)
        early.final_came("all of it.")
    assert early.soon < before < up
