"""What was recorded comes again to the same code, in the time it took; anything else is refused with its difference."""

from __future__ import annotations

import asyncio
import json
from time import monotonic

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.client import rest
from tests.support.services import KEY, chunk, complete, scripted, stt, tts

TEXT = "Hello there, how are you? This is the second sentence."
ELSEWHERE = {"api_key": KEY, "base_url": "ws://127.0.0.1:9"}  # nothing listens there: a replay needs no server


@pytest.fixture(scope="module")
def recorded(simulator, tmp_path_factory):
    """A cassette with speech, a stream of sound and two requests, and what they gave."""
    path = tmp_path_factory.mktemp("tape") / "take.cassette"
    service = {"api_key": KEY, "base_url": simulator.base_url}
    with snb.record(path):
        clip = snb.speak(TEXT, speed=1.2, **service)
        text = snb.transcribe(clip, word_timestamps=True, **service)
        voices = asyncio.run(rest.list_voices(refresh=True, **service))
        whole = asyncio.run(rest.transcribe_recording(clip, **service))
    return path, clip, text, voices, whole


@pytest.mark.parametrize("speed", ["instant", 4])
def test_the_same_code_gets_the_same(recorded, speed):
    path, clip, text, voices, whole = recorded
    with snb.replay(path, speed=speed) as tape:
        assert snb.speak(TEXT, speed=1.2, **ELSEWHERE).pcm == clip.pcm
        assert snb.transcribe(clip, word_timestamps=True, **ELSEWHERE).to_json() == text.to_json()
        assert asyncio.run(rest.list_voices(refresh=True, **ELSEWHERE)) == voices
        assert asyncio.run(rest.transcribe_recording(clip, **ELSEWHERE)).to_json() == whole.to_json()
        assert tape.unused == []
    assert clip.duration > 2
    assert text.text
    assert len(text.segments[0].words) > 3
    with pytest.raises(snb.ConnectionLost):  # the block has ended, and nothing listens
        snb.speak(TEXT, speed=1.2, **ELSEWHERE)


def test_no_key_and_no_simulator_are_needed(recorded, monkeypatch):
    monkeypatch.setattr("smallest_nb.notebook.session.simulator", lambda: pytest.fail("the simulator was started"))
    with snb.replay(recorded[0], speed="instant"):
        service = snb.SmallestTTSService()
        assert "nothing is sent" in service.target.label
        assert snb.speak(TEXT, speed=1.2).pcm == recorded[1].pcm


def test_one_made_inside_says_that_the_replay_has_ended(recorded):
    with snb.replay(recorded[0], speed="instant"):
        service = snb.SmallestTTSService(max_retries=0)
    with pytest.raises(snb.ConnectionLost, match="The replay has ended"):
        asyncio.run(service.synthesize(TEXT))


def test_another_request_is_refused_with_the_difference(recorded):
    with snb.replay(recorded[0], speed="instant") as tape:
        with pytest.raises(snb.CassetteError, match=r"speed: recorded 1.2, sent 1.3"):
            snb.speak(TEXT, speed=1.3, **ELSEWHERE)
        with pytest.raises(snb.CassetteError, match=r'text: recorded "Hello there.*sent "Farewell'):
            snb.speak("Farewell there, how are you? This is the second sentence.", speed=1.2, **ELSEWHERE)
        assert any("Hello there" in text for text in tape.unused)


def test_the_same_request_once_more_is_refused_unless_allowed(recorded):
    with snb.replay(recorded[0], speed="instant"):
        snb.speak(TEXT, speed=1.2, **ELSEWHERE)
        with pytest.raises(snb.CassetteError, match="repeat=True"):
            snb.speak(TEXT, speed=1.2, **ELSEWHERE)
    with snb.replay(recorded[0], speed="instant", repeat=True):
        assert [snb.speak(TEXT, speed=1.2, **ELSEWHERE).pcm for _ in range(3)] == [recorded[1].pcm] * 3


