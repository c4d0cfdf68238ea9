"""Divides a list of words among the utterances that they belong to.

Where people speak at once, utterances overlap and the list of words goes back and forth between them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from smallest_nb.common.numbers import finite_float

__all__ = ["share_words"]

_SLACK_SECS = 0.05
"""Words may begin or end this much outside their utterance."""


def share_words(
    words: Sequence[Mapping[str, Any]], utterances: Sequence[Mapping[str, Any]]
) -> list[list[dict[str, Any]]]:
    """Give each word to the utterance of its speaker that is said at its time.

    Args:
        words: As the service sends them, in any order.
        utterances: As the service sends them.

    Returns:
        The words of each utterance, in their order. A word without a speaker has its utterance's, one without times
        goes with the word before it.
    """
    shares: list[list[dict[str, Any]]] = [[] for _ in utterances]
    owners = _owners(words, utterances)
    last = 0
    for i, word in enumerate(words if utterances else ()):
        last = owners.get(i, last)
        speaker = word.get("speaker")
        shares[last].append({**word, "speaker": utterances[last].get("speaker") if speaker is None else speaker})
    return shares


def _owners(words: Sequence[Mapping[str, Any]], utterances: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Return the utterance of each word that has a time, by their places in the lists."""
    begins = [_number(u.get("start"), -math.inf) for u in utterances]
    ends = [_number(u.get("end"), math.inf) for u in utterances]
    unsaid = [Counter(_tokens(u)) for u in utterances]
    to_come = sorted(range(len(utterances)), key=lambda i: begins[i], reverse=True)
    now: list[int] = []
    before: int | None = None
    owners: dict[int, int] = {}
    for middle, w in sorted((m, i) for i, word in enumerate(words) if (m := _middle(word)) is not None):
        while to_come and begins[to_come[-1]] <= middle + _SLACK_SECS:
            now.append(to_come.pop())
        over = [i for i in now if ends[i] < middle - _SLACK_SECS]
        before = max((i for i in (before, *over) if i is not None), key=lambda i: ends[i], default=None)
        now = [i for i in now if ends[i] >= middle - _SLACK_SECS]
        around = now or [i for i in (before, to_come[-1] if to_come else None) if i is not None]
        speaker, tokens = _speaker(words[w]), _tokens(words[w])

        def rank(i: int, at: float = middle, who: str | None = speaker, said: list[str] = tokens) -> tuple[Any, ...]:
            away = max(begins[i] - at, at - ends[i])
            other = None not in (who, theirs := _speaker(utterances[i])) and who != theirs
            missing = any(unsaid[i][token] <= 0 for token in said)
            # Of several that are said then, its speaker's; of these the one whose text has the word; then the shortest.
            return (away if away > _SLACK_SECS else 0.0, other, missing, ends[i] - begins[i])

        if around:
            owners[w] = min(around, key=rank)
            unsaid[owners[w]].subtract(tokens)
    return owners


def _middle(word: Mapping[str, Any]) -> float | None:
    start = _number(word.get("start"), math.nan)
    end = _number(word.get("end"), start)
    return None if math.isnan(start) else (start + end) / 2


def _tokens(data: Mapping[str, Any]) -> list[str]:
    text = next((data[k] for k in ("word", "text", "transcript", "transcription") if data.get(k)), "")
    return re.findall(r"\w+", str(text).casefold())


def _speaker(data: Mapping[str, Any]) -> str | None:
    found = re.search(r"\d+", str(data.get("speaker")))
    return found.group() if found else None


def _number(value: Any, default: float) -> float:
    number = finite_float(value)
    return default if number is None else number
