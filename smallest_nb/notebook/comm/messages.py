"""The messages between the kernel and the page. Imports errors only.

Twin of js/src/protocol.ts; tests/wire/bridge.json holds both to it. Every message is an envelope
`{v, type, ...}`; messages to the page carry `seq` and how they came (`via`), messages to the kernel carry `page` and
`ack`. Audio is one PCM16 buffer beside it, never base64. No key is called `id`: ipykernel 7.4 keeps an entry for each
of those for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smallest_nb.errors import ProtocolError

__all__ = ["FROM_PAGE", "PROBE", "PROTOCOL_VERSION", "TO_PAGE", "envelope", "parse"]

PROTOCOL_VERSION = 1

PROBE = bytes([0, 127, 128, 255, 10])
"""Sent by the page with `hello`; a host that mangles binary buffers is found by it."""

_MS = (int, float, type(None))

TO_PAGE: dict[str, frozenset[str]] = {
    "welcome": frozenset({"page", "start", "owner", "problem"}),
    "owner": frozenset({"page"}),
    "pong": frozenset({"page", "t", "k"}),
    "probe": frozenset({"page"}),
    "polled": frozenset({"page", "newest", "oldest", "probed"}),
    "soon": frozenset(),
    "piece": frozenset(),
    "stream-open": frozenset({"stream", "sample_rate", "queued"}),
    "stream-audio": frozenset({"stream", "first"}),
    "stream-end": frozenset({"stream", "samples"}),
    "stop": frozenset({"fade_ms"}),
    "playback": frozenset({"action", "at"}),
    "compare": frozenset({"slot", "label", "sample_rate"}),
    "mic-start": frozenset(),
    "mic-stop": frozenset(),
    "mic-ack": frozenset({"n"}),
    "lines": frozenset({"reset", "lines"}),
    "now": frozenset({"at"}),
    "file": frozenset({"name", "mime"}),
    "echo": frozenset({"n"}),
    "burst": frozenset({"n"}),
}
"""Fields of each message to the page."""

FROM_PAGE: dict[str, dict[str, type | tuple[type, ...]]] = {
    "hello": {"build": str, "host": str, "secure": bool, "microphone": str, "worklet": bool, "pull": bool},
    "poll": {"pull": bool, "again": bool},
    "ping": {"t": (int, float), "trip": _MS},
    "bye": {},
    "press": {"action": str},
    "take": {"action": str, "number": int, "text": str},
    "transcript": {"action": str, "number": int, "at": (int, float), "text": str},
    "played": {"stream": str, "position": int, "received": int, "underruns": int, "state": str,
               "first_ms": (int, type(None)), "arrived": _MS, "rendered": _MS, "prebuffer_ms": int,
               "clock_error_ms": _MS},
    "mic-state": {"state": str, "error": (str, type(None)), "rate": int, "dropped": int,
                  "granted": (dict, type(None))},
    "mic-chunk": {"n": int, "t": _MS, "level": (int, float), "clipped": bool, "last": bool},
    "echo": {"n": int},
    "burst": {"run": int, "n": int},
    "facts": {"facts": dict},
}  # fmt: skip
"""Fields and types of each message from the page."""


def envelope(kind: str, **fields: Any) -> dict[str, Any]:
    """Build a message to the page.

    Raises:
        ProtocolError: Unknown type, or fields that do not belong to it.
    """
    if kind not in TO_PAGE or set(fields) != TO_PAGE[kind]:
        raise ProtocolError(f"{kind!r} takes {sorted(TO_PAGE.get(kind, ()))}, got {sorted(fields)}.")
    return {"v": PROTOCOL_VERSION, "type": kind, **fields}


def parse(content: Any) -> dict[str, Any]:
    """Check a message from the page and return it.

    Raises:
        ProtocolError: Not one of ours, of another version, or with fields of the wrong type.
    """
    if not isinstance(content, Mapping):
        raise ProtocolError(f"Expected a message object, got {type(content).__name__}.")
    version = content.get("v")
    if version != PROTOCOL_VERSION:
        raise ProtocolError(
            f"The page speaks message version {version!r}, the kernel {PROTOCOL_VERSION}: reload the page, "
            "and restart the kernel after an upgrade."
        )
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in FROM_PAGE or not isinstance(content.get("page"), str):
        raise ProtocolError(f"Unknown message {kind!r} from the page.")
    for name, expected in {"ack": int, **FROM_PAGE[kind]}.items():
        value = content.get(name)
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise ProtocolError(f"Message {kind!r}: field {name!r} has the wrong type, {type(value).__name__}.")
    return dict(content)
