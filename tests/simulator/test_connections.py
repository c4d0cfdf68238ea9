"""Connections that end on one side, that are busy, that are stopped; and what needs the extra."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from simulated import CLOSE, HEADERS, LIVE, opened, speak, stt_path
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

import smallest_nb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour

SIMULATOR = Path(smallest_nb.__file__).parent / "simulator"
FOLDERS = ("text", "workers", "speech", "hearing")
"""Each imports those before it; the server's files import all of them."""
POST = "POST /waves/v1/tts HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sk_x\r\n"
SHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Authorization: Bearer sk_x\r\n{more}\r\n"
)
VALID = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


async def connected(simulator, head: str, body: bytes = b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(head.encode() + body)
    return reader, writer


async def test_a_client_that_has_sent_all_and_ends_its_side_gets_its_answer(signals):
    body = json.dumps({"text": "one two", "voice_id": "magnus"}).encode()
    reader, writer = await connected(signals, f"{POST}Content-Length: {len(body)}\r\n\r\n", body)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(answer.partition(b"\r\n\r\n")[2]) > 10_000
    writer.close()


@pytest.mark.parametrize(
    "head",
    ["", "GET /waves/v1/he", f"{POST}Content-Length: 999\r\n\r\n{{", SHAKE.format(path=LIVE, more=VALID)],
    ids=["nothing", "half a head", "half a body", "a handshake"],
)
async def test_a_client_that_ends_its_side_too_early_is_let_go(fresh_signals, caplog, head):
    with caplog.at_level(logging.WARNING):
        reader, writer = await connected(fresh_signals, head)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 5)
    assert not answer or b" 101 " in answer
    assert not fresh_signals.open_sessions
    assert not caplog.records
    writer.close()


async def test_a_client_that_still_sends_gets_the_code_of_its_refusal(signals):
    """What lies unread when a connection is closed makes it a reset, and the code is lost."""
    reader, writer = await connected(signals, SHAKE.format(path=LIVE, more=VALID))
    await reader.readuntil(b"\r\n\r\n")
    answer = asyncio.create_task(reader.readexactly(4))
    writer.write(Frame(Opcode.BINARY, bytes(5 * 2**20)).serialize(mask=True))
    with contextlib.suppress(ConnectionResetError):  # the simulator reads on for a second, no longer
        for _ in range(100):
            writer.write(bytes(2**16))
            await writer.drain()
            await asyncio.sleep(0.005)
    assert (await asyncio.wait_for(answer, 5))[2:] == (1009).to_bytes(2, "big")
    writer.transport.abort()


async def test_pings_are_answered_while_speech_is_recognised(simulator):
    _, pcm = await speak(simulator, "The weather will be cold and cloudy this morning.")
    async with opened(simulator, stt_path(), max_size=None) as ws:
        await ws.send(pcm * 8)
        await ws.send(CLOSE)
        last = asyncio.create_task(_last_frame(ws))
        pong = await ws.ping()
        await asyncio.wait_for(pong, 5)
        assert not last.done(), "the answer came only when everything had been recognised"
        assert await last


async def _last_frame(ws) -> bool:
    async for message in ws:
        if json.loads(message).get("is_last"):
            return True
    return False


@pytest.mark.parametrize(
    "more",
    ["", "Sec-WebSocket-Version: 13\r\n", VALID.replace("13", "9"), VALID.replace("dGhl", "")],
    ids=["neither", "no key", "another version", "half a key"],
)
async def test_a_handshake_that_is_none_is_refused_in_words(signals, more):
    reader, writer = await connected(signals, SHAKE.format(path=LIVE, more=more))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"]
    writer.close()


