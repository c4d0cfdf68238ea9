"""This package, through its public names."""

from __future__ import annotations

import dataclasses
from typing import Any

import smallest_nb as snb
from bench.conversation.script import answer_to


async def converse(url: str, key: str, wav: str, stop_secs: float, start: str = "plain") -> dict[str, Any]:
    """Hold the conversation."""
    clock = snb.ConversationClock()
    sink = snb.ArraySink(clock)
    source = snb.ClipSource(snb.Clip.from_wav(wav), clock=clock, silence_secs=6.0)
    stt_settings = snb.SmallestSTTSettings(finalize_on_words=False)
    tts_settings = snb.SmallestTTSSettings(voice="avery", word_timestamps=True)
    async with (
        snb.SmallestSTTService(api_key=key, base_url=url, settings=stt_settings) as stt,
        snb.SmallestTTSService(api_key=key, base_url=url, settings=tts_settings) as tts,
    ):
        record = await snb.converse(source, answer_to, sink, stt=stt, tts=tts, stop_secs=stop_secs, start=start)
    began = source.began_at
    return {
        "parts": [[part.answer, part.at - began, part.until - began] for part in sink.parts],
        "texts": [t.full_text for t in record.turns if t.who == "voice"],
        "history": record.history,
        "wasted_characters": record.wasted_characters,
        "spoken_characters": sum(row.characters for row in record.metrics),
        "latencies": [dataclasses.asdict(row) for row in record.metrics],
        "errors": [turn.error for turn in record.turns if turn.error],
    }
