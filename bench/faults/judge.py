"""What a caller saw, held against what the server did: the outcome in a few words, and what was lost."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

from bench.faults.sound import BLOCK_BYTES, BLOCKS_PER_CHUNK, WORD_BYTES, sound, spoken_words
from bench.faults.table import Row

_WINDOW_SECS = 10.0


@dataclass
class Result:
    """One row of one client.

    Attributes:
        outcome: A short phrase.
        seconds: From the fault, or the start where none was done, until the caller knew.
        bytes_lost: Of audio, missing or repeated.
        text_lost: Words missing or repeated.
        leaks: Tasks and sockets left over.
        reconnects: Connections used or refused after the first.
        connections: Most connections asked for within 10 s.
        requests: Parts of texts that were spoken (TTS).
        odd: Frames that the client says it ignored.
        dropped: Seconds that the client says it dropped.
        says: The error's message.
    """

    fault: str
    side: str
    client: str
    outcome: str
    seconds: float
    bytes_lost: int = 0
    text_lost: int = 0
    leaks: int = 0
    reconnects: int = 0
    connections: int = 0
    requests: int = 0
    odd: float = 0
    dropped: float = 0.0
    says: str = ""


def judge(row: Row, client: str, seen: dict[str, Any], ledger: dict[str, Any]) -> Result:
    """Judge one row."""
    heard = _judge_speech(seen, ledger) if row.side == "tts" else _judge_text(row, seen, ledger)
    outcome, bytes_lost, text_lost, says, reported_at = heard
    if seen["hung"]:
        outcome = "hung"
    reconnects = sum(c["used"] or c["faulted"] for c in ledger["connections"]) - 1
    if outcome == "whole" and reconnects > 0:
        outcome += f" after {reconnects} reconnect{'s' * (reconnects > 1)}"
    fault_at = ledger["fault_at"]
    begin = fault_at if fault_at is not None and seen["start"] < fault_at < reported_at else seen["start"]
    seconds = round(reported_at - begin, 3)
    return Result(
        row.fault,
        row.side,
        client,
        outcome,
        seconds,
        bytes_lost,
        text_lost,
        leaks=seen["leaks"],
        reconnects=max(0, reconnects),
        connections=_most_within(ledger["handshakes"], _WINDOW_SECS),
        requests=len(ledger["requests"]),
        odd=seen["counts"].get("odd", 0),
        dropped=seen["counts"].get("dropped", 0.0),
        says=says,
    )


def _most_within(times: list[float], seconds: float) -> int:
    """Return how many of the times lie within the fullest stretch of so many seconds."""
    return max((sum(begin <= at < begin + seconds for at in times) for begin in times), default=0)


def _judge_speech(seen: dict[str, Any], ledger: dict[str, Any]) -> tuple[str, int, int, str, float]:
    outcomes: list[str] = []
    lost, says, reported_at = 0, "", seen["end"]
    for said in seen["said"]:
        wanted = len(sound(said["text"]))
        error = said["failure"]
        if error is not None:
            outcome, says = f"raised {error['type']}", error["says"]
            reported_at = error["at"] if not outcomes else reported_at
            sent = _furthest(said["text"], ledger["requests"], error["at"])
            lost += max(0, sent - said["prefix"]) + said["got"] - said["prefix"]
            lost += said["got"] if said["clip_differs"] else 0
        else:
            wrong = wanted + said["got"] - 2 * (said["prefix"] + said["suffix"])
            lost += wrong
            cut = said["got"] < wanted and said["prefix"] == said["got"]
            outcome = "whole" if not wrong else "silent truncation" if cut else "wrong audio"
        if not outcomes or outcomes[-1] != outcome:
            outcomes.append(outcome)
    return ", then ".join(outcomes), lost, -(-lost // WORD_BYTES), says, reported_at


def _furthest(text: str, requests: list[dict[str, Any]], until: float) -> int:
    """Return how much of a text's audio the server had sent, by the part of the text that each request was for."""
    ends = [0]
    for request in requests:
        place = text.find(request["text"])
        sent = [size for at, size in request["sent"] if at < until]
        if place >= 0 and sent:
            ends.append(len(sound(text[:place])) + sent[-1])
    return max(ends)


def _judge_text(row: Row, seen: dict[str, Any], ledger: dict[str, Any]) -> tuple[str, int, int, str, float]:
    error = seen["failure"]
    if error is not None:
        # What the service had made final must be there; of the rest the caller knows, unless it was taken later.
        missing = _difference(sorted(set(ledger["finals"])), sorted(seen["words"]))
        by = "" if {"connect", "results"} & set(error["by"]) else " by push only"
        return f"raised {error['type']}{by}", seen["accepted"], missing, error["says"], error["at"]
    wrong = _difference(spoken_words(row.chunks), seen["words"])
    arrived: set[int] = set()
    disorder = 0
    for connection in ledger["connections"]:
        runs = connection["runs"]
        disorder += sum(later[0] < earlier[1] for earlier, later in pairwise(runs))
        arrived.update(block for first, end in runs for block in range(first, end))
    lost = (row.chunks * BLOCKS_PER_CHUNK - len(arrived) + disorder) * BLOCK_BYTES
    return "whole" if not wrong else "silent loss", lost, wrong, "", seen["end"]


def _difference(wanted: list[str], got: list[str]) -> int:
    """Return how many words are missing, too many or out of order."""
    same = sum(block.size for block in SequenceMatcher(None, wanted, got, autojunk=False).get_matching_blocks())
    return len(wanted) + len(got) - 2 * same
