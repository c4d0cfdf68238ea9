"""The key does not print, pickle or copy, and stays out of logs and tracebacks."""

from __future__ import annotations

import copy
import logging
import pickle
import socket
import traceback

import pytest

import smallest_nb as snb
from smallest_nb.client import background_loop, connect, network, rest
from smallest_nb.client import target as targets
from smallest_nb.common.secret import Secret
from smallest_nb.errors import ConfigError
from smallest_nb.notebook import session

CANARY = "sk_canary_do_not_leak_91c2"


def test_no_way_out_but_unwrap():
    secret = Secret(CANARY)
    for text in (repr(secret), str(secret), f"{secret}", f"{secret:>60}", repr([secret]), repr(vars(type(secret)))):
        assert CANARY not in text
    assert "91c2" in repr(secret)
    for copying in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="leave this process"):
            copying(secret)
    assert secret.unwrap() == CANARY


@pytest.mark.parametrize("value", ["", "  ", None, '"sk_x"', "sk_x y", "sk_ü"])
def test_pasted_keys_are_caught(value):
    with pytest.raises(ConfigError, match="API key"):
        Secret(value)


def test_a_refused_key_is_not_in_a_traceback_that_shows_variables():
    with pytest.raises(ConfigError) as caught:
        Secret(f"{CANARY} and more")
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in trace.stack if "smallest_nb/common/secret" in frame.filename]
    assert "source" in ours[0].locals
    assert CANARY not in repr([frame.locals for frame in ours])


async def test_logs_reprs_and_tracebacks_hold_no_key(simulator, caplog):
    caplog.set_level(logging.DEBUG)
    service = snb.SmallestTTSService(api_key=CANARY, base_url=simulator.base_url)
    await service.connect()
    assert "Authorization: Bearer ***" in caplog.text
    simulator.behaviour.reject = 401
    other = snb.SmallestTTSService(api_key=CANARY, base_url=simulator.base_url)
    try:
        with pytest.raises(snb.AuthError) as caught:
            await other.connect()
    finally:
        simulator.behaviour.reject = None
        await service.close()
        await other.close()
    trace = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    for text in (caplog.text, trace, repr(service.target), repr(caught.value), repr(vars(service))):
        assert CANARY not in text


def shown(error):
    """What a debugger, pytest -l or IPython's verbose mode would show."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize(
    "url",
    ["https://api.smallest.ai", "wss://api.smallest.ai:99999", "wss://host:abc", "wss://[::1", "wss://.host",
     f"wss://{'a' * 70}.com"],
)  # fmt: skip
def test_an_address_that_cannot_be_is_reported_without_the_key(monkeypatch, url):
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    with pytest.raises(ConfigError, match="expected ws:// or wss://") as caught:
        snb.speak("x", base_url=url)
    assert CANARY not in shown(caught.value)
    monkeypatch.setenv("SMALLEST_BASE_URL", url)
    for ask in (session.current_target, lambda: snb.VoiceTuner("x"), lambda: snb.speak("x", api_key=CANARY[:5])):
        with pytest.raises(ConfigError, match="expected ws:// or wss://") as caught:
            ask()
        assert CANARY not in shown(caught.value)


def test_requests_and_handshakes_that_fail_show_no_key(monkeypatch):
    with socket.socket() as closed_port:
        closed_port.bind(("127.0.0.1", 0))
        to = {"api_key": CANARY, "base_url": f"ws://127.0.0.1:{closed_port.getsockname()[1]}"}
        for ask in (
            lambda: background_loop.call(rest.transcribe_recording(b"x", **to), 20),
            lambda: background_loop.call(connect.open_websocket(to["base_url"] + "/x", targets.resolve(**to)), 20),
        ):
            with pytest.raises(snb.ConnectionLost) as caught:
                ask()
            frames = [f for f in traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
                      if "smallest_nb/client" in f.filename]  # fmt: skip
            assert frames
            assert all(CANARY not in repr(f.locals) for f in frames)
    monkeypatch.setattr(network, "is_loopback", lambda _url: 1 / 0)
    with pytest.raises(snb.ConnectionLost, match="ZeroDivisionError") as caught:
        background_loop.call(
            connect.open_websocket("ws://127.0.0.1:9/x", targets.resolve(CANARY, "ws://127.0.0.1:9")), 20
        )


def test_a_key_that_was_chosen_serves_another_address_too(monkeypatch):
    monkeypatch.setattr(session, "_chosen", None)
    snb.use_service(CANARY, base_url="ws://127.0.0.1:9")
    assert targets.resolve(None, "ws://127.0.0.1:8").key.unwrap() == CANARY


def test_targets_that_would_give_the_key_away_are_refused(monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    for url, expected in [("ws://example.org", "unencrypted"), ("https://api.smallest.ai", "wss://"),
                      ("wss://me:pw@host", "user name"), ("api.smallest.ai", "wss://")]:  # fmt: skip
        with pytest.raises(ConfigError, match=expected):
            targets.resolve(None, url)
    assert targets.resolve().key.source == "environment SMALLEST_API_KEY"
    assert targets.resolve().base_url == "wss://api.smallest.ai"


def test_a_base_url_without_a_key_says_where_keys_come_from():
    with pytest.raises(snb.AuthError, match="SMALLEST_API_KEY"):
        targets.resolve(None, "wss://api.smallest.ai")
