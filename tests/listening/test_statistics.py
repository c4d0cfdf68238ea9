"""The statistics of listening tests: known values, and simulated listeners whose preferences are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.plan import Design
from smallest_nb.results.listening.statistics import (
    binomial_power,
    binomial_result,
    compare_ratings,
    holm,
    mean_interval,
    preference_strengths,
    rank_correlation,
    trials_needed,
)
from smallest_nb.results.listening.summary import describe_chance
from tests.support.simulated_listeners import SimulatedListener, results_of

TESTS = 1000


def test_a_count_against_chance():
    """12 of 16: the tail of the binomial distribution is 2517 / 65536."""
    one = binomial_result(12, 16, two_sided=False)
    assert one.p == pytest.approx(2517 / 65536)
    assert describe_chance(one.p) == "once in 26"
    two = binomial_result(12, 16)
    assert two.p == pytest.approx(2 * 2517 / 65536)
    assert (two.low, two.high) == pytest.approx((0.4762, 0.9273), abs=1e-4)  # Clopper and Pearson
    assert (one.low, one.high) == (two.low, two.high)
    assert binomial_result(0, 0).p == 1
    with pytest.raises(ConfigError, match="5 of 4"):
        binomial_result(5, 4)


def test_trials_that_are_needed():
    for share, two_sided in ((0.75, True), (0.75, False), (0.9, True), (0.6, False)):
        needed = trials_needed(share, two_sided=two_sided)
        assert binomial_power(needed, share, two_sided=two_sided) >= 0.8
        assert binomial_power(needed - 1, share, two_sided=two_sided) < 0.8
        assert min(binomial_power(n, share, two_sided=two_sided) for n in range(needed, 2 * needed)) >= 0.8
    with pytest.raises(ConfigError, match="above 0.5"):
        trials_needed(0.5)
    with pytest.raises(ConfigError, match="larger difference"):
        trials_needed(0.501)


def test_the_interval_of_a_mean_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(4)
    inside = 0
    for n in range(300):
        low, high = mean_interval([rng.normal(3, 1, 40).tolist()], seed=n)[1:3]
        inside += low <= 3 <= high
    assert 0.90 <= inside / 300 <= 0.98


def test_listeners_are_resampled_rather_than_their_ratings():
    """Ten listeners who agree with themselves only: 200 ratings are no more than ten opinions."""
    opinions = np.random.default_rng(1).normal(3, 1, 10)
    found = mean_interval([[opinion] * 20 for opinion in opinions])
    assert found.ratings == 200
    assert found.high - found.low > 0.8 * 2 * 1.96 * opinions.std() / math.sqrt(10)
    alone = mean_interval([[4.0]])
    assert alone.mean == 4
    assert math.isnan(alone.low)
    assert mean_interval([[4.0, 4.0]])[:3] == (4, 4, 4)
    with pytest.raises(ConfigError, match="no ratings"):
        mean_interval([[]])


def test_ratings_in_blocks():
    assert compare_ratings([[1, 2]] * 5).p is None
    six = compare_ratings([[1, 2]] * 6)
    assert (six.name, six.p) == ("Wilcoxon", pytest.approx(2 / 64))
    assert compare_ratings([[3, 3]] * 8).p == 1
    three = compare_ratings([[1, 2, 3]] * 6)
    assert (three.name, three.p) == ("Friedman", pytest.approx(math.exp(-6)))  # chi square of 12, two degrees
    assert compare_ratings([[2, 2, 2]] * 6).p == 1
    with pytest.raises(ConfigError, match="same number"):
        compare_ratings([[1, 2], [1, 2, 3]])


def test_several_tests_are_corrected():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_strengths_are_recovered():
    rng = np.random.default_rng(2)
    true = np.array([4.0, 2.0, 1.0, 0.5])
    wins = np.zeros((4, 4))
    for _ in range(4000):
        i, j = rng.choice(4, 2, replace=False)
        winner, loser = (i, j) if rng.random() < true[i] / (true[i] + true[j]) else (j, i)
        wins[winner][loser] += 1
    found = np.array(preference_strengths(wins))
    assert found == pytest.approx(true / np.exp(np.log(true).mean()), rel=0.15)
    assert preference_strengths([[0, 5], [0, 0]])[0] < 20  # finite, though one won everything
    with pytest.raises(ConfigError, match="never compared"):
        preference_strengths([[0, 1, 0], [1, 0, 0], [0, 0, 0]])


def test_correlation_waits_for_enough():
    assert rank_correlation([1, 2, 3, 4], [1, 2, 3, 4]) is None
    assert rank_correlation([1, 2, 3, 4, 5], [2, 4, 6, 8, 9])[0] == pytest.approx(1)
    assert rank_correlation([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]) is None
    assert rank_correlation([1, 2, 3, 4, math.nan], [1, 2, 3, 4, 5]) is None


def share_of_tests(design, qualities, finds, *, listeners=1):
    """Return how many of 1,000 simulated tests find something."""
    found = 0
    for n in range(TESTS):
        who = [SimulatedListener(f"{n}.{k}", qualities, seed=100 * n + k) for k in range(listeners)]
        found += bool(finds(results_of(design, *who)))
    return found / TESTS


EQUAL = {"sophia": 0.0, "magnus": 0.0}


def design_of(kind, systems=("sophia", "magnus"), texts=("one",), **more):
    return Design(kind, {text: list(systems) for text in texts}, 5, **more)


def test_preferences_false_positives_and_power():
    """Without a preference, at most 5 % of tests find a preference. Three to one: as often as was said before."""
    design = design_of("ab", trials=40, checks=0, training=0)
    false = share_of_tests(design, EQUAL, lambda r: r.pairs()[0].p < 0.05)
    assert 0.01 < false <= 0.05 + 0.02  # the exact test at 40 trials: 3.8 %
    # The difference of two errors has a deviation of sqrt(2); 0.954 of them are three to one.
    better = {"sophia": 0.6745 * math.sqrt(2), "magnus": 0.0}
    power = share_of_tests(design, better, lambda r: r.pairs()[0].p < 0.05 and r.pairs()[0].result.share > 0.5)
    assert power == pytest.approx(binomial_power(40, 0.75), abs=0.04)


def test_discrimination_false_positives_and_power():
    design = design_of("abx", trials=28, checks=0, training=0)
    false = share_of_tests(design, EQUAL, lambda r: r.pairs()[0].p < 0.05)
    assert 0.01 < false <= 0.05 + 0.02
    power = share_of_tests(design, {"sophia": 4.0, "magnus": 0.0}, lambda r: r.pairs()[0].p < 0.05)
    assert power > 0.95


def test_ratings_false_positives_and_power():
    """Two voices by Wilcoxon, three by Friedman, ten listeners each."""
    two = design_of("mos", texts=("one", "two"), checks=0, training=0)
    assert share_of_tests(two, EQUAL, lambda r: r.comparison().p < 0.05, listeners=8) <= 0.05 + 0.02
    assert share_of_tests(two, {"sophia": 1.0, "magnus": 0.0}, lambda r: r.comparison().p < 0.05, listeners=8) > 0.5


def test_friedman_false_positives_and_power():
    names = ("sophia", "magnus", "olivia")
    three = design_of("mos", names, checks=0, training=0)
    assert share_of_tests(three, dict.fromkeys(names, 0.0), lambda r: r.comparison().p < 0.05, listeners=10) <= 0.07
    known = {"sophia": 1.2, "magnus": 0.0, "olivia": -0.6}
    assert share_of_tests(three, known, lambda r: r.comparison().p < 0.05, listeners=10) > 0.7


def test_a_known_ranking_is_recovered():
    """Five voices, six listeners: the order of the strengths is that of the qualities, in nearly every test."""
    known = {"a": 1.6, "b": 0.8, "c": 0.0, "d": -0.8, "e": -1.6}
    design = design_of("ab", tuple(known), trials=60, checks=0, training=0)
    right = 0
    for n in range(100):
        who = [SimulatedListener(f"{n}.{k}", known, seed=10 * n + k) for k in range(6)]
        right += list(results_of(design, *who).strengths()) == list(known)
    assert right >= 90
