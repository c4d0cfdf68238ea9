"""The key does not print, pickle or copy, and stays out of logs and tracebacks."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback

import pytest

import smallest_nb as snb
from smallest_nb.errors import ConfigError
from smallest_nb.link import target as targets
from smallest_nb.secret import Secret

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
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "source" in told.stack[-1].locals
    assert CANARY not in repr(told.stack[-1].locals)


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
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    for text in (caplog.text, told, repr(service.target), repr(caught.value), repr(vars(service))):
        assert CANARY not in text


def test_targets_that_would_give_the_key_away_are_refused(monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    for url, told in [("ws://example.org", "unencrypted"), ("https://api.smallest.ai", "wss://"),
                      ("wss://me:pw@host", "user name"), ("api.smallest.ai", "wss://")]:  # fmt: skip
        with pytest.raises(ConfigError, match=told):
            targets.resolve(None, url)
    assert targets.resolve().key.source == "environment SMALLEST_API_KEY"
    assert targets.resolve().base_url == "wss://api.smallest.ai"


def test_a_base_url_without_a_key_says_where_keys_come_from():
    with pytest.raises(snb.AuthError, match="SMALLEST_API_KEY"):
        targets.resolve(None, "wss://api.smallest.ai")
