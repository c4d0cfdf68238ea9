"""Two sentences heard through each client in one session, each finalized: texts, interims, times, frames."""

from __future__ import annotations

import patterns
import pytest
import sound
import wire
from plan import SENTENCES, Scenario

pytestmark = pytest.mark.oracle
STEPS = (("hear", 0, 2.0), ("finalize",), ("idle", 0.5), ("hear", 1, 1.0), ("finalize",), ("end",))
TURNS = ((0, 1, 2), (3, 4, 5))
"""The steps in which the words of each sentence may arrive."""
SCENARIOS = {
    "pipecat13": Scenario("pipecat13", "stt", STEPS, {"word_timestamps": True}),
    "pipecat": Scenario("pipecat", "stt", STEPS, {"word_timestamps": True}),
    "livekit": Scenario("livekit", "stt", STEPS),
    "smallestai": Scenario("smallestai", "stt", STEPS, {"language": "en", "word_timestamps": True}),
}
QUICK = ("pipecat13", "pipecat")


def _finals(run, turn: int) -> list[dict]:
    return [final for step in TURNS[turn] for final in run.finals(step)]


def _words(run, turn: int) -> list[dict]:
    return [w for final in _finals(run, turn) for w in (final.get("wire") or final)["words"]]


def test_each_sentence_is_understood(run):
    assert run.error is None
    for turn, sentence in enumerate(SENTENCES):
        heard = " ".join(final["text"] for final in _finals(run, turn))
        assert sound.word_error_rate(sentence, heard) < 0.35, heard


def test_finalize_brings_one_final_each(run):
    assert [len(_finals(run, turn)) for turn in range(len(TURNS))] == [1, 1]


def test_interim_results_come_while_one_speaks(run):
    """They grow. How many come, and for which sentence, depends on how busy the machine is."""
    turns = [
        [r["text"] for step in steps for r in run.steps[step]["results"] if not r["final"]] for steps in ((0, 1), (3,))
    ]
    assert any(turns), "none came"
    for interims in filter(None, turns):
        assert len(interims[-1].split()) >= len(interims[0].split()), interims


def test_the_times_of_both_lie_on_one_line(run):
    first, second = _words(run, 0), _words(run, 1)
    assert first[-1]["end"] <= second[0]["start"]
    assert 3.0 < second[-1]["end"] < 9.0
    starts = [w["start"] for w in (*first, *second)]
    assert starts == sorted(starts)


def test_the_client_sends_what_it_is_known_to_send(run, name):
    (used,) = [c for c in run.connections if c.messages]
    asked = {} if name == "livekit" else {"word_timestamps": "true"}
    assert used.path == patterns.STT_PATHS[name]
    assert used.query == patterns.STT_QUERIES[name] | asked
    assert patterns.headers(name, "sk_oracle").items() <= used.headers.items()
    controls = [m for m in used.sent() if isinstance(m, dict) and m != {"type": "keepalive"}]
    closing = {"livekit": [{"type": "finalize"}, {"type": "close_stream"}], "smallestai": [{"type": "close_stream"}]}
    assert controls == [{"type": "finalize"}] * 2 + closing.get(name, [])


def test_closing_brings_the_last_frame(run, name):
    last = [f for c in run.connections for f in c.got() if f.get("is_last")]
    assert len(last) == (1 if name in ("livekit", "smallestai") else 0)  # Pipecat just hangs up


def test_every_frame_of_the_server_is_documented(run):
    assert sum(wire.check(c) for c in run.connections) > 4
