"""One row of the table, and the rows that both sides have in common. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.faults.plan import Fault, Plan

SENTENCES = (
    "The quick amber fox jumps over seven hedges.",
    "People expected winter rain before late November.",
    "Please bring two warm coats and thick gloves.",
)
TEXT = " ".join(SENTENCES)
CHUNKS_OF_TEXT = 46
"""Of 2400 bytes: 16 for the first sentence, 14 for the second, 16 for the third."""
MID_AUDIO = 20
"""In the second sentence: the first is whole, the third is waiting."""
OTHER_TEXT = "Something else entirely follows afterwards."
SECRET = "No such voice here"
ALWAYS = 0


@dataclass(frozen=True, eq=False)
class Row:
    """One row.

    Attributes:
        fault: What goes wrong; with `side` the row's name.
        side: `tts` or `stt`.
        expect: The outcome expected of our client.
        plan: What the server does.
        options: For our constructor, to keep the row short.
        texts: What is spoken, one after the other (TTS).
        chunks: How many chunks of 20 ms are pushed (STT) ...
        pace_s: ... one each so many seconds.
        pause_at: The chunk before which nothing is pushed for `pause_s`; -1 for none.
        pause_s: As above; for TTS between two texts.
        finalize_at: The chunk before which `finalize` is asked for; -1 for none.
        place: `server`, `nowhere` (no such host) or `refused` (no such port).
        trouble_at: The chunk, received or pushed, with which the client itself is in trouble.
        block_s: How long its loop is blocked then.
        suspend_s: How long its process is suspended then.
        slow_s: How long the caller takes over each chunk of audio.
        within: Seconds in which the caller has to know.
        at_least: Seconds that it takes if waits are kept.
        reconnects: How many there have to be where the row ends with an error; None for any.
        requests: How many parts of a text have to be spoken, those that a loss cut off included; None for any.
        counted: Whether our client has to have counted a frame as odd.
        says: What the error has to say.
        limit: Seconds after which the row counts as hung.
        apart: To be run in a process of its own, beside others: it suspends, blocks or mostly waits.
        long: Only in the bench.
    """

    fault: str
    side: str
    expect: str
    plan: Plan = field(default_factory=Plan)
    options: Mapping[str, Any] = field(default_factory=dict)
    texts: tuple[str, ...] = (TEXT,)
    chunks: int = 100
    pace_s: float = 0.002
    pause_at: int = -1
    pause_s: float = 0.0
    finalize_at: int = -1
    place: str = "server"
    trouble_at: int = -1
    block_s: float = 0.0
    suspend_s: float = 0.0
    slow_s: float = 0.0
    within: float = 3.0
    at_least: float = 0.0
    reconnects: int | None = None
    requests: int | None = None
    counted: bool = False
    says: str = ""
    limit: float = 12.0
    apart: bool = False
    long: bool = False

    def __str__(self) -> str:
        return f"{self.side}: {self.fault}"


def plan(*faults: Fault, **more: Any) -> Plan:
    """Return a plan with these faults."""
    return Plan(faults, **more)


KILLS: dict[str, dict[str, Any]] = {
    "tcp reset": {"do": "reset"},
    "fin without close frame": {"do": "fin"},
    "close 1000": {"do": "close", "code": 1000},
    "close 1008": {"do": "close", "code": 1008},
    "close 1011": {"do": "close", "code": 1011},
    "close 1013": {"do": "close", "code": 1013},
}
"""Every way to lose a connection, for each phase."""

ODD_FRAMES = (
    "garbage JSON",
    "a JSON list",
    "a JSON number",
    "an empty frame",
    "JSON nested 100000 deep",
    "a binary frame",
    "an unknown status",
    "an unknown type",
    "a frame just below 16 MiB",
)
FATAL_FRAMES = ("text that is not UTF-8", "reserved bits", "a masked frame")

_REFUSALS: tuple[tuple[str, Fault, str, dict[str, Any]], ...] = (
    ("http 401", Fault("handshake", "refuse", code=401, times=ALWAYS), "raised AuthError", {"reconnects": 0}),
    ("http 403", Fault("handshake", "refuse", code=403, times=ALWAYS), "raised AuthError", {"reconnects": 0}),
    ("http 400", Fault("handshake", "refuse", code=400, times=ALWAYS), "raised ServiceError", {"reconnects": 0}),
    (
        "http 429 once, Retry-After: 1",
        Fault("handshake", "refuse", code=429, secs=1),
        "whole after 1 reconnect",
        {"at_least": 0.9, "within": 4.0},
    ),
    (
        "http 429 always, Retry-After: 1",
        Fault("handshake", "refuse", code=429, secs=1, times=ALWAYS),
        "raised RateLimitError",
        {"at_least": 0.9, "reconnects": 1, "options": {"max_retries": 1}},
    ),
    (
        "http 429, Retry-After: 60",
        Fault("handshake", "refuse", code=429, secs=60, times=ALWAYS),
        "raised RateLimitError",
        {"reconnects": 0},
    ),
    ("http 503 once", Fault("handshake", "refuse", code=503), "whole after 1 reconnect", {}),
    (
        "http 503 always",
        Fault("handshake", "refuse", code=503, times=ALWAYS),
        "raised ServiceError",
        {"reconnects": 2, "options": {"max_retries": 2}},
    ),
    (
        "handshake hangs once",
        Fault("handshake", "hang"),
        "whole after 1 reconnect",
        {"at_least": 0.3, "options": {"open_timeout": 0.4}},
    ),
    (
        "handshake hangs always",
        Fault("handshake", "hang", times=ALWAYS),
        "raised ConnectionLost",
        {"reconnects": 1, "at_least": 0.7, "options": {"open_timeout": 0.4, "max_retries": 1}},
    ),
    ("tcp reset in the handshake", Fault("handshake", "reset"), "whole after 1 reconnect", {}),
    (
        "accepted and closed at once, three times",
        Fault("accepted", "close", code=1013, times=3),
        "whole after 3 reconnects",
        {},
    ),
    ("accepted and reset at once, three times", Fault("accepted", "reset", times=3), "whole after 3 reconnects", {}),
)


def common_rows(side: str) -> list[Row]:
    """Return the rows about coming into a connection at all."""
    retry_once = {"max_retries": 1}
    withdrawn = plan(Fault("handshake", "refuse", code=410, times=ALWAYS))
    asked_again = 1 if side == "tts" else 0  # the default model's replacement is asked for, once
    return [
        Row("http 410", side, "raised ModelRetiredError", withdrawn, reconnects=asked_again),
        *(Row(name, side, expect, plan(fault), **more) for name, fault, expect, more in _REFUSALS),
        Row("no such host", side, "raised ConnectionLost", place="nowhere", says="not found", options=retry_once),
        Row("connection refused", side, "raised ConnectionLost", place="refused", says="refused", options=retry_once),
    ]