def test_other_sound_is_refused_with_its_place(recorded):
    clip = recorded[1]
    other = clip.samples.copy()
    other[24000:] = np.roll(other[24000:], 2400)
    with snb.replay(recorded[0], speed="instant"), pytest.raises(snb.CassetteError, match=r"other sound .* from 1\.0"):
        snb.transcribe(other, sample_rate=24000, word_timestamps=True, **ELSEWHERE)
    with snb.replay(recorded[0], speed="instant"), pytest.raises(snb.CassetteError, match="and only 1.000 s were sent"):
        snb.transcribe(clip.samples[:24000], sample_rate=24000, word_timestamps=True, **ELSEWHERE)
    longer = np.concatenate([clip.samples, clip.samples[:2400]])
    with snb.replay(recorded[0], speed="instant"), pytest.raises(snb.CassetteError, match="more is sent now"):
        snb.transcribe(longer, sample_rate=24000, word_timestamps=True, **ELSEWHERE)
    with snb.replay(recorded[0], speed="instant", audio="any"):
        text = snb.transcribe(other[:-2400], sample_rate=24000, word_timestamps=True, **ELSEWHERE)
    assert text.text == recorded[2].text


def test_a_few_steps_are_no_other_sound(recorded):
    near = recorded[1].samples.astype(np.int32)
    near += np.random.default_rng(1).integers(-3, 4, near.shape)
    near = np.clip(near, -32768, 32767).astype(np.int16)
    with snb.replay(recorded[0], speed="instant"):
        assert snb.transcribe(near, sample_rate=24000, word_timestamps=True, **ELSEWHERE).text == recorded[2].text


async def test_results_come_when_as_much_was_sent(recorded):
    """However the sound is cut, a result comes after the same place in it, and `finalize` is waited for."""
    path, clip, *_ = recorded
    with snb.replay(path, speed="instant"):
        async with stt(
            "ws://127.0.0.1:9",
            sample_rate=24000,
            settings=snb.SmallestSTTSettings(word_timestamps=True, finalize_on_words=False),
        ) as s:
            await s.send(clip.pcm[:-2])
            await asyncio.sleep(0.1)
            assert not s.transcript.segments
            assert not s.transcript.interim
            await s.send(clip.pcm[-2:])
    assert s.transcript.text == recorded[2].text


async def test_a_replay_takes_the_time_it_took(tmp_path):
    async def slow(ws):
        async for message in ws:
            ids = {"external_request_id": json.loads(message)["request_id"]}
            await asyncio.sleep(0.4)
            await ws.send(chunk(b"\1\0" * 2400, **ids))
            await asyncio.sleep(0.4)
            await ws.send(complete(**ids))

    path = tmp_path / "slow.cassette"
    async with scripted(slow) as url:
        with snb.record(path):
            async with tts(url) as service:
                await service.synthesize("Slowly.")
    took = {}
    for speed in (1, 4, "instant"):
        with snb.replay(path, speed=speed):
            async with tts(url) as service:
                began = monotonic()
                assert (await service.synthesize("Slowly.")).duration == 0.1
                took[speed] = monotonic() - began
    assert took[1] > 0.75
    assert 0.18 < took[4] < took[1]
    assert took["instant"] < took[4]


async def test_losses_and_refusals_are_replayed(tmp_path):
    """A socket that breaks off, then a 429: the service under replay goes the same way and gives the same sound."""
    attempts = []

    async def breaks(ws):
        async for message in ws:
            attempts.append(message)
            ids = {"external_request_id": json.loads(message)["request_id"]}
            await ws.send(chunk(b"\1\0" * 2400, **ids))
            if len(attempts) == 1:
                ws.transport.abort()
                return
            await ws.send(chunk(b"\2\0" * 2400, **ids))
            await ws.send(complete(**ids))

    path = tmp_path / "lost.cassette"
    async with scripted(breaks) as url:
        with snb.record(path):
            async with tts(url) as service:
                clip = await service.synthesize("It breaks off.")
    assert len(attempts) == 2
    with snb.replay(path, speed="instant") as tape:
        async with tts("ws://127.0.0.1:9") as service:
            assert (await service.synthesize("It breaks off.")).pcm == clip.pcm
            assert service.metrics[-1].retries == 1
        assert tape.unused == []


