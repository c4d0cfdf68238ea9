"""Figures out of what was said and what was played."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from bench.conversation.sound import Spoken

__all__ = ["Figures", "judge"]

Words = dict[str, list[tuple[str, float, float]]]
_LATEST_BARGE_IN_SECS = 4.0


@dataclass
class Figures:
    """What one conversation gave.

    Attributes:
        turn_latency_ms: From the last sample of each turn to the first of its answer.
        barge_in_ms: From the first sample of each interruption to the last of the answer.
        history_error_words: For each interruption, words in the history that were not heard, and the reverse.
        wasted: Characters thrown away, as a share of those that were spoken.
        missing: Turns without an answer, and interruptions that did not stop one.
    """

    turn_latency_ms: list[float]
    barge_in_ms: list[float]
    history_error_words: list[float]
    wasted: float
    missing: list[str]


def judge(spoken: list[Spoken], answer: dict[str, Any], words: Words) -> Figures:
    """Return the figures of one conversation."""
    parts = [(int(number), start, end) for number, start, end in answer["parts"]]
    by_answer: dict[int, list[tuple[float, float]]] = {}
    for number, start, end in parts:
        by_answer.setdefault(number, []).append((start, end))
    figures = Figures([], [], [], answer["wasted_characters"] / max(1, answer["spoken_characters"]), [])
    replies = [m["content"] for m in answer["history"] if m["role"] == "assistant"]
    for place, phrase in enumerate(spoken):
        until = spoken[place + 1].start if place + 1 < len(spoken) else float("inf")
        first = min((p[0][0] for p in by_answer.values() if phrase.end < p[0][0] < until), default=None)
        if first is None:
            figures.missing.append(f"no answer to {phrase.text!r}")
        else:
            figures.turn_latency_ms.append(1000 * (first - phrase.end))
        if phrase.interrupts:
            _judge_interruption(figures, phrase, by_answer, replies, words)
    return figures


def _judge_interruption(
    figures: Figures, phrase: Spoken, by_answer: dict[int, list[tuple[float, float]]], replies: list[str], words: Words
) -> None:
    over = [p for p in by_answer.values() if p[0][0] < phrase.start < p[-1][1]]
    if not over or over[0][-1][1] > phrase.start + _LATEST_BARGE_IN_SECS:
        figures.missing.append(f"{phrase.text!r} interrupted nothing")
        return
    figures.barge_in_ms.append(1000 * (over[0][-1][1] - phrase.start))
    played = sum(end - start for start, end in over[0])
    number = sorted(by_answer.values()).index(over[0])
    figures.history_error_words.append(_history_error(number, played, replies, words))


def _history_error(number: int, played: float, replies: list[str], words: Words) -> float:
    """Compare what the history has of an answer with the words of it that were played."""
    reply = replies[number] if number < len(replies) else ""
    best = max(words, key=lambda text: _likeness(text, reply)) if reply else next(iter(words))
    heard = [_plain(word) for word, start, end in words[best] if (start + end) / 2 <= played]
    kept = [_plain(word) for word in reply.split()]
    blocks = SequenceMatcher(None, heard, kept, autojunk=False).get_matching_blocks()
    common = sum(block.size for block in blocks)
    return float(len(heard) + len(kept) - 2 * common)


def _likeness(text: str, reply: str) -> tuple[int, int]:
    """Say how far a reply is the beginning of a text."""
    one, other = [_plain(w) for w in text.split()], [_plain(w) for w in reply.split()]
    same = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same += 1
    return same, -len(one)


def _plain(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())
