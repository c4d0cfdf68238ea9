"""Statistics of listening tests: pure functions of numbers, on scipy (the extra `eval`).

Counts of preferences are tested exactly. Ratings are ordinal, so they are compared by ranks; intervals of means are
bootstrapped. Nothing here knows what a stimulus or a listener is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from smallest_nb.errors import ConfigError

__all__ = [
    "BinomialResult",
    "Comparison",
    "Interval",
    "binomial_power",
    "binomial_result",
    "compare_ratings",
    "holm",
    "mean_interval",
    "preference_strengths",
    "rank_correlation",
    "trials_needed",
]  # fmt: skip

FEWEST_PAIRS = 6
"""Below it no result of a Wilcoxon test is significant at 5 %, whatever the ratings are."""
_RESAMPLES = 2000
_MOST_TRIALS = 2000


class Interval(NamedTuple):
    """A mean and its interval."""

    mean: float
    low: float
    high: float
    ratings: int


class BinomialResult(NamedTuple):
    """Successes among trials against chance.

    `p` is the probability that chance alone gives a count at least as extreme: in both directions, or for a one-sided
    test at least as many successes. `low` and `high` are the exact (Clopper-Pearson) interval of the share.
    """

    successes: int
    trials: int
    p: float
    low: float
    high: float

    @property
    def share(self) -> float:
        """Successes per trial; NaN without trials."""
        return self.successes / self.trials if self.trials else math.nan


class Comparison(NamedTuple):
    """A test of ratings in complete blocks.

    `name` is "Wilcoxon" or "Friedman"; `p` is None if there are too few blocks for it.
    """

    name: str
    blocks: int
    p: float | None


def binomial_result(successes: int, trials: int, *, two_sided: bool = True, confidence: float = 0.95) -> BinomialResult:
    """Test a count against chance, one half.

    Args:
        successes: 0 to `trials`.
        trials: 0 or more; without any, p is 1 and the interval 0 to 1.
        two_sided: For preferences, whose direction is not known before; one-sided for what can only be right or wrong.
        confidence: Of the interval.

    Raises:
        ConfigError: Counts that cannot be, or scipy is missing.
    """
    if not 0 <= successes <= trials:
        raise ConfigError(f"{successes!r} of {trials!r} cannot be; expected 0 to the number of trials.")
    if trials == 0:
        return BinomialResult(0, 0, 1.0, 0.0, 1.0)
    found = _scipy_stats().binomtest(successes, trials, 0.5, alternative="two-sided" if two_sided else "greater")
    # The interval of a one-sided test would reach to 1: the share itself is described in both directions.
    both = _scipy_stats().binomtest(successes, trials, 0.5).proportion_ci(confidence, method="exact")
    return BinomialResult(successes, trials, float(found.pvalue), float(both.low), float(both.high))


def binomial_power(trials: int, share: float, *, alpha: float = 0.05, two_sided: bool = True) -> float:
    """Return the probability that a test with that many trials finds a true share of successes.

    Args:
        trials: 1 or more.
        share: The true share, 0.5 to 1.
        alpha: The p below which a result counts.
        two_sided: As for :func:`binomial_result`.
    """
    stats = _scipy_stats()
    side = alpha / 2 if two_sided else alpha
    # The smallest count that is significant; with one half the two-sided p is twice the one-sided one.
    least = int(stats.binom.isf(side, trials, 0.5)) + 1
    power = float(stats.binom.sf(least - 1, trials, share))
    return power + (float(stats.binom.cdf(trials - least, trials, share)) if two_sided else 0.0)


def trials_needed(share: float, *, power: float = 0.8, alpha: float = 0.05, two_sided: bool = True) -> int:
    """Return how many trials find a true share of successes with a power, now and with any larger number.

    Args:
        share: The true share that is to be found, above 0.5 and at most 1: 0.75 is a preference of three to one.
        power: The wanted probability of finding it, above 0 and below 1.
        alpha: The p below which a result counts.
        two_sided: As for :func:`binomial_result`.

    Raises:
        ConfigError: A share or power that cannot be used, or one that would need more than 2,000 trials.
    """
    if not 0.5 < share <= 1:
        raise ConfigError(f"share={share!r} cannot be found by any number of trials; expected above 0.5, at most 1.")
    if not 0 < power < 1 or not 0 < alpha < 1:
        raise ConfigError(f"power={power!r} and alpha={alpha!r} cannot be used; expected values between 0 and 1.")
    # Power is not monotonic in the number of trials, as counts are whole: the last one that is too few decides.
    enough = 0
    for trials in range(1, _MOST_TRIALS + 1):
        if binomial_power(trials, share, alpha=alpha, two_sided=two_sided) < power:
            enough = 0
        elif enough == 0:
            enough = trials
        if enough and trials >= 2 * enough + 20:
            return enough
    raise ConfigError(f"A share of {share} needs more than {_MOST_TRIALS} trials; look for a larger difference.")


def mean_interval(groups: Sequence[Sequence[float]], *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Return the mean of ratings and its bootstrap interval.

    Ratings of one listener resemble each other. From five listeners on, listeners are resampled (by their means);
    with fewer, single ratings, and the interval is then about these listeners only.

    Args:
        groups: The ratings of each listener.
        confidence: Of the interval.
        seed: Of the resampling.

    Raises:
        ConfigError: There is no rating, or scipy is missing.
    """
    import numpy as np  # noqa: PLC0415

    ratings = [value for group in groups for value in group]
    if not ratings:
        raise ConfigError("There are no ratings to take the mean of.")
    filled = [group for group in groups if group]
    values = [sum(group) / len(group) for group in filled] if len(filled) >= 5 else ratings
    mean = sum(ratings) / len(ratings)
    if len(values) < 2 or max(values) == min(values):
        return Interval(
            mean, mean if len(values) > 1 else math.nan, mean if len(values) > 1 else math.nan, len(ratings)
        )
    found = _scipy_stats().bootstrap(
        (np.asarray(values, float),), np.mean, confidence_level=confidence, n_resamples=_RESAMPLES,
        method="percentile", vectorized=True, rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Interval(mean, float(found.low), float(found.high), len(ratings))


def compare_ratings(blocks: Sequence[Sequence[float]]) -> Comparison:
    """Test whether systems were rated differently: Wilcoxon's signed ranks for two, Friedman's test for more.

    Args:
        blocks: The ratings of all systems by one listener for one text, in the same order of systems each.

    Raises:
        ConfigError: Blocks of different lengths or of one rating, or scipy is missing.
    """
    sizes = {len(block) for block in blocks}
    if len(sizes) > 1 or sizes & {0, 1}:
        raise ConfigError(f"Blocks of {sorted(sizes)} ratings cannot be compared; expected the same number, from 2.")
    systems = sizes.pop() if sizes else 2
    name = "Wilcoxon" if systems == 2 else "Friedman"
    if len(blocks) < (FEWEST_PAIRS if systems == 2 else 3):
        return Comparison(name, len(blocks), None)
    if systems == 2:
        differences = [block[0] - block[1] for block in blocks]
        if not any(differences):
            return Comparison(name, len(blocks), 1.0)
        # With ties or zeros the exact distribution does not hold; scipy then takes permutations of few pairs.
        return Comparison(name, len(blocks), float(_scipy_stats().wilcoxon(differences).pvalue))
    if all(len(set(block)) == 1 for block in blocks):
        return Comparison(name, len(blocks), 1.0)
    columns = list(zip(*blocks, strict=True))
    return Comparison(name, len(blocks), float(_scipy_stats().friedmanchisquare(*columns).pvalue))


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for there being several of them (Holm's method), in the same order."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, values[place] * (len(values) - rank)))
        corrected[place] = highest
    return corrected


def preference_strengths(wins: Sequence[Sequence[float]]) -> list[float]:
    """Return the Bradley-Terry strengths of systems: i is preferred to j with probability s_i / (s_i + s_j).

    Each compared pair is given half a win both ways, so that a system which won or lost everything has a finite
    strength. The geometric mean of all is 1.

    Args:
        wins: `wins[i][j]` is how often i was preferred to j.

    Raises:
        ConfigError: No square table, negative counts, or systems that no chain of comparisons connects.
    """
    import numpy as np  # noqa: PLC0415

    table = np.asarray(wins, float)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or (table < 0).any():
        raise ConfigError("Wins must be a square table of counts from 0.")
    compared = (table + table.T) > 0
    np.fill_diagonal(compared, val=False)
    if not _is_connected(compared):
        raise ConfigError("Some systems were never compared with the others, not even by way of a third: no ranking.")
    table = table + 0.5 * compared
    games, won = table + table.T, table.sum(axis=1)
    strengths = np.ones(len(table))
    for _ in range(10_000):  # Hunter (2004), the MM algorithm
        between = games / (strengths[:, None] + strengths[None, :])
        new = won / between.sum(axis=1)
        new /= np.exp(np.log(new).mean())
        if np.abs(np.log(new / strengths)).max() < 1e-9:
            break
        strengths = new
    return [float(value) for value in new]


def rank_correlation(first: Sequence[float], second: Sequence[float], *, fewest: int = 5) -> tuple[float, float] | None:
    """Return Spearman's correlation of two lists of figures and its p, or None if there are too few or all are equal.

    Args:
        first: One figure a system.
        second: The other one.
        fewest: How many systems it takes.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if math.isfinite(a) and math.isfinite(b)]
    if len(pairs) < fewest or len({a for a, _ in pairs}) < 2 or len({b for _, b in pairs}) < 2:
        return None
    found = _scipy_stats().spearmanr(*zip(*pairs, strict=True))
    return float(found.statistic), float(found.pvalue)


def _is_connected(links: Any) -> bool:
    reached, waiting = {0}, [0]
    while waiting:
        here = waiting.pop()
        for there in range(len(links)):
            if links[here][there] and there not in reached:
                reached.add(there)
                waiting.append(there)
    return len(reached) == len(links)


def _scipy_stats() -> Any:
    try:
        from scipy import stats  # noqa: PLC0415 - half a second to import
    except ModuleNotFoundError as error:
        raise ConfigError("Statistics of listening tests need scipy: pip install 'smallest-nb[eval]'.") from error
    return stats
