"""Requests of web pages and requests to other names are refused; programs are served."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys

import pytest
from simulated import LIVE, call, opened, speak, stt_path
from websockets.exceptions import InvalidStatus

import smallest_nb as snb
from smallest_nb import AuthError
from smallest_nb.notebook import session
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.admission import Admission, describe_exposure
from smallest_nb.simulator.faults import Behaviour

PAGE = "https://page.example"


async def answer(simulator, head: str, body: bytes = b"") -> tuple[int, dict]:
    """Send a request as it stands; return its status and its JSON."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
    answered = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = int(re.search(rb"(?i)content-length: (\d+)", answered).group(1))
    text = await asyncio.wait_for(reader.readexactly(length), 10)
    writer.transport.abort()
    return int(answered.split()[1]), json.loads(text)


@pytest.mark.parametrize("path", [LIVE, stt_path()])
@pytest.mark.parametrize(
    "header",
    [
        f"Origin: {PAGE}",
        "Origin: null",
        "Origin: http://localhost:8888",
        "Origin: http://127.0.0.1:1",
        f"Origin: {PAGE}\nOrigin: {PAGE}",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
async def test_K4_sockets_of_web_pages_are_refused_in_words(signals, path, header):
    head = (
        f"GET {path} HTTP/1.1\nHost: 127.0.0.1:{signals.port}\nUpgrade: websocket\nConnection: Upgrade\n"
        f"Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
        f"Authorization: Bearer sk_x\n{header}\n"
    )
    status, body = await answer(signals, head)
    assert status == 403
    assert "Web pages may not use this simulator" in body["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/waves/v1/tts"),
        ("POST", LIVE),
        ("POST", "/waves/v1/stt/?model=pulse"),
        ("GET", "/waves/v1/health"),
        ("GET", "/waves/v1/voice/get-all-models"),
        ("OPTIONS", "/waves/v1/tts"),
        ("DELETE", "/waves/v1/pronunciation-dicts"),
        ("GET", "/"),
    ],
)
async def test_K4_calls_of_web_pages_are_refused(signals, method, path):
    answered = await call(signals, method, path, headers={"Authorization": "Bearer sk_x", "Origin": PAGE})
    assert answered.status == 403
    assert PAGE in answered.json["message"]
    assert not any(name.lower().startswith("access-control") for name in answered.headers)


@pytest.mark.parametrize(
    "host",
    [
        "page.example",
        "page.example:{port}",
        "127.0.0.1.page.example:{port}",
        "localhost.page.example",
        "192.0.2.7:{port}",
        "127.0.0.1:{port}@page.example",
        "127.0.0.1:{port}, page.example",
        "",
    ],
)
@pytest.mark.parametrize("upgrade", ["", "Upgrade: websocket\nConnection: Upgrade\n"])
async def test_K4_another_host_is_refused(signals, host, upgrade):
    head = f"GET {LIVE} HTTP/1.1\nHost: {host.format(port=signals.port)}\n{upgrade}Authorization: Bearer sk_x\n"
    status, body = await answer(signals, head)
    assert status == 403
    assert "Host header" in body["message"]


async def test_K4_the_body_of_a_refused_call_is_not_read(signals):
    """250 MB are announced and none of them comes."""
    head = (
        f"POST /waves/v1/stt/?model=pulse HTTP/1.1\nHost: 127.0.0.1\nOrigin: {PAGE}\nContent-Length: 250000000\n"
        "Authorization: Bearer sk_x\n"
    )
    assert (await answer(signals, head))[0] == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "simulator", "127.0.0.2", "a.localhost"]
)
async def test_K4_own_names_are_served(signals, host):
    status, body = await answer(signals, f"GET /waves/v1/health HTTP/1.1\nHost: {host}:{signals.port}\n")
    assert (status, body) == (200, {"status": "ok"})


async def test_K4_the_servers_own_origin_is_no_foreign_page(signals):
    """Some WebSocket libraries for programs send the address they connect to."""
    async with opened(signals, origin=f"http://127.0.0.1:{signals.port}") as ws:
        await ws.send(json.dumps({"text": "x", "voice_id": "y"}))
        assert json.loads(await ws.recv())["status"] == "chunk"


