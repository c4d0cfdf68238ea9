"""What may be a base URL, and which hosts are this machine: one rule for all places."""

from __future__ import annotations

import traceback

import pytest

import smallest_nb as snb
from smallest_nb.api.code_export import tts_code
from smallest_nb.cli import main
from smallest_nb.client import target as targets
from smallest_nb.client.target import Target
from smallest_nb.common.address import checked_base_url, is_loopback, is_loopback_host
from smallest_nb.common.secret import Secret
from smallest_nb.notebook import session

THIS_MACHINE = ["localhost", "LocalHost", "localhost.", "127.0.0.1", "127.0.0.1.", "127.255.3.4", "[::1]",
                "[0:0:0:0:0:0:0:1]",
                "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]", "\uff11\uff12\uff17.0.0.1", "127。0。0。1",
                "ⓛocalhost"]  # fmt: skip
ELSEWHERE = ["127.example.test", "127.0.0.1.example", "localhost.example", "name.localhost", "0x7f.1", "2130706433",
             "127.1", "0177.0.0.1", "127.0.0.1.nip.io", "0.0.0.0", "[::]", "[::ffff:10.0.0.1]", "[fe80::1]",
             "[::1:1]", "10.0.0.1", "128.0.0.1", "localhosts", "xlocalhost", "example.org", "127", "127."]  # fmt: skip


@pytest.mark.parametrize("host", THIS_MACHINE)
def test_K2_a_host_that_is_this_machine(host):
    assert is_loopback_host(host)
    assert is_loopback(f"ws://{host}:8765/path?x=1")
    assert is_loopback(Target(f"ws://{host}:8765", Secret("sk_address")).base_url)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_K2_a_host_that_only_looks_like_this_machine_is_sent_no_key_unencrypted(host, monkeypatch):
    assert not is_loopback_host(host)
    assert not is_loopback(f"ws://{host}:8765/127.0.0.1?localhost")
    monkeypatch.setattr(session, "_chosen", None)
    url = f"ws://{host}:8765"
    for refused in constructed(url, monkeypatch):
        with pytest.raises(snb.ConfigError, match="unencrypted|cannot be used"):
            refused()
    assert checked_base_url(f"wss://{host}") or host  # encrypted it is a host like others


def constructed(url, monkeypatch):
    """Every way in which a base URL is given."""
    key = {"api_key": "sk_address_1"}
    yield lambda: snb.speak("x", base_url=url, **key)
    yield lambda: snb.transcribe(snb.Clip(bytes(3200), 16000), base_url=url, **key)
    yield lambda: snb.SmallestTTSService(base_url=url, **key)
    yield lambda: snb.SmallestSTTService(base_url=url, **key)
    yield lambda: snb.VoiceTuner("x", base_url=url, **key)
    yield lambda: snb.LiveTranscriber(base_url=url, **key)
    yield lambda: snb.use_service(base_url=url, **key)
    yield lambda: targets.resolve(base_url=url, **key)
    monkeypatch.setenv("SMALLEST_BASE_URL", url)
    yield lambda: snb.SmallestTTSService(**key)
    yield lambda: snb.use_service(**key)
    monkeypatch.setenv("SMALLEST_API_KEY", key["api_key"])
    yield lambda: snb.speak("x")
    yield session.current_target


REFUSED = {
    "wss://host/#fragment": "no user name|fragment",
    "wss://ho st": "a space",
    " wss://host": "a space",
    "wss://host ": "a space",
    "wss://ho\tst": "a tab",
    "wss://host\n": "a line feed",
    "wss://ho\r\nst": "a carriage return",
    "wss://ho\x00st": r"U\+0000",
    "wss://ho\u00a0st": r"U\+00A0",
    "wss://ho\u200bst": r"U\+200B",
    "wss://host\\evil": "it holds",
    "wss://me:pw@host": "user name",
    "wss://me@host": "user name",
    "wss://@host": "user name",
    "wss://127.0.0.1@evil.example": "user name",
    "wss://host?x=1": "query",
    "wss://host?": "query",
    "wss://host:0": "port is 0",
    "wss://host:65536": "65535",
    "wss://host:-1": "Port",
    "wss://host:8a": "8a",
    "wss://host:٣": "port|Port",
    "wss://": "and a host",
    "wss://:80": "and a host",
    "wss:///path": "and a host",
    "wss://.": "host name|label",
    "wss://.host": "label",
    "wss://a..b": "label",
    "wss://-host": "host name",
    "wss://ho%73t": "host name",
    "wss://ho*st": "host name",
    "wss://ho,st": "host name",
    "wss://[::1": "IPv6",
    "wss://[::1]]": "IPv6|cannot be used",
    "wss://[127.0.0.1]": "IPv6|IPv4",
    "wss://[g::1]": "IPv6|address",
    "wss://" + "a" * 64 + ".com": "label",
    "https://host": "ws://",
    "host": "ws://",
    "": "cannot be used",
    "//host": "ws://",
    "ftp://host": "ws://",
}  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_K2_what_is_no_base_url_is_refused_with_a_reason(url, monkeypatch):
    with pytest.raises(snb.ConfigError, match=REFUSED[url]):
        Target(url, Secret("sk_address"))
    if url:  # empty means the usual one
        monkeypatch.setattr(session, "_chosen", None)
        for refused in constructed(url, monkeypatch) if "\0" not in url else ():
            with pytest.raises(snb.ConfigError, match=REFUSED[url]):
                refused()


@pytest.mark.parametrize("value", [5, b"wss://host", ["wss://host"]])
def test_K2_a_base_url_is_text(value):
    with pytest.raises(snb.ConfigError, match="as text"):
        snb.SmallestTTSService(api_key="sk_address", base_url=value)


@pytest.mark.parametrize(
    ("given", "connected"),
    [
        ("wss://api.smallest.ai", "wss://api.smallest.ai"),
        ("WSS://API.Smallest.AI:443/", "wss://api.smallest.ai:443/"),
        ("wss://münchen.example/wävés", "wss://xn--mnchen-3ya.example/w%C3%A4v%C3%A9s"),
        ("wss://host/a%20b/@:c", "wss://host/a%20b/@:c"),
        ("ws://[::1]:8765/x", "ws://[::1]:8765/x"),
        ("wss://under_score.example.", "wss://under_score.example."),
        ("wss://0x7f.1", "wss://0x7f.1"),
    ],
)
def test_K2_an_accepted_base_url_is_shown_as_it_is_connected_to(given, connected):
    assert Target(given, Secret("sk_address")).base_url == connected


def test_K2_the_doctor_and_the_snippets_say_the_same(monkeypatch, capsys):
    monkeypatch.setenv("SMALLEST_API_KEY", "sk_address_1")
    monkeypatch.setattr(session, "_chosen", None)
    for url in ("ws://127.example.test", "wss://ho\tst", "wss://host:99999"):
        monkeypatch.setenv("SMALLEST_BASE_URL", url)
        assert main(["doctor"]) == 1
        assert "base_url=" in capsys.readouterr().out
        if url.startswith("wss"):
            with pytest.raises(snb.ConfigError, match="cannot be used"):
                tts_code("pipecat", snb.SmallestTTSSettings.complete(), text="x", base_url=url)


def test_K2_what_stood_before_the_host_is_shown_nowhere():
    with pytest.raises(snb.ConfigError) as caught:
        snb.SmallestTTSService(api_key="sk_address", base_url="wss://me:my_password@host")
    drawn = [f for f in traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
             if "/smallest_nb/" in f.filename]  # fmt: skip
    assert drawn
    assert "my_password" not in str(caught.value) + repr([f.locals for f in drawn])
