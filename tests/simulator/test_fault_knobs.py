"""Every fault can be thrown at start, for one connection, and between requests; and shows what it says."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from simulated import CLOSE, FINALIZE, HEADERS, LIVE, call, finals, hear, opened, said, speak, stt_path
from websockets.exceptions import ConnectionClosed, InvalidStatus

from smallest_nb import ConfigError
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour, describe_faults, parse_faults
from smallest_nb.simulator.latency import LATENCIES

TEXT = "alpha bravo charlie delta"
LATE_SECS = 5.0
"""A busy machine is later by up to so much."""


async def test_by_query_by_header_and_from_python(fresh_signals):
    async def shape(path=LIVE, headers=HEADERS):
        frames, _ = await speak(fresh_signals, TEXT, path, headers, sample_rate=1)
        return type(frames[-1].get("error", frames[-1].get("message"))), "message" in frames[-1]

    assert await shape() == (dict, False)
    assert await shape(f"{LIVE}?fault=error_shape=text") == (str, False)
    assert await shape(headers={**HEADERS, "X-Simulator-Fault": "error-shape=message"}) == (str, True)
    fresh_signals.behaviour.error_shape = "message"
    assert await shape() == (str, True)
    assert await shape(f"{LIVE}?fault=error_shape=object") == (dict, False), "a connection's own wins"


async def test_at_start():
    command = [sys.executable, "-m", "smallest_nb.cli", "simulate", "--port", "0", "--fault", "reject=503",
               "--fault", "retry-after=3", "--log", "json"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline().split("127.0.0.1:")[1].split(" ")[0])
        process.stdout.readline()

        class At:
            base_url = f"ws://127.0.0.1:{port}"

        with pytest.raises(InvalidStatus) as caught:
            await opened(At)
        assert caught.value.response.status_code == 503
        assert caught.value.response.headers["Retry-After"] == "3"
        event = json.loads(process.stdout.readline())
        assert (event["kind"], event["path"], event["refused"]) == ("tts", LIVE, 503)
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize(
    "fault", ["nothing", "pace=fast", "reject=418", "retired=lightning-v9", "silent=perhaps", "pace=-1"]
)
async def test_a_bad_fault_is_reported(fresh_signals, fault):
    name = fault.split("=")[0]
    with pytest.raises(ConfigError, match=f"{name}|{fault.split('=')[-1]}"):
        parse_faults([fault])
    with pytest.raises(InvalidStatus) as caught:
        await opened(fresh_signals, f"{LIVE}?fault={fault}")
    assert caught.value.response.status_code == 400
    assert (await call(fresh_signals, "POST", f"/waves/v1/tts?fault={fault}", {})).status == 400


def test_several_faults_at_once():
    assert parse_faults(["pace=0.5, silent", "retired=lightning-v2,retired=lightning_v3.1"]) == {
        "pace": 0.5,
        "silent": True,
        "retired": frozenset({"lightning-v2", "lightning-v3.1"}),
    }
    assert {"truncate_after", "close_at_connect", "duplicate_finals", "drip"} <= set(describe_faults())
    assert "hearing_sessions" not in describe_faults()


async def test_silence_truncation_and_nothing_at_all(fresh_signals):
    async with opened(fresh_signals, f"{LIVE}?fault=silent&timeout=1") as ws:
        await ws.send(json.dumps({"text": TEXT, "voice_id": "x"}))
        assert "timed out after 1 seconds" in json.loads(await ws.recv())["message"]
    frames, pcm = await speak(fresh_signals, TEXT, f"{LIVE}?fault=complete_without_audio")
    assert ([f["status"] for f in frames], pcm) == (["complete"], b"")
    with pytest.raises(ConnectionClosed):
        await speak(fresh_signals, TEXT * 10, f"{LIVE}?fault=truncate_after=5000")
    fresh_signals.behaviour.truncate_after = 5000
    with pytest.raises(ConnectionClosed):
        await speak(fresh_signals, TEXT * 10)
    frames, _ = await speak(fresh_signals, TEXT)
    assert frames[-1]["status"] == "complete", "once, then forgotten"


async def test_drip_and_pace(fresh_signals):
    frames, pcm = await speak(fresh_signals, TEXT, f"{LIVE}?fault=drip=160")
    assert len([f for f in frames if f["status"] == "chunk"]) == -(-len(pcm) // 160)
    started = time.monotonic()
    _, pcm = await speak(fresh_signals, TEXT, f"{LIVE}?fault=pace=2")
    assert time.monotonic() - started > len(pcm) / 32000 / 2 - 0.3


async def test_closing(fresh_signals):
    async with opened(fresh_signals, f"{stt_path()}&fault=close_at_connect=1008") as ws:
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 1008
    async with opened(fresh_signals, f"{LIVE}?fault=close_after_complete") as ws:
        await ws.send(json.dumps({"text": TEXT, "voice_id": "x", "complete_backoff_ms": 0}))
        frames = [json.loads(m) async for m in ws]
        assert (frames[-1]["status"], ws.close_code) == ("complete", 1000)


async def test_unknown_frames_are_sent_beside_the_known_ones(fresh_signals):
    frames, pcm = await speak(fresh_signals, TEXT, f"{LIVE}?fault=unknown_frames")
    assert {"preparing", "chunk", "complete"} == {f["status"] for f in frames}
    heard = await hear(fresh_signals, pcm, path=f"{stt_path()}&fault=unknown_frames")
    assert heard[0]["type"] == "metadata"
    assert said([f for f in heard if f["type"] == "transcription"]) == "Alpha bravo charlie delta."


async def test_finals_that_come_twice_or_hold_a_full_stop_only(fresh_signals):
    _, pcm = await speak(fresh_signals, TEXT)
    frames = await hear(fresh_signals, pcm, then=(FINALIZE, CLOSE), path=f"{stt_path()}&fault=duplicate_finals")
    assert [f["transcript"] for f in finals(frames)] == ["Alpha bravo charlie delta."] * 2
    frames = await hear(fresh_signals, pcm, then=(FINALIZE, CLOSE), path=f"{stt_path()}&fault=punctuation_finals")
    assert [f["transcript"] for f in finals(frames)] == ["Alpha bravo charlie delta.", "."]


async def test_the_line_is_dropped_in_the_middle(fresh_signals):
    async with opened(fresh_signals, f"{stt_path()}&fault=drop_after_secs=1") as ws:
        with pytest.raises(ConnectionClosed):
            while True:
                await ws.send(bytes(3200))
                await ws.send('{"type":"keepalive"}')
                assert json.loads(await ws.recv())["type"] == "pong"
        assert ws.close_code == 1006


@pytest.mark.parametrize("preset", ["in-region", "far-laptop"])
async def test_latency_is_as_published(fresh_signals, preset):
    model = LATENCIES[preset]
    started = time.monotonic()
    ws = await opened(fresh_signals, f"{LIVE}?fault=latency={preset}")
    handshake = time.monotonic() - started
    assert model.connect.low <= handshake <= model.connect.high + LATE_SECS
    await ws.send(json.dumps({"text": TEXT, "voice_id": "x"}))
    started = time.monotonic()
    await ws.recv()
    assert model.speech.low <= time.monotonic() - started <= model.speech.high + LATE_SECS
    await ws.close()
    _, pcm = await speak(fresh_signals, TEXT)
    async with opened(fresh_signals, f"{stt_path()}&fault=latency={preset}") as ws:
        await ws.send(pcm)
        await ws.send(FINALIZE)
        started = time.monotonic()
        while not json.loads(await ws.recv())["is_final"]:
            pass
        assert model.final.low <= time.monotonic() - started <= model.final.high + LATE_SECS


async def test_a_fault_of_one_connection_is_not_anothers(fresh_signals):
    async with opened(fresh_signals, f"{LIVE}?fault=silent"):
        frames, _ = await speak(fresh_signals, TEXT)
        assert frames[-1]["status"] == "complete"
    assert fresh_signals.behaviour == Behaviour(engine="signal")


async def test_the_engine_can_be_chosen_for_one_connection():
    with Simulator() as running:
        _, pcm = await speak(running, TEXT, f"{LIVE}?fault=engine=signal")
        assert said(await hear(running, pcm, path=f"{stt_path(language='de')}&fault=engine=signal"))