async def test_K4_hosts_and_origins_of_ones_own_can_be_allowed():
    with Simulator(allowed_hosts=["simulator.lan.example"], allowed_origins=[PAGE]) as running:
        status, _ = await answer(
            running, f"GET /waves/v1/health HTTP/1.1\nHost: simulator.lan.example\nOrigin: {PAGE}\n"
        )
        assert status == 200
        status, _ = await answer(
            running, "GET /waves/v1/health HTTP/1.1\nHost: localhost\nOrigin: https://other.example\n"
        )
        assert status == 403
    assert Admission("127.0.0.1", origins=["*"]).refuse([("Host", "localhost"), ("Origin", PAGE)]) is None


@pytest.fixture
def embedded(monkeypatch):
    for name in ("_simulator", "_chosen"):
        monkeypatch.setattr(session, name, None)
    snb.use_simulator(behaviour=Behaviour(engine="signal", concurrency=1))
    yield session.simulator()
    session.simulator().stop()


async def test_K4_fifty_foreign_sockets_leave_the_notebook_its_own(embedded):
    """Each with a key that a page could guess; the account has five sockets."""
    with contextlib.ExitStack() as held:
        for key in ("sk_simulator", "sk_x") * 25:
            refused = None
            try:
                socket = await opened(embedded, headers={"Authorization": f"Bearer {key}"})
                held.callback(socket.transport.abort)
            except InvalidStatus as error:
                refused = error.response.status_code
            assert refused == 401
        assert (await snb.SmallestTTSService().synthesize("Still here.")).duration > 0


async def test_K4_the_embedded_simulator_takes_one_key_only(embedded):
    key = session.current_target().key.unwrap()
    assert key.startswith("sk_simulator_")
    assert len(key) > 32
    assert key not in f"{embedded!r} {session.current_target()!r}"
    for other in (key[:-1], key + "x", key.upper(), "sk_ключ", "x"):
        answered = await call(embedded, "GET", f"/waves/v1/voice/get-all-models?token={other.encode().hex()}")
        assert answered.status == 401
    with pytest.raises(AuthError):
        await snb.SmallestTTSService(api_key="sk_other", base_url=embedded.base_url).synthesize("No.")
    frames, _ = await speak(embedded, "yes", headers={"Authorization": f"Bearer {key}"})
    assert frames[-1]["status"] == "complete"


def test_K4_each_embedded_simulator_has_a_key_of_its_own(embedded):
    first = session.current_target().key.unwrap()
    snb.use_simulator(behaviour=Behaviour(engine="signal"))
    assert session.current_target().key.unwrap() != first


async def test_K4_on_its_own_it_takes_any_key_unless_one_is_given():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        assert (await call(running, "GET", "/waves/v1/voice/get-all-models")).status == 200
    with Simulator(behaviour=Behaviour(engine="signal"), key="sk_mine") as running:
        assert (await call(running, "GET", "/waves/v1/voice/get-all-models")).status == 401
        headers = {"Authorization": "Bearer sk_mine"}
        assert (await call(running, "GET", "/waves/v1/voice/get-all-models", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("host", "opens"),
    [
        ("127.0.0.1", None),
        ("localhost", None),
        ("::1", None),
        ("0.0.0.0", "every network interface"),
        ("::", "every network interface"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_K4_what_an_address_exposes_is_described(host, opens):
    exposure = describe_exposure(host, 8765, any_key=True, recording=True)
    assert (
        exposure is None if opens is None else (opens in exposure and "any key" in exposure and "--record" in exposure)
    )
    assert opens is None or "the key that you gave" in describe_exposure(host, 1, any_key=False, recording=False)


def test_K4_the_command_reports_what_it_exposes():
    command = [sys.executable, "-m", "smallest_nb.cli", "simulate", "--port", "0", "--host", "0.0.0.0", "--key", "sk_k"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.terminate()
    assert "ws://127.0.0.1:" in lines[0]
    assert "Only the given key" in lines[1]
    assert "every network interface" in lines[2]
    assert "sk_k" not in "".join(lines)
    empty = subprocess.run([*command[:-1], ""], capture_output=True, text=True, timeout=30)
    assert (empty.returncode, "is empty" in empty.stderr) == (2, True)


def test_K4_addresses_of_ipv6_can_be_written_down():
    assert Simulator(host="::1", port=1).base_url == "ws://[::1]:1"
    assert Simulator(host="::", port=1).base_url == "ws://[::1]:1"
    assert Simulator(host="0.0.0.0", port=1).base_url == "ws://127.0.0.1:1"