async def test_a_key_in_a_head_that_cannot_be_read_is_not_repeated(signals):
    reader, writer = await connected(signals, POST.replace("sk_x", "sk_canary\x01"), b"\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.partition(b"\r\n")[0].endswith(b" 400 Bad Request")
    assert b"canary" not in answer
    writer.close()


async def test_a_stop_ends_sessions_with_a_code_and_everything_else_in_time():
    running = Simulator(behaviour=Behaviour(engine="signal")).start()
    async with opened(running) as polite, opened(running, f"{LIVE}?fault=silent") as waiting:
        _, silent = await connected(running, "")
        _, unread = await connected(running, SHAKE.format(path=LIVE, more=VALID))
        unread.transport.pause_reading()
        request = json.dumps({"text": "slow " * 4000, "voice_id": "x", "sample_rate": 44100}).encode()
        unread.write(Frame(Opcode.TEXT, request).serialize(mask=True))
        _, body = await connected(running, f"{POST}Content-Length: 999\r\n\r\n{{")
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        await asyncio.to_thread(running.stop)
        assert time.monotonic() - begun < 6
        for ws in (polite, waiting):
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == 1001
    for writer in (silent, unread, body):
        writer.transport.abort()
    with pytest.raises(OSError, match=r"."):
        await asyncio.open_connection("127.0.0.1", running.port)


async def test_a_refused_handshake_has_its_answer_and_the_connection_ends(fresh_signals):
    fresh_signals.behaviour.reject, fresh_signals.behaviour.retry_after = 429, 7
    with pytest.raises(InvalidStatus) as caught:
        await opened(fresh_signals, headers=HEADERS)
    answer = caught.value.response
    headers = answer.headers
    assert (answer.status_code, headers["Retry-After"], headers["Connection"]) == (429, "7", "close")
    assert json.loads(answer.body)["error"]["code"] == "SIMULATED"


def test_without_the_extra_a_start_says_what_to_install():
    script = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from smallest_nb.simulator import Behaviour, Simulator\n"
        "simulator = Simulator(behaviour=Behaviour(engine='signal'))\n"
        "try: simulator.start()\n"
        "except Exception as error: print(type(error).__name__, error, simulator.open_sessions)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r'ConfigError The simulator needs aiohttp.*: pip install "smallest-nb\[simulator\]" 0\n', done.stdout
    )
    command = "import sys; sys.modules['aiohttp'] = None; from smallest_nb.simulator.command import main; main([])"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr.startswith("smallest-nb simulate: The simulator needs aiohttp")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_import_one_way(folder):
    allowed = FOLDERS[: FOLDERS.index(folder) + 1]
    for path in (SIMULATOR / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("smallest_nb.simulator"):
                assert module.split(".")[2] in allowed, f"{path.name} must not import {module}"


@pytest.mark.parametrize("more", ["", VALID + "Upgrade: websocket\r\nConnection: Upgrade\r\n"], ids=["http", "socket"])
async def test_a_target_that_is_no_url_is_refused_without_a_traceback(fresh_signals, caplog, more):
    head = f"GET //[x/waves/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sk_x\r\n{more}\r\n"
    reader, writer = await connected(fresh_signals, head)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not caplog.records
    writer.close()


def test_a_simulator_that_several_threads_start_runs_once_and_each_has_its_address():
    simulator, together, addresses = Simulator(behaviour=Behaviour(engine="signal")), threading.Barrier(4), set()

    def start():
        together.wait(10)
        addresses.add(simulator.start().base_url)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert addresses == {f"ws://127.0.0.1:{simulator.port}"}
    assert simulator.port
    simulator.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", simulator.port), 1).close()


def test_a_simulator_that_several_threads_start_and_stop_fails_in_none_and_leaves_no_server():
    simulator, errors = Simulator(behaviour=Behaviour(engine="signal")), []
    before = set(threading.enumerate())

    def change(method):
        for _ in range(25):
            try:
                method()
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=change, args=(m,)) for m in [simulator.start, simulator.stop] * 4]
    former = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(former)
    simulator.stop()
    assert errors == []
    assert [t for t in set(threading.enumerate()) - before if t.name == "smallest_nb simulator"] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forked processes here")
def test_a_process_that_was_forked_during_a_start_can_stop_and_start_it():
    script = """
import os, threading
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
simulator = Simulator(behaviour=Behaviour(engine="signal"))
held, over = threading.Event(), threading.Event()

def hold():
    with simulator._changing:
        held.set()
        over.wait(20)

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if not child:
    simulator.start().stop()
    os._exit(7)
status = os.waitpid(child, 0)[1]
over.set()
print(os.waitstatus_to_exitcode(status))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=30)
    assert done.stdout == "7\n", done.stderr


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("hurry", [False, True])
async def test_a_client_that_is_accepted_while_the_simulator_stops_is_let_go(turns, hurry):
    """Left open, it would hang until the garbage collector comes, and Python 3.13.0 prints a traceback then."""
    simulator = Simulator(behaviour=Behaviour(engine="signal"))
    await simulator.start_async()
    simulator._hurry = hurry
    clients = [socket.create_connection(("127.0.0.1", simulator.port)) for _ in range(3)]
    for _ in range(turns):
        await asyncio.sleep(0)
    await simulator.stop_async()
    for client in clients:
        client.settimeout(5)
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
