"""Engines that are missing, fail or are killed: the session goes on, and no sound is lost."""

from __future__ import annotations

import asyncio
import json
import logging

import jiwer
import psutil
import pytest
from simulated import CLOSE, HEADERS, finals, hear, opened, said, speak, stt_path

from smallest_nb.audio.clip import silence

TEXT = "He opened the door and turned on the light."
PLAIN = TEXT.lower().rstrip(".")


async def padded(simulator) -> bytes:
    quiet = silence(0.4, 16000)
    return quiet + (await speak(simulator, TEXT))[1] + quiet


def transcribers() -> list[psutil.Process]:
    processes = psutil.Process().children(recursive=True)
    return [p for p in processes if any("transcriber_worker" in part for part in p.cmdline())]


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
