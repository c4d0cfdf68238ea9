"""Golden text-to-speech messages, from the tables of the protocol notes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smallest_nb.api import tts_wire as wire
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.errors import ConfigError

GOLDEN = json.loads(Path(__file__).with_name("tts.json").read_text(encoding="utf-8"))


def snapshot(changes: dict) -> SmallestTTSSettings:
    return SmallestTTSSettings.complete().merged(SmallestTTSSettings.from_mapping(changes))[0]


@pytest.mark.parametrize("case", GOLDEN["requests"], ids=lambda c: c["why"])
def test_request(case):
    settings, endpoint = snapshot(case["settings"]), case.get("endpoint")
    assert wire.tts_url("wss://api.smallest.ai/", settings.model, endpoint=endpoint) == case["url"]
    frame = wire.tts_request(settings, "Hello", sample_rate=24000, request_id="r1", endpoint=endpoint)
    assert frame == case["frame"]


@pytest.mark.parametrize("case", GOLDEN["keepalives"])
def test_keepalive(case):
    assert wire.tts_keepalive(snapshot(case["settings"]), endpoint=case.get("endpoint")) == case["frame"]


@pytest.mark.parametrize("case", GOLDEN["frames"], ids=lambda c: json.dumps(c["frame"])[:60])
def test_frame(case):
    frame = wire.parse_tts_frame(json.dumps(case["frame"]))
    assert type(frame).__name__ == case["kind"]
    if "data" in case:
        assert frame.data.hex() == case["data"]
        assert (frame.request_id, frame.external_id) == ("t1", "r1")
    if "message" in case:
        assert (frame.info.message, frame.info.code) == (case["message"], case.get("code"))


@pytest.mark.parametrize("data", [b"\x00\x01", "half a fra", ""])
def test_what_cannot_be_read_is_unknown_and_says_why(data):
    frame = wire.parse_tts_frame(data)
    assert isinstance(frame, wire.UnknownFrame)
    assert frame.why


def test_an_idle_timeout_of_ones_own():
    assert wire.tts_url("ws://h", "lightning-v3.1", idle_timeout=300).endswith("/tts/live?timeout=300")


def test_bad_endpoints_are_refused():
    with pytest.raises(ConfigError, match="unified"):
        wire.tts_url("ws://h", "lightning-v2", endpoint="unified")
    with pytest.raises(ConfigError, match="'nope'"):
        wire.tts_url("ws://h", "lightning-v3.1", endpoint="nope")


def test_continuations():
    base = {"text": "One ", "voice_id": "sophia", "language": "en", "sample_rate": 24000, "complete_backoff_ms": 250,
            "model": "lightning_v3.1"}  # fmt: skip
    settings = snapshot({})
    request = wire.tts_request(settings, "One ", sample_rate=24000, context_id="c-1", more=True)
    assert request == {**base, "context_id": "c-1", "continue": True, "max_buffer_delay_ms": 1}
    assert wire.tts_request(settings, "One ", sample_rate=24000, context_id="c-1") == {
        **base, "context_id": "c-1", "continue": False, "max_buffer_delay_ms": 1}  # fmt: skip
    assert wire.tts_request(settings, "One ", sample_rate=24000, more=True, flush=True) == {
        **base, "continue": True, "flush": True}  # fmt: skip
    assert wire.tts_cancel(settings, "c-1") == {
        "context_id": "c-1", "cancel_request": True, "voice_id": "sophia", "model": "lightning_v3.1"}  # fmt: skip
    with pytest.raises(ConfigError, match="flush"):
        wire.tts_request(settings, "x", sample_rate=24000, context_id="c", flush=True)
    with pytest.raises(ConfigError, match="'c d'"):
        wire.tts_request(settings, "x", sample_rate=24000, context_id="c d")
    with pytest.raises(ConfigError, match="unified"):
        wire.tts_request(settings, "x", sample_rate=24000, context_id="c", endpoint="legacy")


def test_what_a_model_ignores_is_named_with_the_reason():
    ignored = wire.ignored_settings(snapshot({"consistency": 0.5, "speed": 1.5}))
    assert list(ignored) == ["consistency"]
    assert "lightning-v2" in ignored["consistency"]
    assert "2026-05-19" in ignored["consistency"]
