"""The speech-to-text service against the simulator, and against servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import re

import jiwer
import numpy as np
import pytest
from websockets.asyncio.server import serve

import smallest_nb as snb
from tests.support.services import KEY, scripted, stt, tts

# Of the sentences tried, the one that the recogniser hears the same way each time (espeak-ng varies).
SENTENCE = "The weather will be cold and cloudy this morning."


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


@pytest.fixture(scope="module")
async def clip(simulator):
    async with tts(simulator, sample_rate=16000, settings=snb.SmallestTTSSettings(voice="magnus")) as service:
        return await service.synthesize(SENTENCE)


async def feed(service, clip, pace=4.0):
    for at in range(0, len(clip.pcm), 3200):
        await service.send(clip.pcm[at : at + 3200])
        await asyncio.sleep(0.1 / pace)


async def collect(service, into):
    async for segment in service.segments():
        into.append(segment)


async def test_interim_then_final_with_words_on_the_audios_timeline(simulator, clip):
    async with stt(simulator, settings=snb.SmallestSTTSettings(word_timestamps=True, full_transcript=True)) as service:
        heard = []
        reader = asyncio.create_task(collect(service, heard))
        await feed(service, clip.padded(1.0, 1.2))
        await service.close()
        await reader
    interim = [s.text for s in heard if not s.is_final]
    final = next(s for s in heard if s.is_final and s.text)
    assert len(set(interim)) >= 3
    assert jiwer.wer(words(SENTENCE), words(final.text)) <= 0.34
    assert 0.7 < final.start < 1.3
    assert final.end == pytest.approx(1.0 + clip.duration, abs=0.4)
    assert [w.start for w in final.words] == sorted(w.start for w in final.words)
    assert all(0 <= w.confidence <= 1 for w in final.words)
    assert service.transcript.text == service.full_transcript == final.text
    assert service.dropped_seconds == 0


async def test_close_gets_the_last_final_without_silence(simulator, clip):
    service = stt(simulator)
    await service.connect()
    await feed(service, clip.padded(0.4), pace=50)
    await service.close()
    assert jiwer.wer(words(SENTENCE), words(service.transcript.text)) <= 0.34


async def test_finalize_flushes_and_the_session_goes_on(simulator, clip):
    async with stt(simulator, settings=snb.SmallestSTTSettings(endpointing=False)) as service:
        heard = []
        reader = asyncio.create_task(collect(service, heard))
        await feed(service, clip, pace=20)
        await service.finalize()
        while not any(s.is_final for s in heard):
            await asyncio.sleep(0.02)
        await feed(service, clip, pace=20)
        await service.close()
        await reader
    finals = [s for s in heard if s.is_final and s.text]
    assert len(finals) == 2


async def test_arrays_are_taken_and_wrong_audio_is_refused(simulator):
    async with stt(simulator) as service:
        await service.send(np.zeros(1600, np.float32))
        await service.send(np.zeros(1600, np.int16))
        for bad, message in ((b"\x00", "1 bytes"), (np.zeros((2, 2)), "one channel"), (np.zeros(3, np.int64), "int64")):
            with pytest.raises(snb.ConfigError, match=message):
                await service.send(bad)


async def test_a_change_of_settings_reconnects_and_loses_nothing(fresh_simulator, clip):
    async with stt(fresh_simulator) as service:
        await feed(service, clip, pace=20)
        before = fresh_simulator.sessions
        assert await service.update_settings(snb.SmallestSTTSettings(word_timestamps=True)) == {
            "word_timestamps": False
        }
        await feed(service, clip, pace=20)
        await service.close()
    assert fresh_simulator.sessions == before + 1
    assert len(service.transcript) == 2
    assert service.transcript[1].words
    assert service.transcript[1].start > clip.duration - 0.2


async def test_audio_sent_while_the_server_is_unreachable_arrives():
    """What was not transcribed on the lost socket is sent again on the next one, whole and in order."""
    received = []

    async def handler(ws):
        received.append(bytearray())
        async for message in ws:
            if isinstance(message, bytes):
                received[-1] += message
                if len(received) == 1 and len(received[0]) >= 3200:
                    await ws.close(1011, "restarting")
                    return
            elif json.loads(message)["type"] == "close_stream":
                await ws.send(
                    json.dumps({"type": "transcription", "transcript": "", "is_final": True, "is_last": True})
                )

    async with scripted(handler) as url:
        service = stt(url)
        errors = []
        service.event_handler("on_connection_error")(lambda _s, message: errors.append(message))
        await service.connect()
        for n in range(20):
            await service.send(np.full(1600, n, np.int16))
            await asyncio.sleep(0.02)
        await service.close()
    values = [int(v) for v in np.frombuffer(bytes(received[1]), "<i2")[::1600]]
    assert values == list(range(20))
    assert "restarting" in errors[0]
    assert (service.reconnects, service.dropped_seconds) == (1, 0)


async def test_audio_sent_to_a_failed_session_raises():
    async def handler(ws):
        await ws.close(1008, "too many sessions")

    async with scripted(handler) as url:
        service = stt(url, max_retries=1)
        await service.connect()
        with pytest.raises(snb.SmallestError, match="too many sessions|closed|lost|not open"):
            for _ in range(200):
                await service.send(np.zeros(1600, np.int16))
                await asyncio.sleep(0.02)
        with pytest.raises(snb.SmallestError):
            async for _ in service.segments():
                pass
        await service.close()


async def test_an_error_frame_ends_the_session_with_the_services_words(simulator):
    async with stt(simulator, settings=snb.SmallestSTTSettings(language="de")) as service:
        with pytest.raises(snb.ServiceError, match="hears English only"):
            async for _ in service.segments():
                pass
        with pytest.raises(snb.ServiceError, match="hears English only"):
            await service.send(b"\x00\x00")


def last_words(ws, text="Last words.", **fields):
    frame = {"type": "transcription", "transcript": text, "is_final": True, "is_last": True, **fields}
    return ws.send(json.dumps(frame))


async def test_after_a_reconnect_close_still_waits_for_the_last_words():
    sockets = []

    async def handler(ws):
        sockets.append(ws)
        async for message in ws:
            if len(sockets) == 1:
                await ws.close(1011)
                return
            if message == '{"type":"close_stream"}':
                await asyncio.sleep(0.5)
                await last_words(ws)

    async with scripted(handler) as url:
        service = stt(url)
        await service.connect()
        await service.send(bytes(3200))
        await asyncio.sleep(0.2)
        await service.send(bytes(3200))
        await service.close()
    assert service.reconnects == 1
    assert service.transcript.text == "Last words."


async def test_a_connection_lost_while_closing_is_replaced_without_loss():
    heard = []

    async def handler(ws):
        heard.append(bytearray())
        async for message in ws:
            if isinstance(message, bytes):
                heard[-1] += message
            elif len(heard) == 1:
                await ws.close(1011)
            else:
                await last_words(ws)

    async with scripted(handler) as url:
        service = stt(url)
        await service.connect()
        await service.send(np.arange(16000, dtype=np.int16))
        await service.close()
    assert bytes(heard[1]) == np.arange(16000, dtype="<i2").tobytes()
    assert service.transcript.text == "Last words."


async def test_last_words_that_never_come_are_an_error():
    async def handler(ws):
        await ws.wait_closed()

    async with scripted(handler) as url:
        service = stt(url, close_timeout=0.3)
        await service.connect()
        results = service.segments()
        await service.send(bytes(3200))
        await service.close()
        with pytest.raises(snb.ConnectionLost, match="last words"):
            async for _ in results:
                pass


async def says_nothing(ws):
    await ws.wait_closed()


async def test_an_error_that_was_not_reported_is_raised_by_close_and_once():
    async with scripted(says_nothing) as url:
        service = stt(url, close_timeout=0.3)
        await service.send(bytes(3200))
        with pytest.raises(snb.ConnectionLost, match="last words"):
            await service.close()
        await service.close()

        with pytest.raises(snb.ConnectionLost, match="last words"):
            async with stt(url, close_timeout=0.3) as service:
                await service.send(bytes(3200))

        with pytest.raises(ZeroDivisionError):
            async with stt(url, close_timeout=0.3) as service:
                await service.send(bytes(3200))
                1 / 0  # noqa: B018


async def test_an_error_that_a_handler_or_a_call_has_had_is_not_raised_by_close(fresh_simulator):
    async with scripted(says_nothing) as url:
        service, said = stt(url, close_timeout=0.3), []
        service.event_handler("on_connection_error")(lambda _service, message: said.append(message))
        await service.send(bytes(3200))
        await service.close()
        assert "last words" in said[0]

    fresh_simulator.behaviour.reject = 401
    service = stt(fresh_simulator)
    with pytest.raises(snb.AuthError):
        await service.connect()
    await service.close()

    service = stt(fresh_simulator)
    await service.send(bytes(3200))  # connects in the background
    with pytest.raises(snb.AuthError):
        await service.close()


async def test_results_requested_before_the_close_can_be_read_after_it():
    async def handler(ws):
        async for message in ws:
            if message == '{"type":"close_stream"}':
                await last_words(ws)

    async with scripted(handler) as url:
        service = stt(url)
        await service.connect()
        results = service.segments()
        await service.close()
        assert [s.text async for s in results] == ["Last words."]


async def test_what_was_transcribed_is_not_sent_again():
    heard = []

    async def handler(ws):
        heard.append(bytearray())
        async for message in ws:
            if message == '{"type":"close_stream"}':
                await last_words(ws)
            elif isinstance(message, bytes):
                heard[-1] += message
                if len(heard) == 1 and len(heard[0]) == 32000:
                    await last_words(ws, is_last=False, words=[{"word": "x", "start": 0.1, "end": 0.75}])
                    await asyncio.sleep(0.1)
                    await ws.close(1011)
                    return

    async with scripted(handler) as url:
        service = stt(url, settings=snb.SmallestSTTSettings(word_timestamps=True))
        await service.connect()
        audio = np.arange(16000, dtype=np.int16)
        await service.send(audio)
        await asyncio.sleep(0.5)
        await service.close()
    assert np.frombuffer(bytes(heard[1]), "<i2").tolist() == audio[12000:].tolist()


async def test_a_long_array_is_taken_whole():
    received = bytearray()

    async def handler(ws):
        async for message in ws:
            if isinstance(message, bytes):
                received.extend(message)
            else:
                await last_words(ws)

    async with scripted(handler) as url:
        service = stt(url, buffer_secs=1.0)
        await service.connect()
        audio = np.random.default_rng(1).integers(-9, 9, 16000 * 5).astype(np.int16)
        await service.send(audio)
        await service.close()
    assert bytes(received) == audio.astype("<i2").tobytes()


async def test_a_change_of_settings_loses_no_byte_and_changes_add_up():
    sockets = []

    async def handler(ws):
        log = bytearray()
        sockets.append((ws.request.path, log))
        async for message in ws:
            if isinstance(message, bytes):
                log.extend(message)
            else:
                await asyncio.sleep(0.2)
                await last_words(ws, "", is_last="close" in message, from_finalize=True)

    async with scripted(handler) as url:
        service = stt(url)
        await service.connect()
        audio = np.arange(32000, dtype=np.int16)
        feeding = asyncio.create_task(feed(service, snb.Clip.from_array(audio, 16000), pace=2))
        await asyncio.sleep(0.3)
        await asyncio.gather(
            service.update_settings(snb.SmallestSTTSettings(diarize=True)),
            service.update_settings(snb.SmallestSTTSettings(word_timestamps=True)),
        )
        await feeding
        await service.close()
    assert b"".join(bytes(log) for _, log in sockets) == audio.astype("<i2").tobytes()
    assert len(sockets) == 3
    assert "diarize=true" in sockets[-1][0]
    assert "word_timestamps=true" in sockets[-1][0]


async def test_a_server_that_hangs_up_again_and_again_ends_the_session():
    sockets = []

    async def handler(ws):
        sockets.append(ws)
        await asyncio.sleep(0.02)
        await ws.close(1008, "too many sessions")

    async with scripted(handler) as url:
        service = stt(url, max_retries=3)
        await service.connect()
        with pytest.raises(snb.ConnectionLost, match="too many sessions"):
            for _ in range(200):
                await service.send(bytes(3200))
                await asyncio.sleep(0.02)
        await service.close()
    assert len(sockets) <= 5


async def test_odd_frames_are_counted_not_fatal():
    async def handler(ws):
        await ws.recv()
        for frame in ("garbage", b"\x00", "[]", '{"type":"new"}', '{"type":"transcription", "is_final":'):
            await ws.send(frame)
        await ws.send(json.dumps({"type": "transcription", "transcript": "Fine.", "is_final": True, "is_last": True}))
        await ws.wait_closed()

    async with scripted(handler) as url:
        service = stt(url)
        await service.connect()
        await service.send(b"\x00\x00")
        await service.close()
    assert service.transcript.text == "Fine."
    assert service.bad_frames == 5


async def test_keepalive_is_silence_that_does_not_move_the_clock():
    sent = []

    async def handler(ws):
        async for message in ws:
            sent.append(message)
            if message == '{"type":"close_stream"}':
                at = {"word": "x", "start": 0.35, "end": 0.4}
                await ws.send(json.dumps({"type": "transcription", "transcript": "x", "is_final": True,
                                          "is_last": True, "words": [at]}))  # fmt: skip

    async with scripted(handler) as url:
        service = stt(url, keepalive_secs=0.2)
        await service.connect()
        await service.send(np.full(1600, 5, np.int16))
        await asyncio.sleep(0.5)
        await service.send(np.full(1600, 6, np.int16))
        await service.close()
    assert '{"type":"keepalive"}' not in sent
    silences = [m for m in sent if isinstance(m, bytes) and not any(m)]
    assert len(silences) == 2
    assert all(len(m) == 3200 for m in silences)
    assert service.transcript[0].start == pytest.approx(0.35 - 0.2)


async def test_a_keepalive_does_not_cut_the_word_in_which_the_audio_breaks_off(fresh_simulator):
    """The microphone of a page is not heard while a cell runs; five seconds later the service kept its socket open."""
    fresh_simulator.behaviour.engine = "signal"
    said = "aaa aab aac aad aae aaf"
    async with tts(fresh_simulator, sample_rate=16000) as service:
        clip = await service.synthesize(said)
    for share in (0.25, 0.3, 0.35, 0.4, 0.45, 0.5):
        cut = int(share * len(clip)) * 2
        async with stt(fresh_simulator, keepalive_secs=0.1) as service:
            await service.send(clip.pcm[:cut])
            await asyncio.sleep(0.35)
            await service.send(clip.pcm[cut:])
        assert words(service.transcript.text) == said, share


async def test_bad_arguments(simulator):
    with pytest.raises(snb.ConfigError, match="linear16"):
        stt(simulator, encoding="mp3")
    with pytest.raises(snb.ConfigError, match="16000"):
        stt(simulator, sample_rate=11025)
    with pytest.warns(UserWarning, match="'cs'"):
        service = stt(simulator, settings=snb.SmallestSTTSettings(language="cs"))
    await service.close()
    with pytest.raises(snb.ConnectionLost, match="closed"):
        await service.send(b"\x00\x00")


async def test_a_refused_key_is_an_error_when_connecting(simulator):
    service = snb.SmallestSTTService(api_key="wrong", base_url=simulator.base_url)
    with pytest.raises(snb.AuthError, match="sk_"):
        await service.connect()
    await service.close()
    assert KEY not in repr(service)


async def test_defaults_are_the_documents(simulator):
    service = stt(simulator)
    assert (service.encoding, service.sample_rate, service.ttfs_p99_latency) == ("linear16", 16000, 1.59)
    await service.close()


async def test_a_change_of_settings_after_the_close_does_not_wait():
    async def handler(ws):
        async for message in ws:
            if "close" in str(message):
                await last_words(ws, "")

    async with scripted(handler) as url, stt(url) as service:
        await service.send(bytes(3200))
        await service.close()
        async with asyncio.timeout(5):
            assert "language" in await service.update_settings(snb.SmallestSTTSettings(language="hi"))
    assert service.settings.language == "hi"


async def test_a_change_of_settings_does_not_wait_for_a_connection_that_was_cancelled():
    paths, reached = [], asyncio.Event()

    async def hold_the_first(_connection, request):
        paths.append(request.path)
        reached.set()
        if len(paths) == 1:
            await asyncio.sleep(60)

    async with serve(lambda ws: ws.wait_closed(), "127.0.0.1", 0, process_request=hold_the_first) as server:
        service = stt(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", close_timeout=0.5)
        connecting = asyncio.create_task(service.connect())
        await reached.wait()
        changing = asyncio.create_task(service.update_settings(snb.SmallestSTTSettings(language="hi")))
        await asyncio.sleep(0.1)
        assert service.settings.language != "hi", "the change waits for the connection"
        connecting.cancel()
        async with asyncio.timeout(5):
            assert "language" in await changing
        assert service.settings.language == "hi"
        await service.close()
    assert "language=hi" in paths[-1]


async def test_a_change_of_settings_that_was_cancelled_is_not_made_later():
    paths = []

    async def handler(ws):
        paths.append(ws.request.path)
        async for message in ws:
            if "finalize" in str(message):
                await asyncio.sleep(0.4)
                await last_words(ws, "one", is_last=False)
            elif "close" in str(message):
                await last_words(ws, "end")

    async with scripted(handler) as url, stt(url) as service:
        await service.send(bytes(3200))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(service.update_settings(snb.SmallestSTTSettings(language="hi")), 0.1)
        await service.send(bytes(3200))
        await asyncio.sleep(0.6)
        assert service.settings.language != "hi"
        await service.close()
    assert service.transcript.text == "one end"
    assert service.reconnects == 0
    assert sum("language=hi" in path for path in paths) <= 1, "the spare socket, which was not used"
