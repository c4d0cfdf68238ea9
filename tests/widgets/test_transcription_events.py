"""Readers of a transcription: what they get, and that nothing of them is left behind."""

from __future__ import annotations

import asyncio

import pytest

from smallest_nb.errors import FrontEndError
from smallest_nb.notebook.widgets import transcription_events
from smallest_nb.notebook.widgets.transcription_events import TranscriptionEvents
from smallest_nb.results.transcript import Segment


def segment(n, *, final=True):
    return Segment(f"text {n}", final, float(n), n + 1.0)


async def nothing_to_check():
    return None


async def test_a_reader_gets_finals_until_the_end_and_leaves_nothing_behind():
    events = TranscriptionEvents(nothing_to_check)

    async def read():
        return [s.text async for s in events.segments(interim=False)]

    reading = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    assert events.handlers == 1
    for n in range(3):
        events.publish(segment(n, final=False))
        events.publish(segment(n))
    events.end()
    assert await reading == ["text 0", "text 1", "text 2"]
    assert events.handlers == 0


async def test_a_reader_that_stops_early_is_forgotten():
    events = TranscriptionEvents(nothing_to_check)
    reader = events.segments(interim=True)
    first = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    events.publish(segment(1, final=False))
    assert (await first).text == "text 1"
    await reader.aclose()
    assert events.handlers == 0


async def test_a_reader_that_falls_behind_loses_the_oldest(monkeypatch, caplog):
    monkeypatch.setattr(transcription_events, "_BEHIND", 5)
    events = TranscriptionEvents(nothing_to_check)
    reader = events.segments(interim=False)
    first = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    for n in range(8):
        events.publish(segment(n))
    await asyncio.sleep(0)
    got = [await first, *[await anext(reader) for _ in range(4)]]
    assert [s.text for s in got] == [f"text {n}" for n in range(3, 8)]
    assert "5 results behind" in caplog.text
    await reader.aclose()


async def test_a_reader_that_can_get_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(transcription_events, "_CHECK_SECS", 0.05)

    async def refuse():
        raise FrontEndError("only between cells")

    events = TranscriptionEvents(refuse)
    with pytest.raises(FrontEndError, match="only between cells"):
        async for _ in events.segments(interim=False):
            pass
    assert events.handlers == 0
