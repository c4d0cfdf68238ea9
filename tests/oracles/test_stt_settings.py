"""Settings of a transcription changed while connected: a new connection whose query has them, and results to match."""

from __future__ import annotations

import patterns
import pytest
import sound
import wire
from conftest import SENTENCES
from peer import Scenario

pytestmark = pytest.mark.oracle
PLAIN, TIMED = 1, 5
"""The steps that finalize, before and after the first change."""
TIMES = {"word_timestamps": True, "sentence_timestamps": True}


def _steps(change: dict) -> tuple:
    hear = (("hear", 0, 4.0), ("finalize",))
    return (*hear, ("update", change), ("idle", 1.0), *hear, ("update", {"language": "hi"}), ("idle", 1.0))


SCENARIOS = {
    "pipecat13": Scenario("pipecat13", "stt", _steps(TIMES)),
    "pipecat": Scenario("pipecat", "stt", _steps(TIMES | {"full_transcript": True, "numerals": "always"})),
    # LiveKit has word times from the start and cannot switch them; its `update_options` knows sentences' times.
    "livekit": Scenario("livekit", "stt", _steps({"sentence_timestamps": True, "eou_timeout_ms": 900})),
    # The SDK has no update: its user connects anew, which is what the client script does.
    "smallestai": Scenario("smallestai", "stt", _steps(TIMES), {"language": "en"}),
}
ASKED = {
    "pipecat": {
        "word_timestamps": "true",
        "sentence_timestamps": "true",
        "full_transcript": "true",
        "numerals": "always",
    },
    "livekit": {"sentence_timestamps": "true", "eou_timeout_ms": "900"},
}
TIMED_QUERY = {"word_timestamps": "true", "sentence_timestamps": "true"}


def _used(run) -> list:
    return [c for c in run.connections if c.status == 101]


def test_each_change_is_in_the_next_connections_query(run, name):
    assert run.error is None
    queries = [c.query for c in _used(run)][:3]
    first = patterns.STT_QUERIES[name]
    second = first | ASKED.get(name, TIMED_QUERY)
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
