"""What a service is given as `transport=` is its only way to the network; what is installed serves all the others."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.server import serve

import smallest_nb as snb
from smallest_nb.client import rest
from smallest_nb.client.connect import open_websocket
from smallest_nb.client.installed_transport import current_transport, install, uninstall
from smallest_nb.client.network import NETWORK
from smallest_nb.client.spare_socket import SpareSocket
from smallest_nb.client.target import Target
from smallest_nb.client.transport import HTTPResponse
from smallest_nb.common.secret import Secret
from smallest_nb.errors import CassetteError, ConnectionLost, RateLimitError
from tests.support.services import KEY, chunk, complete, scripted, stt, tts
from tests.support.transports import FaultTransport

CLOSED = {"api_key": KEY, "base_url": "ws://127.0.0.1:9"}  # nothing listens there


@pytest.fixture(scope="module")
def to(simulator):
    return {"api_key": KEY, "base_url": simulator.base_url}


def test_a_call_that_is_given_a_replay_needs_neither_key_nor_network(to, tmp_path):
    tape = snb.record(tmp_path / "one.cassette")
    clip = snb.speak("Hello.", **to, transport=tape)
    text = snb.transcribe(clip, progress=False, **to, transport=tape).text
    voices = asyncio.run(rest.list_voices(**to, transport=tape))
    whole = asyncio.run(rest.transcribe_recording(clip, **to, transport=tape)).text
    snb.speak("This one is not recorded.", **to)
    tape.stop()
    assert current_transport() is NETWORK
    assert "not recorded" not in (tmp_path / "one.cassette").read_text()

    replay = snb.replay(tmp_path / "one.cassette", speed="instant")
    assert snb.speak("Hello.", transport=replay) == clip
    assert snb.transcribe(clip, progress=False, transport=replay).text == text
    assert snb.list_voices(transport=replay) == voices
    assert snb.transcribe_recording(clip, transport=replay).text == whole
    assert replay.unused == []
    with pytest.raises(ConnectionLost):
        snb.speak("Hello.", **CLOSED)


def test_what_was_given_is_used_while_another_one_is_installed(to, tmp_path):
    with snb.record(tmp_path / "all.cassette") as tape:
        snb.speak("Past the recorder.", **to, transport=NETWORK)
        snb.speak("Through the recorder.", **to)
    sent = json.dumps([e.frame for s in tape.cassette.sessions for e in s.events])
    assert "Through" in sent
    assert "Past" not in sent


def test_a_recorder_records_any_transport(to, tmp_path):
    """A recording of a replay holds the same, and what a faulty transport did is replayed too."""
    with snb.record(tmp_path / "first.cassette"):
        clip = snb.speak("Twice.", **to)
    copy = snb.record(tmp_path / "copy.cassette", transport=snb.replay(tmp_path / "first.cassette", speed="instant"))
    assert snb.speak("Twice.", **CLOSED, transport=copy) == clip
    copy.stop()
    assert snb.speak("Twice.", transport=snb.replay(tmp_path / "copy.cassette", speed="instant")) == clip


async def test_a_service_moves_to_what_is_installed_and_back(simulator):
    counting = FaultTransport()
    async with tts(simulator, spare_socket=False) as service:
        await service.synthesize("One.")
        install(counting)
        try:
            await service.synthesize("Two.")
            await service.synthesize("Three.")
            assert len(counting.calls) == 1, "one socket, and no new one for each sentence"
            with pytest.raises(CassetteError, match="running already"):
                install(FaultTransport())
        finally:
            uninstall(counting)
        await service.synthesize("Four.")
    assert len(counting.calls) == 1
    assert current_transport() is NETWORK


async def test_a_refusal_is_retried_and_a_second_one_too(simulator):
    """Handshakes that fail are made again, whatever the transport is."""
    faults = FaultTransport(
        ConnectionLost("unplugged"), HTTPResponse(503, b"busy", "0.01"), HTTPResponse(429, b"", "0")
    )
    async with tts(simulator, transport=faults, spare_socket=False) as service:
        assert (await service.synthesize("After three faults.")).duration > 0.5
    assert len(faults.calls) == 4


async def test_a_refusal_names_the_service_and_its_wait(simulator):
    faults = FaultTransport(*[HTTPResponse(429, b'{"error": "too many"}', "40")] * 9)
    service = stt(simulator, transport=faults, max_retries=0)
    with pytest.raises(RateLimitError, match="too many") as caught:
        await service.connect()
    assert caught.value.retry_after == 40.0
    await service.close()
    with pytest.raises(RateLimitError):
        await rest.transcribe_recording(b"RIFF", api_key=KEY, base_url=simulator.base_url, transport=faults)


def test_the_network_refuses_the_address_of_a_replay(to, tmp_path):
    with snb.record(tmp_path / "voices.cassette"):
        asyncio.run(rest.list_voices(**to))
    replay = snb.replay(tmp_path / "voices.cassette", speed="instant")
    for call in (NETWORK.connect, lambda *a, **k: NETWORK.request("GET", *a, body=None, content_type="", **k)):
        with pytest.raises(ConnectionLost, match="The replay has ended"):
            asyncio.run(call(f"{replay.target.base_url}/x", replay.target.key, timeout=5))


async def test_a_recorder_started_while_a_socket_is_being_opened_records_the_next_text(tmp_path):
    requests = []

    async def handler(ws):
        async for message in ws:
            requests.append(message)
            await ws.send(chunk(bytes(4800), request_id="r"))
            if len(requests) > 1:
                await ws.send(complete(request_id="r"))

    async def slow(_connection, _request):
        await asyncio.sleep(0.3)

    async with serve(handler, "127.0.0.1", 0, process_request=slow) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with tts(url, spare_socket=False) as service:
            async for _ in service.run_tts("Hello there."):
                await service.interrupt()
            await asyncio.sleep(0.1)
            with snb.record(tmp_path / "tape.cassette") as tape:
                await service.synthesize("To be recorded.")
    sent = json.dumps([e.frame for s in tape.cassette.sessions for e in s.events])
    assert "To be recorded" in sent


async def test_what_a_transport_raises_ends_the_session_that_sends():
    service = stt("ws://127.0.0.1:9", transport=FaultTransport(OSError("no such device")))
    await service.send(bytes(3200))
    results = service.segments()
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionLost, match="OSError: no such device"):
            await anext(results)
    with pytest.raises(ConnectionLost, match="no such device"):
        await service.send(bytes(3200))
    await service.close()


async def test_a_spare_socket_is_handed_out_under_its_own_url_only():
    opened = asyncio.Event()

    async with scripted(lambda ws: ws.wait_closed()) as url:
        target = Target(url, Secret(KEY))

        async def open_and_note(at):
            ws = await open_websocket(at, target)
            asyncio.get_running_loop().call_soon(opened.set)
            return ws

        spare = SpareSocket(open_and_note)
        spare.prepare(f"{url}/first")
        await opened.wait()
        spare.prepare(f"{url}/second")
        assert spare.take(f"{url}/second") is None, "the first one is still there"
        ws = await spare.obtain(f"{url}/second")
        assert ws is not None
        await ws.close()
        await spare.close()
