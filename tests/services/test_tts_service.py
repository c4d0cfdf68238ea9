"""The text-to-speech service against the simulator, and against servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import time
import warnings

import numpy as np
import pytest
from websockets.asyncio.server import serve

import smallest_nb as snb
from smallest_nb.audio.pcm_buffer import PCMBuffer
from tests.support.services import KEY, chunk, complete, scripted, silent_tcp, tts

TEXT = "The train to the city leaves in twenty minutes."


async def test_streams_whole_samples_in_order_and_reports_what_it_cost(simulator):
    async with tts(simulator) as service:
        events = [e async for e in service.run_tts(TEXT)]
        whole = await service.synthesize(TEXT)
    assert len(events) > 5
    starts = [e.start for e in events]
    lengths = [len(e.samples) / 24000 for e in events]
    assert starts == pytest.approx([sum(lengths[:i]) for i in range(len(lengths))])
    assert 2 < whole.duration < 4
    assert whole.sample_rate == 24000
    assert np.abs(whole.samples.astype(int)).max() > 3000
    first, second = service.metrics
    assert first.complete
    assert second.complete
    assert first.characters == len(TEXT)
    assert second.connect_s is None
    assert 0 < second.ttfb_s < second.total_s
    assert second.audio_s == pytest.approx(whole.duration)
    assert service.metrics.to_dataframe()["rtf"].between(0, 5).all()


async def test_first_audio_comes_before_synthesis_ends(fresh_simulator):
    fresh_simulator.behaviour.pace = 0.1  # all of it would take more than 20 s
    async with tts(fresh_simulator) as service:
        events = service.run_tts(TEXT)
        async with asyncio.timeout(10):
            assert isinstance(await anext(events), snb.AudioChunk)
        await events.aclose()


async def test_words_come_with_times_for_the_voices_that_have_them(simulator):
    settings = snb.SmallestTTSSettings(voice="avery", word_timestamps=True)
    async with tts(simulator, settings=settings) as service:
        words = [e for e in [e async for e in service.run_tts("One, two, three.")] if isinstance(e, snb.WordTiming)]
        with pytest.warns(UserWarning, match="sends no word times"):
            await service.update_settings(snb.SmallestTTSSettings(voice="sophia"))
        none = [e for e in [e async for e in service.run_tts("One, two, three.")] if isinstance(e, snb.WordTiming)]
    assert [w.word for w in words] == ["One,", "two,", "three."]
    assert all(w.start < w.end for w in words)
    assert none == []


async def test_update_settings_returns_former_values_and_counts_from_the_next_request(simulator):
    async with tts(simulator) as service:
        normal = await service.synthesize(TEXT)
        assert await service.update_settings(snb.SmallestTTSSettings(speed=2.0)) == {"speed": None}
        fast = await service.synthesize(TEXT)
        assert await service.update_settings(snb.SmallestTTSSettings(speed=2.0)) == {}
    assert normal.duration / fast.duration == pytest.approx(2.0, rel=0.15)


async def test_a_change_of_model_reconnects_to_its_own_url(fresh_simulator, tmp_path):
    events = []
    async with tts(fresh_simulator, spare_socket=False) as service:
        for name in ("on_connected", "on_disconnected"):
            service.event_handler(name)(lambda _s, name=name: events.append(name))
        await service.synthesize("One.")
        await service.update_settings(snb.SmallestTTSSettings(model="lightning-v2", voice="emily"))
        await service.synthesize("Two.")
        assert fresh_simulator.sessions == 2
    assert events[-2:] == ["on_connected", "on_disconnected"]


async def test_two_requests_at_once_take_turns(simulator):
    async with tts(simulator) as service:
        one, two = await asyncio.gather(service.synthesize("One, two, three."), service.synthesize(TEXT))
    assert two.duration > one.duration > 0.5


async def test_interrupt_ends_the_iteration_and_nothing_late_reaches_the_next_request(fresh_simulator):
    fresh_simulator.behaviour.pace = 1.0
    async with tts(fresh_simulator) as service:
        received = []

        async def listen():
            async for event in service.run_tts(TEXT * 3):
                received.append(event)

        listening = asyncio.create_task(listen())
        while len(received) < 3:
            await asyncio.sleep(0.01)
        await service.interrupt()
        await asyncio.wait_for(listening, 1)
        fresh_simulator.behaviour.pace = None
        reference = await service.synthesize("Short.")
        again = await service.synthesize("Short.")
    assert reference.duration == pytest.approx(again.duration, abs=0.05)
    assert not service.metrics[0].complete


async def test_interrupting_while_connecting_sends_nothing():
    texts = []

    async def handler(ws):
        async for message in ws:
            frame = json.loads(message)
            texts.append(frame["text"])
            await ws.send(chunk(b"\x01\x00", external_request_id=frame["request_id"]))
            await ws.send(complete(external_request_id=frame["request_id"]))

    async def slowly(_connection, _request):
        await asyncio.sleep(0.4)

    async with serve(handler, "127.0.0.1", 0, process_request=slowly) as server:
        service = tts(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}")
        speaking = asyncio.create_task(service.synthesize("old"))
        await asyncio.sleep(0.1)
        await service.interrupt()
        assert (await service.synthesize("new")).samples.tolist() == [1]
        assert len(await speaking) == 0
        await service.close()
    assert texts == ["new"]


async def test_leaving_the_iteration_abandons_the_request(fresh_simulator):
    fresh_simulator.behaviour.pace = 1.0
    async with tts(fresh_simulator) as service:
        events = service.run_tts(TEXT * 3)
        await anext(events)
        await events.aclose()
        fresh_simulator.behaviour.pace = None
        assert (await asyncio.wait_for(service.synthesize("Short."), 5)).duration < 1.5


async def test_cancelling_leaves_no_task_behind(fresh_simulator):
    fresh_simulator.behaviour.pace = 1.0
    before = asyncio.all_tasks()
    service = tts(fresh_simulator)
    speaking = asyncio.create_task(service.synthesize(TEXT))
    await asyncio.sleep(0.5)
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    await service.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_connection_that_breaks_off_is_no_success(fresh_simulator):
    fresh_simulator.behaviour.truncate_after = 20_000
    errors = []
    async with tts(fresh_simulator, max_retries=0) as service:
        service.event_handler("on_connection_error")(lambda _s, message: errors.append(message))
        with pytest.raises(snb.IncompleteError, match="in `.clip`") as caught:
            await service.synthesize(TEXT)
        assert 20_000 <= len(caught.value.clip.pcm) < 60_000
        assert len(errors) == 1
        assert (await service.synthesize(TEXT)).duration > 2


async def test_UX7_each_wait_for_another_attempt_is_reported(fresh_simulator):
    fresh_simulator.behaviour.reject, fresh_simulator.behaviour.retry_after = 429, 1
    waits = []
    service = tts(fresh_simulator, max_retries=2)

    @service.event_handler("on_retry")
    def serve_again(_service, wait):
        waits.append(wait)
        if wait.attempt == 2:
            fresh_simulator.behaviour.reject = fresh_simulator.behaviour.retry_after = None

    assert (await service.synthesize(TEXT)).duration > 2
    await service.close()
    assert [(wait.attempt, wait.most) for wait in waits] == [(1, 2), (2, 2)]
    assert all(isinstance(wait.error, snb.RateLimitError) and wait.seconds > 0.9 for wait in waits)


async def test_a_clean_close_before_complete_is_a_truncation_too():
    async def handler(ws):
        await ws.recv()
        await ws.send(chunk(b"\x01\x00" * 100))
        await ws.close(1000)

    async with scripted(handler) as url:
        service = tts(url, max_retries=1)
        with pytest.raises(snb.IncompleteError, match="1000") as caught:
            await service.synthesize("x")
        assert len(caught.value.clip) == 100
        await service.close()


async def test_a_close_after_each_complete_is_normal(fresh_simulator):
    fresh_simulator.behaviour.close_after_complete = True
    async with tts(fresh_simulator) as service:
        for _ in range(3):
            assert (await service.synthesize("One.")).duration > 0.2


async def test_odd_bytes_bad_frames_and_strangers_audio_do_no_harm():
    async def handler(ws):
        mine = json.loads(await ws.recv())["request_id"]
        ids = {"external_request_id": mine}
        await ws.send(chunk(b"\x01", **ids))
        await ws.send("{ not json")
        await ws.send(b"\x00\x01")
        await ws.send(json.dumps({"status": "new thing"}))
        await ws.send(chunk(b"\x63\x00" * 50, external_request_id="somebody else"))
        await ws.send(chunk(b"\x00\x02\x00", **ids))
        await ws.send(complete(**ids))
        await ws.wait_closed()

    async with scripted(handler) as url:
        service = tts(url)
        assert (await service.synthesize("x")).samples.tolist() == [1, 2]
        assert service.stray_frames == 4
        await service.close()


async def test_the_answer_to_a_keepalive_ends_no_request():
    frames = []

    async def handler(ws):
        async for message in ws:
            frame = json.loads(message)
            frames.append(frame)
            if frame["text"] == " ":
                await asyncio.sleep(0.3)
                await ws.send(complete())
            else:
                await asyncio.sleep(0.5)
                await ws.send(chunk(b"\x01\x00"))
                await ws.send(complete())

    async with scripted(handler) as url:
        service = tts(url, keepalive_secs=0.2)
        await service.connect()
        await asyncio.sleep(0.3)
        assert (await service.synthesize("x")).samples.tolist() == [1]
        await service.close()
    assert frames[0] == {"text": " ", "voice_id": "sophia", "language": "en", "model": "lightning_v3.1"}


async def test_an_error_frame_raises_with_the_services_words():
    async def handler(ws):
        await ws.recv()
        await ws.send(json.dumps({"status": "error", "error": {"message": "No such voice", "code": "custom"}}))
        await ws.wait_closed()

    async with scripted(handler) as url:
        service = tts(url)
        with pytest.raises(snb.ServiceError, match="No such voice") as caught:
            await service.synthesize("x")
        assert caught.value.code == "custom"
        await service.close()


async def test_complete_without_audio_is_an_error():
    async def handler(ws):
        await ws.recv()
        await ws.send(complete())
        await ws.wait_closed()

    async with scripted(handler) as url:
        service = tts(url)
        with pytest.raises(snb.IncompleteError, match="without any audio"):
            await service.synthesize("x")
        await service.close()


async def test_silence_has_a_limit(fresh_simulator):
    fresh_simulator.behaviour.silent = True
    service = tts(fresh_simulator, audio_timeout=0.4)
    with pytest.raises(snb.IncompleteError, match="nothing for 0.4 s"):
        await service.synthesize("x")
    await service.close()


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [(401, snb.AuthError, "SMALLEST_API_KEY"), (403, snb.AuthError, "403"), (503, snb.ServiceError, "503")],
)
async def test_refused_handshakes(fresh_simulator, status, error, message):
    fresh_simulator.behaviour.reject = status
    service = tts(fresh_simulator, max_retries=1)
    with pytest.raises(error, match=message):
        await service.connect()
    await service.close()


async def test_429_is_retried_after_the_time_it_asks_for(fresh_simulator):
    fresh_simulator.behaviour.reject = 429
    fresh_simulator.behaviour.retry_after = 1
    service = tts(fresh_simulator)

    async def accept_again():
        await asyncio.sleep(0.5)
        fresh_simulator.behaviour.reject = None

    accepting = asyncio.create_task(accept_again())
    started = time.monotonic()
    await service.connect()
    assert 0.9 < time.monotonic() - started < 30
    await accepting
    await service.close()

    fresh_simulator.behaviour.reject = 429
    service = tts(fresh_simulator, max_retries=0)
    with pytest.raises(snb.RateLimitError, match="Try again in 1 s") as caught:
        await service.connect()
    assert caught.value.retry_after == 1
    await service.close()


async def test_a_retired_model_names_its_replacement(fresh_simulator):
    fresh_simulator.behaviour.retired = frozenset({"lightning-v2"})
    settings = snb.SmallestTTSSettings(model="lightning-v2", voice="emily")
    service = tts(fresh_simulator, settings=settings)
    with pytest.raises(snb.ModelRetiredError, match="2026-05-19.*lightning-v3.1") as caught:
        await service.connect()
    assert caught.value.replacement
    await service.close()


async def test_a_closed_port_and_a_silent_server_are_connection_errors():
    service = tts("ws://127.0.0.1:9", max_retries=1)
    with pytest.raises(snb.ConnectionLost, match="refused"):
        await service.connect()
    await service.close()
    async with silent_tcp() as url:
        service = tts(url, open_timeout=0.3, max_retries=0)
        with pytest.raises(snb.ConnectionLost, match="0.3 s"):
            await service.connect()
        await service.close()


async def test_a_proxy_in_the_environment_does_not_swallow_loopback(simulator, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with tts(simulator) as service:
        assert service.connected


async def test_bad_arguments(simulator):
    with pytest.raises(snb.ConfigError, match="24000"):
        tts(simulator, sample_rate=12345)
    with pytest.raises(snb.ConfigError, match="legacy"):
        tts(simulator, endpoint="new")
    service = tts(simulator)
    for text in ("", "  ", None):
        with pytest.raises(snb.ConfigError, match="nothing to speak"):
            await service.synthesize(text)
    with pytest.raises(snb.ConfigError, match="on_conected"):
        service.event_handler("on_conected")
    with pytest.raises(TypeError):
        snb.SmallestTTSService(api_key=KEY, voice="sophia")
    await service.close()
    with pytest.raises(snb.ConnectionLost, match="for good"):
        await service.synthesize("x")


async def test_a_setting_that_is_not_sent_warns_once(simulator):
    with pytest.warns(UserWarning, match="consistency will not be sent: lightning-v3.1 ignores"):
        service = tts(simulator, settings=snb.SmallestTTSSettings(consistency=0.3))
    with pytest.warns(UserWarning, match="lightning-v3.1 does not list language 'he'"):
        await service.update_settings(snb.SmallestTTSSettings(language="he"))
    with pytest.warns(UserWarning, match="the voice 'sophia' sends no word times; those that do are avery, devansh"):
        await service.update_settings(snb.SmallestTTSSettings(word_timestamps=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await service.update_settings(snb.SmallestTTSSettings(speed=1.1))
        await service.update_settings(snb.SmallestTTSSettings(voice="liam"))
    await service.close()


async def test_handlers_that_raise_are_logged_and_async_ones_run(simulator, caplog):
    service = tts(simulator)
    called = asyncio.Event()

    @service.event_handler("on_connected")
    def bad(_service):
        raise KeyError("boom")

    @service.event_handler("on_connected")
    async def good(got):
        assert got is service
        called.set()

    await service.connect()
    await asyncio.wait_for(called.wait(), 1)
    assert "boom" in caplog.text
    await service.close()


async def test_an_unused_socket_is_closed_and_the_next_request_opens_one(simulator):
    async with tts(simulator, keepalive_secs=0.1, suspend_secs=0.4) as service:
        await service.synthesize("Once.")
        assert service.connected
        async with asyncio.timeout(5):
            while service.connected:
                await asyncio.sleep(0.05)
        assert (await service.synthesize("Once more.")).duration > 0.3
        assert service.metrics[-1].connect_s is not None


async def test_a_long_request_is_no_unused_socket(simulator):
    text = "This sentence is spoken slowly, and the socket stays. " * 3
    async with tts(simulator, keepalive_secs=0.05, suspend_secs=0.1) as service:
        events = [e async for e in service.run_tts(text) if not await asyncio.sleep(0.02)]
        assert len(events) > 10
        assert service.metrics[-1].retries == 0


async def test_a_caller_can_have_all_audio_kept_in_a_buffer_of_theirs(simulator):
    sound = PCMBuffer()
    async with tts(simulator) as service:
        pieces = [e.pcm async for e in service.run_tts("One. Two, three.", into=sound)]
        assert sound.clip(24000).pcm == b"".join(pieces)
        with pytest.raises(snb.ConfigError, match="samples already"):
            await anext(service.run_tts("Four.", into=sound))
        assert (await service.synthesize("Four.")).duration > 0.2


async def test_the_clip_of_an_error_is_the_callers_buffer(fresh_simulator):
    fresh_simulator.behaviour.truncate_after = 20_000
    sound = PCMBuffer()
    async with tts(fresh_simulator, max_retries=0) as service:
        with pytest.raises(snb.IncompleteError) as caught:
            async for _ in service.run_tts(TEXT, into=sound):
                pass
    assert caught.value.clip.pcm is sound.clip(24000).pcm
    assert caught.value.clip.duration > 0.2