async def test_a_refused_handshake_is_replayed(tmp_path, fresh_simulator):
    path = tmp_path / "refused.cassette"
    with snb.record(path), pytest.raises(snb.AuthError) as first:
        async with snb.SmallestTTSService(api_key="wrong", base_url=fresh_simulator.base_url):
            pass
    with snb.replay(path, speed="instant"), pytest.raises(snb.AuthError) as again:
        async with snb.SmallestTTSService(api_key="wrong", base_url="ws://127.0.0.1:9"):
            pass
    assert str(first.value).replace(fresh_simulator.base_url, "") == str(again.value).replace("ws://127.0.0.1:9", "")


async def test_an_open_service_is_recorded_from_its_next_sentence_on(simulator, tmp_path):
    async with tts(simulator) as service:
        await service.synthesize("Before.")
        with snb.record(tmp_path / "late.cassette") as tape:
            clip = await service.synthesize("Meanwhile.")
        after = await service.synthesize("After.")
        with snb.replay(tmp_path / "late.cassette", speed="instant"):
            assert (await service.synthesize("Meanwhile.")).pcm == clip.pcm
        assert (await service.synthesize("After.")).pcm == after.pcm
    sent = json.dumps([e.frame for s in tape.cassette.sessions for e in s.events])
    assert "Meanwhile" in sent
    assert "Before" not in sent
    assert "After" not in sent


async def test_times_stay_right_where_silence_kept_the_socket_open(simulator, tmp_path):
    """The recording paused, so the service heard silence; an instant replay does not pause."""
    clip = snb.speak("Seven people came to the harbour.", voice="magnus", api_key=KEY, base_url=simulator.base_url)
    settings = snb.SmallestSTTSettings(word_timestamps=True)

    async def hear(url, pause):
        async with stt(url, sample_rate=24000, settings=settings, keepalive_secs=0.2) as service:
            await service.send(clip.pcm[:4800])
            await asyncio.sleep(pause)
            await service.send(clip.pcm[4800:])
        return [w for s in service.transcript.segments for w in s.words]

    with snb.record(tmp_path / "pause.cassette") as tape:
        words = await hear(simulator.base_url, 0.9)
    assert any(e.kind == "alive" for s in tape.cassette.sessions for e in s.events)
    with snb.replay(tmp_path / "pause.cassette", speed="instant"):
        again = await hear("ws://127.0.0.1:9", 0)
    assert [w.text for w in words] == [w.text for w in again]
    assert [w.start for w in words] == pytest.approx([w.start for w in again], abs=0.01)


def test_one_at_a_time(recorded, tmp_path):
    second = snb.record(tmp_path / "x.cassette")
    with snb.replay(recorded[0]), pytest.raises(snb.CassetteError, match="running already"), second:
        pass
    with snb.record(tmp_path / "x.cassette"):
        pass
    assert (tmp_path / "x.cassette").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"), [({"speed": 0}, "speed=0"), ({"speed": "fast"}, "'fast'"), ({"audio": "some"}, "'some'")]
)
def test_bad_arguments_are_named(recorded, arguments, expected):
    with pytest.raises(snb.ConfigError, match=expected):
        snb.replay(recorded[0], **arguments)


async def test_a_change_right_after_sound_is_replayed_in_the_same_order(tmp_path):
    """Sound goes to a socket at once, so it is before the request to finalize that the change makes."""

    async def handler(ws):
        async for message in ws:
            if isinstance(message, str):
                last = "close" in message
                frame = {"type": "transcription", "transcript": "x", "is_final": True, "is_last": last}
                await ws.send(json.dumps(frame | {"from_finalize": not last}))

    async def hear(url):
        async with stt(url) as service:
            await service.send(b"\x01\x00" * 1600)
            await service.update_settings(snb.SmallestSTTSettings(language="hi"))
            await service.send(b"\x02\x00" * 1600)
        return service.transcript.text

    async with scripted(handler) as url:
        with snb.record(tmp_path / "change.cassette"):
            heard = await hear(url)
    with snb.replay(tmp_path / "change.cassette", speed="instant") as replay:
        assert await hear("ws://127.0.0.1:9") == heard == "x x"
    assert replay.unused == []
