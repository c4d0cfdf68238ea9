"""One clock for the words of an answer or of a stream, whatever happened to the sockets and requests below it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import smallest_nb as snb
from tests.support.services import chunk, complete, scripted, stt, tts

SPOKEN = np.random.default_rng(1).integers(-9000, 9000, 24000, np.int16).tobytes()
RATE = 16000


async def test_words_of_the_next_sentence_begin_where_the_sound_of_the_last_one_ends():
    """Each sentence is two seconds, of which the last one and more is a pause: not where its last word ends."""

    asked = []

    async def service(ws):
        async for message in ws:
            frame = json.loads(message)
            if not (text := frame.get("text", "").split()):
                continue
            asked.append(len(text))
            ids = {"request_id": f"r{len(asked)}", "external_request_id": frame.get("request_id", "")}
            for number, word in enumerate(text):
                data = {"id": number, "word": word, "start": 0.1 + 0.2 * number, "end": 0.25 + 0.2 * number}
                await ws.send(json.dumps({"status": "word_timestamp", "data": data, **ids}))
            for _ in range(2):
                await ws.send(chunk(SPOKEN, **ids))
            await ws.send(complete(**ids))

    settings = snb.SmallestTTSSettings(word_timestamps=True, voice="meher")
    text = "The first sentence is not long at all. The second sentence follows on the first. The third one ends it all."
    async with scripted(service) as url, tts(url, settings=settings) as voice:
        events = [e async for e in voice.run_tts(text)]
    starts = [e.start for e in events if isinstance(e, snb.WordTiming)]
    assert len(asked) > 1
    assert starts == pytest.approx([2 * n + 0.1 + 0.2 * word for n, count in enumerate(asked) for word in range(count)])


async def test_words_after_a_change_of_settings_go_on_with_the_streams_clock():
    """Each second of sound is of one value; the service hears a word in each that reaches it whole."""

    async def service(ws):
        heard, said = np.empty(0, np.int16), set()
        async for message in ws:
            if isinstance(message, str):
                await ws.send(json.dumps({"transcript": "", "is_final": True, "is_last": "close" in message}))
                continue
            heard = np.concatenate([heard, np.frombuffer(message, np.int16)])
            for value in sorted({*np.unique(heard).tolist()} - said):
                places = np.flatnonzero(heard == value)
                if len(places) == RATE:
                    said.add(value)
                    start = places[0] / RATE
                    word = {"word": f"word{value}", "start": start + 0.1, "end": start + 0.5}
                    result = {"transcript": word["word"], "is_final": True, "is_last": False, "words": [word]}
                    await ws.send(json.dumps(result))

    async with scripted(service) as url, stt(url) as ear:
        for value in range(1, 7):
            await ear.send(np.full(RATE, value, np.int16))
            if value == 3:
                await ear.update_settings(snb.SmallestSTTSettings(diarize=True))
        await ear.close()
        words = [
            (word.text, pytest.approx(word.start)) for segment in ear.transcript.segments for word in segment.words
        ]
    assert words == [(f"word{value}", value - 0.9) for value in range(1, 7)]
