"""What a listening test has found, in words that a person can act on."""

from __future__ import annotations

import math

from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.plan import Design
from smallest_nb.results.listening.results import ListeningResults, PairResult
from smallest_nb.results.listening.statistics import FEWEST_PAIRS, BinomialResult, binomial_power, holm, trials_needed

__all__ = ["ALPHA", "SOUGHT", "describe_chance", "describe_plan", "summarize"]

ALPHA = 0.05
SOUGHT = 0.75
"""What a test is planned for: a preference of three to one."""
_POWER = 0.8


def summarize(results: ListeningResults) -> str:
    """Return what was found, how sure that is, and what to do, in lines."""
    if not results.counted:
        without = f" {_left_out(results)}" if results.left_out else ""
        return f"No answers that count yet.{without}"
    kinds = {"ab": _preferences, "abx": _discrimination, "mos": _ratings, "mushra": _ratings}
    lines = kinds[results.design.kind](results)
    if results.left_out:
        lines.append(_left_out(results))
    heard = [name for name in results.listeners if name not in results.left_out]
    if len(heard) == 1:
        lines.append("All of this is one listener's ear; ask others before you choose for them.")
    return "\n".join(lines)


def describe_plan(design: Design, listeners: int) -> str:
    """Say before the test what it can find."""
    count = design.count * max(1, listeners)
    people = f"{max(1, listeners)} listener{'' if listeners <= 1 else 's'}"
    if design.kind in ("mos", "mushra"):
        each = count if design.kind == "mushra" else count / len(design.names)
        text = f"{design.count} trials for each of {people}: {each:.0f} ratings of each system."
        low = each < FEWEST_PAIRS
        return f"{text} Fewer than {FEWEST_PAIRS} cannot show a difference." if low else text
    pairs = len(design.names) * (len(design.names) - 1) // 2
    each = count // pairs
    two_sided = design.kind == "ab"
    what = "a preference of three to one" if two_sided else "an ear that is right three times of four"
    power = binomial_power(each, SOUGHT, two_sided=two_sided) if each else 0.0
    needed = trials_needed(SOUGHT, two_sided=two_sided)
    text = (
        f"{design.count} trials for each of {people}: {each} answers to each pair, which find {what} with a power of "
    )
    return f"{text}{100 * power:.0f} %. {needed} answers to a pair have a power of 80 %."


def describe_chance(p: float) -> str:
    """Say a probability as how often chance would do as well."""
    if p > 0.4:
        return "about every second time" if p < 0.7 else "nearly every time"
    if p < 1e-4:
        return "less than once in 10,000"
    return f"once in {max(2, round(1 / p))}"


def _preferences(results: ListeningResults) -> list[str]:
    pairs = results.pairs()
    if len(results.design.names) == 2:
        return _one_preference(pairs[0])
    lines = []
    try:
        strengths = results.strengths()
        ranking = "; ".join(
            f"{n}. {name} (preferred in {100 * _against_others(strengths, name):.0f} % of comparisons with the others)"
            for n, name in enumerate(strengths, 1)
        )
        lines.append(f"Ranking (Bradley-Terry): {ranking}.")
        best = next(iter(strengths))
    except ConfigError as error:
        return [str(error), *(_short(pair) for pair in pairs)]
    better = [_other(pair, best) for pair in pairs if best in pair[:2] and pair.p < ALPHA and _winner(pair) == best]
    unclear = [_other(pair, best) for pair in pairs if best in pair[:2] and _other(pair, best) not in better]
    if better:
        lines.append(
            f"{best} was preferred to {_listed(better)} more often than chance would (corrected for all pairs)."
        )
    if unclear:
        most = max(pair.result.trials for pair in pairs)
        needed = trials_needed(SOUGHT)
        more = f"; {needed} answers to a pair find a preference of three to one" if most < needed else ""
        lines.append(f"Between {best} and {_listed(unclear)} the answers do not decide{more}.")
    else:
        lines.append(f"Choose {best}.")
    return lines + [_short(pair) for pair in pairs]


def _one_preference(pair: PairResult) -> list[str]:
    won, lost = (
        (pair.first, pair.second) if 2 * pair.result.successes >= pair.result.trials else (pair.second, pair.first)
    )
    count = pair.result if won == pair.first else _turned(pair.result)
    if 2 * count.successes == count.trials:
        first = f"{won} and {lost} were preferred equally often, {count.successes} times of {count.trials} each"
    else:
        first = f"{count.successes} of {count.trials} answers preferred {won} to {lost}"
    lines = [
        f"{first} ({_percent(count)}); chance would do as well, for the one or the other, {describe_chance(count.p)}."
    ]
    if count.p < ALPHA:
        lines.append(f"Choose {won}.")
    else:
        lines.append(_undecided(count.trials, two_sided=True, sought="a preference of three to one"))
    return lines


