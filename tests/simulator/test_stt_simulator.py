"""What the simulator hears, frame by frame."""

from __future__ import annotations

import asyncio
import json
import re

import jiwer
import psutil
import pytest
from websockets.asyncio.client import connect

import smallest_nb as snb
from smallest_nb.audio.vad import EnergyVad, make_vad
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import stt, tts

SENTENCES = (
    "The train to the city leaves in twenty minutes.",
    "She walked along the river and looked at the water.",
    "The weather will be cold and cloudy this morning.",
    "He opened the door and turned on the light.",
)


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


@pytest.fixture(scope="module")
async def clips(simulator):
    async with tts(simulator, sample_rate=16000, settings=snb.SmallestTTSSettings(voice="magnus")) as service:
        return [await service.synthesize(s) for s in SENTENCES]


async def hear(simulator, pcm: bytes, *, then=('{"type":"close_stream"}',), path="stt/live", rate=16000, **query):
    """Send audio and control frames; return every frame until the socket closes."""
    asked = {"model": "pulse", "language": "en", "sample_rate": rate, **query}
    url = f"{simulator.base_url}/waves/v1/{path}?" + "&".join(f"{k}={v}" for k, v in asked.items())
    frames = []
    async with connect(url, additional_headers={"Authorization": "Bearer sk_x"}, compression=None, proxy=None) as ws:

        async def read():
            async for message in ws:
                frames.append(json.loads(message))

        reader = asyncio.create_task(read())
        for at in range(0, len(pcm), rate // 5):
            await ws.send(pcm[at : at + rate // 5])
        for frame in then:
            await ws.send(frame)
        await asyncio.wait_for(reader, 30)
    return frames


async def test_really_recognises_what_was_never_hinted(simulator, clips):
    heard = []
    for clip in clips:
        frames = await hear(simulator, clip.padded(0.4, 0.4).pcm)
        heard.append(" ".join(f["transcript"] for f in frames if f["is_final"]))
    assert jiwer.wer([words(s) for s in SENTENCES], [words(h) for h in heard]) <= 0.3, heard


async def test_interims_then_final_then_last(simulator, clips):
    frames = await hear(simulator, clips[0].padded(0.4, 1.5).pcm, word_timestamps="true", sentence_timestamps="true")
    interim = [f for f in frames if not f["is_final"]]
    assert len({f["transcript"] for f in interim}) >= 3
    assert all("words" not in f and "language" not in f for f in interim)
    final = next(f for f in frames if f["is_final"])
    assert final["transcript"] == final["transcription"]
    assert final["transcript"][0].isupper()
    assert final["transcript"].endswith(".")
    assert final["language"] == "en"
    assert 0.2 < final["words"][0]["start"] < 0.7
    assert {"word", "start", "end", "confidence"} == set(final["words"][0])
    assert final["utterances"][0]["text"] == final["transcript"]
    assert (frames[-1]["is_last"], frames[-1]["is_final"]) == (True, True)


async def test_finalize_with_nothing_pending_gives_an_empty_final(simulator):
    frames = await hear(simulator, bytes(16000), then=('{"type":"finalize"}', '{"type":"close_stream"}'))
    assert [(f["transcript"], f["is_final"], f.get("from_finalize")) for f in frames][0] == ("", True, True)


async def test_silence_does_not_end_a_segment_when_endpointing_is_off(simulator, clips):
    pcm = clips[0].padded(0.3, 1.2).pcm + clips[3].padded(0, 1.2).pcm
    on = [f for f in await hear(simulator, pcm) if f["is_final"] and f["transcript"]]
    never = {"endpointing": "false", "finalize_on_words": "false"}
    off = [f for f in await hear(simulator, pcm, **never) if f["is_final"] and f["transcript"]]
    assert (len(on), len(off)) == (2, 1)


async def test_any_sample_rate_and_the_legacy_path(simulator, clips):
    clip = clips[3].resample(8000)
    frames = await hear(simulator, clip.padded(0.3, 0.3).pcm, path="pulse/get_text", rate=8000, format="false")
    text = " ".join(f["transcript"] for f in frames if f["is_final"])
    assert text == text.lower()
    assert len(words(text).split()) >= 4


async def test_noise_and_silence_are_no_words(simulator):
    import numpy as np

    noise = (np.random.default_rng(3).standard_normal(32000) * 60).astype("<i2").tobytes()
    frames = await hear(simulator, noise + bytes(32000))
    assert [f["transcript"] for f in frames if f["transcript"]] == []


async def test_keepalive_unknown_control_and_language_errors(simulator):
    frames = await hear(simulator, b"", then=('{"type":"keepalive"}', '{"type":"dance"}', '{"type":"close_stream"}'))
    assert frames[0]["type"] == "pong"
    assert "dance" in frames[1]["message"]
    german = await hear(simulator, b"", then=(), language="de")
    assert "English only" in german[0]["message"]
    japanese = await hear(simulator, b"", then=(), language="ja")
    assert japanese[0]["error_code"] == "LANGUAGE_NOT_ENABLED_IN_REGION"


def recognisers() -> set[int]:
    """Return the processes that recognise, of all simulators here."""
    processes = psutil.Process().children(recursive=True)
    return {p.pid for p in processes if any("transcriber_worker" in part for part in p.cmdline())}


async def test_a_recogniser_is_used_again_and_a_full_house_is_429(clips):
    with Simulator(behaviour=Behaviour(hearing_sessions=1)) as small:
        used = []
        for _ in range(2):
            assert (await hear(small, clips[0].padded(0.3, 0.3).pcm))[-1]["is_last"]
            used.append(recognisers())
        assert used[0] == used[1], "the worker was not used again"
        async with stt(small) as first:
            await first.send(bytes(3200))
            await asyncio.sleep(0.3)
            second = stt(small, max_retries=0)
            with pytest.raises(snb.RateLimitError, match="too many transcriptions"):
                await second.connect()
            await second.close()


@pytest.mark.parametrize("make", [make_vad, EnergyVad])
def test_voice_activity(make, clips):
    vad = make()
    frames = [clips[0].padded(0.5, 0.5).pcm[at : at + 1024] for at in range(0, len(clips[0].pcm), 1024)]
    speech = [vad.probability(f) > 0.5 for f in frames if len(f) == 1024]
    assert not any(speech[:12])
    assert sum(speech[16:]) > 0.6 * len(speech[16:])
