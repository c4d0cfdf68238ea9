"""Engines that are missing, fail or are killed: the session goes on, and no sound is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

import jiwer
import psutil
import pytest
from simulated import CLOSE, HEADERS, call, finals, hear, opened, said, speak, stt_path
from websockets.exceptions import InvalidStatus

from bench.simulator.unspoken import unspoken
from bench.simulator.word_times import pair, plain_word
from smallest_nb.audio.clip import Clip, silence
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.workers.worker import EngineError, Worker

TEXT = "He opened the door and turned on the light."
PLAIN = TEXT.lower().rstrip(".")


OTHER = "Thank you for calling, how can I help you today?"


async def padded(simulator, text=TEXT, **fields) -> bytes:
    quiet = silence(0.4, 16000)
    return quiet + (await speak(simulator, text, **fields))[1] + quiet


def words_of(text: str) -> set[str]:
    return {plain_word(word) for word in text.split()}


@pytest.fixture
def model(tmp_path) -> Path:
    """A folder with a copy of the model that comes with the package."""
    package = Path(find_spec("moonshine_voice").origin).parent
    return Path(shutil.copytree(package / "assets" / "tiny-en", tmp_path / "my-models" / "tiny-en"))


def transcribers() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            if any("transcriber_worker" in part for part in process.cmdline()):
                found.append(process)
    return found


@pytest.mark.parametrize("hearing", ["moonshine", "pocketsphinx"])
async def test_each_recogniser_hears(simulator, hearing):
    frames = await hear(simulator, await padded(simulator), word_timestamps="true", fault=f"hearing={hearing}")
    assert jiwer.wer(PLAIN, said(frames).lower().rstrip(".")) <= (0.1 if hearing == "moonshine" else 0.4)
    words = [w for f in finals(frames) for w in f["words"]]
    assert all(0 <= w["confidence"] <= 1 and w["end"] > w["start"] for w in words)


async def test_what_is_not_installed_is_named_and_the_next_one_hears(simulator, caplog):
    with caplog.at_level(logging.WARNING, "smallest_nb.simulator"):
        frames = await hear(simulator, await padded(simulator), fault="hearing=whisper")
    assert jiwer.wer(PLAIN, said(frames).lower().rstrip(".")) <= 0.1
    assert "Moonshine hears instead: " in caplog.text
    assert "pip install faster-whisper" in caplog.text


async def test_a_process_that_is_killed_in_mid_sentence_costs_no_word(simulator):
    pcm = await padded(simulator)
    async with opened(simulator, stt_path(), HEADERS) as ws:
        half = len(pcm) // 4 * 2
        await ws.send(pcm[:half])
        while json.loads(await ws.recv()).get("type") != "transcription":
            pass
        for process in transcribers():
            process.kill()
            process.wait(10)
        await ws.send(pcm[half:])
        await ws.send(CLOSE)
        frames = [json.loads(m) async for m in ws]
    assert jiwer.wer(PLAIN, said(frames).lower().rstrip(".")) <= 0.1


async def test_many_sessions_share_one_process(simulator):
    pcm = await padded(simulator)
    heard = await asyncio.gather(*(hear(simulator, pcm) for _ in range(4)))
    assert len({said(frames) for frames in heard}) == 1
    assert len(transcribers()) == 1


async def test_sessions_side_by_side_hear_their_own_words_only(simulator):
    sounds = [await padded(simulator, text, voice_id=voice) for text in (TEXT, OTHER) for voice in ("liam", "sophia")]
    heard = await asyncio.gather(*(hear(simulator, pcm) for pcm in sounds))
    everything = [" ".join(f.get("transcript", "") for f in frames) for frames in heard]  # interims too
    for mine, text, other in zip(everything, (TEXT, TEXT, OTHER, OTHER), (OTHER, OTHER, TEXT, TEXT), strict=True):
        assert len(words_of(mine) & words_of(text)) >= 0.7 * len(words_of(text))
        assert not words_of(mine) & (words_of(other) - words_of(text))


@pytest.mark.parametrize("hearing", ["moonshine", "pocketsphinx"])
async def test_a_session_that_was_cut_off_leaves_nothing_to_the_next_one(simulator, hearing):
    pcm = await padded(simulator)
    async with opened(simulator, stt_path(fault=f"hearing={hearing}"), HEADERS) as ws:
        await ws.send(pcm[: len(pcm) // 4 * 2])
        while json.loads(await ws.recv()).get("type") != "transcription":
            pass
    frames = await hear(simulator, silence(2.0, 16000), fault=f"hearing={hearing}")
    assert said(frames) == ""


async def test_nothing_is_said_where_nothing_was_spoken(simulator):
    for name, sound in unspoken(8).items():
        assert said(await hear(simulator, sound)) == "", name


async def test_words_lie_where_they_are_spoken(simulator):
    frames, pcm = await speak(simulator, TEXT, voice_id="liam", word_timestamps=True)
    spoken = [(plain_word(d["word"]), d["start"], d["end"]) for f in frames
              if f["status"] == "word_timestamp" for d in [f["data"]]]  # fmt: skip
    quiet = silence(0.4, 16000)
    heard = [w for f in finals(await hear(simulator, quiet + pcm + quiet, word_timestamps="true")) for w in f["words"]]
    found = [(mine, word) for mine, word in pair(spoken, heard) if mine is not None]
    assert len(found) >= 0.7 * len(spoken)
    for (_, start, end), word in found:
        assert abs(word["start"] - 0.4 - start) < 0.15
        assert abs(word["end"] - 0.4 - end) < 0.15


async def test_the_model_may_be_a_folder(simulator, model):
    pcm = await padded(simulator)
    with Simulator(behaviour=Behaviour(hearing="moonshine", hearing_model=f"{model}/")) as mine:
        assert jiwer.wer(PLAIN, said(await hear(mine, pcm)).lower().rstrip(".")) <= 0.1
        german = await hear(mine, pcm, language="de")
        assert "English only and what its model" in german[0]["message"]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("renamed", "'mine' is no model of Moonshine; its folder must be named like tiny-en"),
        ("incomplete", "is incomplete: encoder_model.ort is missing; get it again"),
        ("damaged", "its files may be damaged; get it again"),
        ("gone", "neither a folder nor a name such as small-streaming-en"),
        ("of another language", "Moonshine does not understand 'en'"),
    ],
)
async def test_a_model_that_cannot_be_used_is_named_and_the_next_one_hears(simulator, model, harm, words, caplog):
    if harm == "renamed":
        model = model.rename(model.with_name("mine"))
    elif harm == "incomplete":
        (model / "encoder_model.ort").unlink()
    elif harm == "damaged":
        (model / "decoder_model_merged.ort").write_bytes(b"<html>404</html>" * 500)
    elif harm == "of another language":
        model = model.rename(model.with_name("tiny-ja"))
    else:
        shutil.rmtree(model)
    pcm = await padded(simulator)
    behaviour = Behaviour(hearing="moonshine", hearing_model=str(model))
    with caplog.at_level(logging.WARNING, "smallest_nb.simulator"), Simulator(behaviour=behaviour) as mine:
        frames = await hear(mine, pcm)
    assert jiwer.wer(PLAIN, said(frames).lower().rstrip(".")) <= 0.1
    assert "Moonshine hears instead: " in caplog.text
    assert words in caplog.text


async def test_an_engine_that_always_fails_gives_way_in_mid_sentence(fresh_simulator, caplog):
    pcm = await padded(fresh_simulator)
    ended = asyncio.Event()

    async def kill_all() -> None:
        while not ended.is_set():
            for process in transcribers():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGILL)
            await asyncio.sleep(0.02)

    killer = asyncio.create_task(kill_all())
    with caplog.at_level(logging.WARNING, "smallest_nb.simulator"):
        frames = await hear(fresh_simulator, pcm)
    ended.set()
    await killer
    assert "PocketSphinx hears instead: " in caplog.text
    assert jiwer.wer(PLAIN, said(frames).lower().rstrip(".")) <= 0.4


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (signal.SIGILL, "SIGILL: this processor lacks an instruction that the engine needs, such as AVX2"),
        (signal.SIGKILL, "SIGKILL: it was killed, by someone or because memory ran out"),
    ],
)
async def test_the_end_of_a_process_is_reported_with_its_reason(sent, words):
    worker = await Worker.start("synthesizer_worker.py")
    psutil.Process(worker.pid).send_signal(sent)
    with pytest.raises(EngineError, match=words):
        await worker.receive()
    await worker.stop()


async def test_more_sessions_than_the_machine_manages_are_refused(simulator):
    with Simulator(behaviour=Behaviour(hearing_sessions=2)) as mine:
        async with opened(mine, stt_path(), HEADERS), opened(mine, stt_path(), HEADERS):
            await asyncio.sleep(0)
            refused = []
            for _ in range(200):  # the second one has its recogniser a moment after its handshake
                try:
                    async with opened(mine, stt_path(), HEADERS):
                        await asyncio.sleep(0.05)
                except InvalidStatus as error:
                    refused.append((error.response.status_code, "Retry-After" in error.response.headers))
                    break
            assert refused == [(429, True)]
        while mine.open_sessions:
            await asyncio.sleep(0.01)
        assert jiwer.wer(PLAIN, said(await hear(mine, await padded(simulator))).lower().rstrip(".")) <= 0.1


async def test_a_file_is_heard_the_same_whether_its_words_times_are_asked_for_or_not(simulator):
    body = Clip(await padded(simulator, f"{TEXT} {OTHER}"), 16000).wav_bytes()
    path = "/waves/v1/stt/?model=pulse&language=en"
    plain = (await call(simulator, "POST", path, body)).json
    timed = (await call(simulator, "POST", f"{path}&word_timestamps=true", body)).json
    assert plain["transcription"] == timed["transcription"]
    assert plain["words"] == []
    starts = [w["start"] for w in timed["words"]]
    assert len(set(starts)) == len(starts) >= 15
    assert starts == sorted(starts)