def _discrimination(results: ListeningResults) -> list[str]:
    lines = []
    for pair in results.pairs():
        count, names = pair.result, f"{pair.first} and {pair.second}"
        lines.append(
            f"In {count.successes} of {count.trials} trials X was recognised as one of {names} ({_percent(count)}); "
            f"chance would do as well {describe_chance(count.p)}."
        )
        if pair.p < ALPHA:
            lines.append(f"{names} can be distinguished.")
        else:
            lines.append(_undecided(count.trials, two_sided=False, sought="an ear that is right three times of four"))
    return lines


def _undecided(trials: int, *, two_sided: bool, sought: str) -> str:
    needed = trials_needed(SOUGHT, power=_POWER, two_sided=two_sided)
    if trials < needed:
        return (
            f"That is too little to decide by: {needed} answers find {sought} with a power of 80 %, so ask for "
            f"{needed - trials} more."
        )
    power = binomial_power(trials, SOUGHT, two_sided=two_sided)
    return (
        f"Nothing was found, and {trials} answers would have found {sought} with a power of {100 * power:.0f} %: any "
        "difference is smaller than that, so choose by something else, such as price or speed."
    )


def _ratings(results: ListeningResults) -> list[str]:
    scale = "5" if results.design.kind == "mos" else "100"
    means = results.means()
    lines = []
    for name, found in means.items():
        interval = "" if math.isnan(found.low) else f", 95 % interval {found.low:.1f} to {found.high:.1f}"
        few = f"{found.ratings} rating{'' if found.ratings == 1 else 's'}"
        lines.append(f"{name}: {found.mean:.1f} of {scale} ({few}{interval}).")
    names = [name for name in means if name in results.design.names]
    overall = results.comparison()
    if overall.p is None:
        needed = FEWEST_PAIRS if overall.name == "Wilcoxon" else 3
        lines.append(
            f"That is too little to compare: {overall.blocks} listener{'' if overall.blocks == 1 else 's'} and texts "
            f"with a rating of every system, and {overall.name}'s test takes {needed}. Ask more people, or take "
            "more texts."
        )
        return lines
    chance = f"{overall.name}'s test, {overall.blocks} blocks; chance would do as well {describe_chance(overall.p)}"
    if overall.p >= ALPHA:
        lines.append(
            f"The ratings do not differ by more than chance ({chance}): more listeners, or choose by something else."
        )
        return lines
    lines.append(f"The ratings differ ({chance}).")
    best, others = names[0], names[1:]
    if len(names) == 2:
        lines.append(f"Choose {best}.")
        return lines
    found_p = [results.comparison([best, other]).p for other in others]
    corrected = holm([1.0 if p is None else p for p in found_p])
    better = [other for other, p in zip(others, corrected, strict=True) if p < ALPHA]
    unclear = [other for other in others if other not in better]
    if better:
        lines.append(f"{best} was rated higher than {_listed(better)} (Wilcoxon, corrected for all pairs).")
    if unclear:
        lines.append(f"Between {best} and {_listed(unclear)} the ratings do not decide.")
    else:
        lines.append(f"Choose {best}.")
    return lines


def _left_out(results: ListeningResults) -> str:
    names = results.left_out
    why = (
        "did not find the hidden reference"
        if results.design.kind == "mushra"
        else "failed half of the attention checks"
    )
    return f"Left out: {_listed(names)}, who {why}."


def _short(pair: PairResult) -> str:
    count = pair.result
    return f"{pair.first} : {pair.second} = {count.successes} : {count.trials - count.successes}"


def _turned(count: BinomialResult) -> BinomialResult:
    return BinomialResult(count.trials - count.successes, count.trials, count.p, 1 - count.high, 1 - count.low)


def _percent(count: BinomialResult) -> str:
    return f"{100 * count.share:.0f} %, 95 % interval {100 * count.low:.0f} to {100 * count.high:.0f} %"


def _winner(pair: PairResult) -> str:
    return pair.first if 2 * pair.result.successes > pair.result.trials else pair.second


def _other(pair: PairResult, name: str) -> str:
    return pair.second if pair.first == name else pair.first


def _against_others(strengths: dict[str, float], name: str) -> float:
    mine = strengths[name]
    others = [value for other, value in strengths.items() if other != name]
    return sum(mine / (mine + value) for value in others) / len(others)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
