"""Errors of any form and any size become an error of bounded length; Retry-After in every form."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

import smallest_nb as snb
from smallest_nb.api.error_shapes import error_from_frame, error_from_http, normalize_error, retry_after_seconds
from smallest_nb.api.stt_wire import STTErrorFrame, STTUnknown, parse_stt_frame
from smallest_nb.api.tts_wire import ErrorFrame, UnknownFrame, parse_tts_frame

LONG = "x" * 1_000_000
DEEP = json.loads('{"a": ' * 400 + "1" + "}" * 400)

BODIES = [
    {"error": [{"path": 5}]},
    {"error": [{"path": 5, "message": "bad"}]},
    {"error": [{"path": ["voice_id", 0], "message": "Invalid Voice ID", "code": "custom"}]},
    {"error": [{"path": {"a": 1}, "message": ["b"]}]},
    {"error": [{"path": None, "message": None}]},
    {"error": [None, 5, "text", [], {}]},
    {"error": []},
    {"error": {}},
    {"error": {"message": {"message": "nested"}}},
    {"error": {"code": ["x"], "message": 5}},
    {"error": True},
    {"error": 5},
    {"error": None, "message": "said here"},
    {"errors": {"path": 5}},
    {"message": ["a", "b"]},
    {"error_code": {"a": 1}, "code": 17, "message": "x"},
    {"status": "error"},
    {"recommended_endpoint": 5, "error": "x"},
    {"error": DEEP},
    {"error": [DEEP]},
    [], {}, None, 5, "text", True, [1, 2],
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda b: repr(b)[:60])
def test_K7_an_error_of_any_form_is_read(body):
    info = normalize_error(body)
    assert isinstance(info.message, str)
    assert info.message
    assert isinstance(info.code, str | None)
    assert isinstance(info.replacement, str | None)
    assert isinstance(error_from_frame(info), snb.ServiceError)
    assert isinstance(error_from_http(500, json.dumps(body).encode(), url="ws://here"), snb.ServiceError)
    if isinstance(body, dict):
        assert isinstance(parse_stt_frame(json.dumps({"type": "error", **body})), STTErrorFrame)
        assert isinstance(parse_tts_frame(json.dumps({"type": "error", **body, "status": "error"})), ErrorFrame)


def test_K7_the_form_that_raised():
    assert normalize_error({"error": [{"path": 5}]}).message == '5: {"path": 5}'
    assert normalize_error({"error": [{"path": ["a", 0], "message": "bad"}]}).message == "a.0: bad"


@pytest.mark.parametrize(
    "body",
    [
        {"error": LONG},
        {"message": LONG},
        {"error": {"message": LONG, "code": LONG}},
        {"error": [{"path": [LONG], "message": LONG, "code": LONG}] * 3},
        {"error": [{"path": ["a"] * 1_000_000, "message": "b"}]},
        {"error": [{"message": "b"}] * 100_000},
        {"error": {"a": LONG}},
        {"anything": LONG},
        {"error": "x", "error_code": LONG, "recommended_endpoint": LONG},
        LONG,
        [LONG],
    ],
    ids=range(11),
)
def test_K7_an_error_of_any_length_becomes_a_short_one(body):
    info = normalize_error(body)
    assert len(info.message) + len(info.code or "") + len(info.replacement or "") < 20_000
    assert len(str(error_from_frame(info))) < 20_000
    for status in (400, 401, 410, 429, 500, 503):
        assert len(str(error_from_http(status, json.dumps(body).encode(), url="ws://here"))) < 20_000


def test_K7_what_was_cut_says_how_long_it_was():
    assert normalize_error({"error": LONG}).message.endswith("... (1,000,000 characters in all)")
    assert normalize_error({"error": [{"message": "b"}] * 100}).message.endswith("b; and 90 more")


@pytest.mark.parametrize(
    "frame",
    ['{"type": ' + "9" * 5000 + "}", '{"status": "' + "y" * 10**6 + '"}', '{"type": "' + "y" * 10**6 + '"}',
     "[" * 100_000, '{"type": ["speech_started"], "timestamp": {}}',
     '{"status": "chunk", "request_id": "' + "i" * 10**6 + '", "data": {"audio": ""}}',
     '{"status": "word_timestamp", "data": {"id": Infinity, "word": "a", "start": 0, "end": 1}}',
     '{"status": "word_timestamp", "data": {"word": "a", "start": 0, "end": NaN}}',
     '{"status": "word_timestamp", "data": {"word": "a", "start": 1e999, "end": 1e999}}',
     '{"status": "word_timestamp", "data": {"word": "' + "a" * 10**6 + '", "start": 0, "end": 1}}'],
    ids=lambda f: f[:40],
)  # fmt: skip
def test_K7_frames_that_no_one_can_read_are_described_briefly(frame):
    for event in (parse_stt_frame(frame), parse_tts_frame(frame)):
        assert isinstance(event, STTUnknown | UnknownFrame)
        assert len(event.why) < 500


@pytest.mark.parametrize("status", [429, 503])
def test_X7_a_refusal_says_when_to_try_again(status):
    for header, seconds in (("7", 7.0), ("0", 0.0), ("1.5", 1.5), ("-3", 0.0)):
        error = error_from_http(status, b'{"error": "slow down"}', url="ws://here", retry_after=header)
        assert (error.retry_after, error.status) == (seconds, status)
        assert f"Try again in {seconds:g} s." in str(error)
    assert error_from_http(status, b"", url="ws://here").retry_after is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
def test_X7_a_date_is_read_in_every_form_of_http(status, form, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    at = (datetime.now(UTC) + timedelta(seconds=20)).strftime(form)
    error = error_from_http(status, b"", url="ws://here", retry_after=at)
    assert 10 < error.retry_after <= 20


def test_X7_a_date_in_the_past_is_now_and_nonsense_is_none():
    assert retry_after_seconds(format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True)) == 0.0
    for nonsense in ("", "soon", "nan", "Mon, 99 Foo 2026", "1,5", "9" * 400 + "x"):
        assert retry_after_seconds(nonsense) is None
    assert retry_after_seconds("inf") == float("inf"), "and that is more than anybody waits"
