"""Settings of a transcription changed while connected: a new connection whose query has them, and results to match."""

from __future__ import annotations

import patterns
import pytest
import sound
import wire
from plan import SENTENCES, Scenario

pytestmark = pytest.mark.oracle
PLAIN, TIMED = 1, 5
"""The steps that finalize, before and after the first change."""
FLAGS = ("word_timestamps", "sentence_timestamps", "full_transcript", "redact_pii", "redact_pci", "diarize")
CHANGES = {
    "pipecat13": dict.fromkeys(FLAGS, True) | {"numerals": "always"},
    "pipecat": dict.fromkeys(FLAGS, True) | {"numerals": "always", "keywords": "weather:2", "itn_normalize": True},
    # Word times are on from the start and cannot be switched by `update_options`, nor can speakers.
    "livekit": dict.fromkeys(("sentence_timestamps", "redact_pii", "redact_pci"), True)
    | {"eou_timeout_ms": 900, "endpointing_timeout_ms": 400, "keywords": [("weather", 2.0)]},
    # The SDK has no update: its user makes a new connection, which is what the client script does.
    "smallestai": dict.fromkeys(FLAGS, True) | {"numerals": True},
}
ASKED = {
    "pipecat13": dict.fromkeys(FLAGS, "true") | {"numerals": "always"},
    "pipecat": dict.fromkeys(FLAGS, "true") | {"numerals": "always", "keywords": "weather:2", "itn_normalize": "true"},
    "livekit": dict.fromkeys(("sentence_timestamps", "redact_pii", "redact_pci"), "true")
    | {"eou_timeout_ms": "900", "endpointing_timeout": "400", "keywords": "weather:2"},
    "smallestai": dict.fromkeys(FLAGS, "true") | {"numerals": "true"},
}
HEAR = (("hear", 0, 4.0), ("finalize",))
SETTLE = ("idle", 1.0)
SCENARIOS = {
    name: Scenario(
        name,
        "stt",
        (*HEAR, ("update", change), SETTLE, *HEAR, ("update", {"language": "hi"}), SETTLE),
        {"language": "en"} if name == "smallestai" else {},
    )
    for name, change in CHANGES.items()
}


def _used(run) -> list:
    return [c for c in run.connections if c.status == 101]


def test_each_change_is_in_the_next_connections_query(run, name):
    assert run.error is None
    queries = [c.query for c in _used(run)][:3]
    first = patterns.STT_QUERIES[name]
    second = first | ASKED[name]
    assert queries == [first, second, second | {"language": "hi"}]


def test_both_connections_understand(run):
    for step in (PLAIN, TIMED):
        heard = run.text(step) or run.text(step - 1)
        assert sound.word_error_rate(SENTENCES[0], heard) < 0.35, heard


def test_what_was_asked_for_comes_and_nothing_before(run, name):
    before, after = ([f for f in c.got() if f.get("is_final") and f["transcript"]] for c in _used(run)[:2])
    assert before
    assert after
    assert not any("utterances" in f for f in before)
    assert all(("words" in f) == (name == "livekit") for f in before)
    assert all(f["words"] and f["utterances"] for f in after)


def test_every_frame_of_the_server_is_documented(run):
    assert sum(wire.check(c) for c in run.connections) > 4
