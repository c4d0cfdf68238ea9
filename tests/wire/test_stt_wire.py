"""Golden speech-to-text messages, from the tables of the protocol notes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smallest_nb.api import stt_wire as wire
from smallest_nb.api.settings import SmallestSTTSettings

GOLDEN = json.loads(Path(__file__).with_name("stt.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN["urls"], ids=lambda c: c["why"])
def test_url(case):
    settings = SmallestSTTSettings.complete(**case["settings"])
    base = case.get("base_url", "wss://api.smallest.ai")
    assert wire.stt_url(base, settings, sample_rate=16000, endpoint=case.get("endpoint")) == case["url"]


@pytest.mark.parametrize("case", GOLDEN["frames"], ids=lambda c: c["text"] or "punctuation only")
def test_transcript(case):
    event = wire.parse_stt_frame(json.dumps(case["frame"]))
    assert isinstance(event, wire.TranscriptFrame)
    segment = event.segment
    assert (segment.text, segment.is_final, event.is_last) == (case["text"], case["final"], case["last"])
    for name in ("start", "end", "speaker"):
        if name in case:
            assert getattr(segment, name) == case[name]


@pytest.mark.parametrize("case", GOLDEN["others"], ids=lambda c: json.dumps(c["frame"])[:50])
def test_other_frames(case):
    event = wire.parse_stt_frame(json.dumps(case["frame"]))
    assert (type(event).__name__ if event is not None else None) == case["kind"]
    if "message" in case:
        assert event.info.message == case["message"]


def test_times_are_seconds_of_the_callers_audio():
    line = wire.SessionTimeline(origin=10.0)
    line.insert(2.0, 0.1)
    line.insert(4.0, 0.1)
    assert [line.to_stream(t) for t in (1.0, 2.0, 2.05, 2.1, 3.0, 5.0)] == [11.0, 12.0, 12.0, 12.0, 12.9, 14.8]
    frame = {"type": "transcription", "transcript": "x", "is_final": True,
             "words": [{"word": "x", "start": 3.0, "end": 5.0}]}  # fmt: skip
    segment = wire.parse_stt_frame(json.dumps(frame), line).segment
    assert (segment.start, segment.end) == (12.9, 14.8)


def test_control_frames():
    assert json.loads(wire.FINALIZE) == {"type": "finalize"}
    assert json.loads(wire.CLOSE_STREAM) == {"type": "close_stream"}
    assert json.loads(wire.KEEPALIVE) == {"type": "keepalive"}
