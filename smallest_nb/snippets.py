"""Settings as code for other places: only what differs from the default. Imports settings and protocol."""

from __future__ import annotations

import json
from pprint import pformat
from typing import Any

from smallest_nb.catalog import TTS_MODELS
from smallest_nb.errors import ConfigError
from smallest_nb.protocol.tts import tts_request, tts_url
from smallest_nb.settings import SmallestTTSSettings, why_not_taken

__all__ = ["TARGETS", "tts_code"]

TARGETS = ("pipecat", "smallest_nb", "websocket")

_PIPECAT = """import os

from pipecat.services.smallest.tts import SmallestTTSService

tts = SmallestTTSService(
    api_key=os.environ["SMALLEST_API_KEY"],
    settings=SmallestTTSService.Settings({settings}),
)
"""

_SMALLEST_NB = """import smallest_nb as snb

async with snb.SmallestTTSService(settings=snb.SmallestTTSSettings({settings})) as tts:
    clip = await tts.synthesize({text})
clip.to_wav("speech.wav")
"""

_WEBSOCKET = """import asyncio, base64, json, os, wave

import websockets

URL = {url}
REQUEST = {request}


async def main():
    headers = {{"Authorization": "Bearer " + os.environ["SMALLEST_API_KEY"]}}
    pcm = b""
    async with websockets.connect(URL, additional_headers=headers, compression=None) as ws:
        await ws.send(json.dumps(REQUEST))
        async for message in ws:
            frame = json.loads(message)
            if frame["status"] == "chunk":
                pcm += base64.b64decode(frame["data"]["audio"])
            elif frame["status"] == "complete":
                break
            elif frame["status"] == "error":
                raise RuntimeError(frame)
    with wave.open("speech.wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate({rate})
        file.writeframes(pcm)


asyncio.run(main())
"""


def tts_code(target: str, settings: SmallestTTSSettings, *, text: str, sample_rate: int = 24000, base_url: str) -> str:
    """Return a snippet that speaks with these settings.

    Args:
        target: "pipecat", "smallest_nb" or "websocket".
        settings: A complete snapshot.
        text: What to say.
        sample_rate: Hz.
        base_url: Where to; for the raw snippet.

    Raises:
        ConfigError: Another target.
    """
    changed = {
        n: v for n, v in settings.changed_from_default().items() if n == "extra" or not why_not_taken(settings, n)
    }
    if target == "smallest_nb":
        return _SMALLEST_NB.format(settings=_arguments(changed), text=json.dumps(text, ensure_ascii=False))
    if target == "pipecat":
        model = TTS_MODELS[str(settings.model)]
        named = {**changed, "model": model.wire_id if model.unified else model.id, "voice": settings.voice}
        pipecat = {n: v for n, v in named.items() if n not in ("word_timestamps", "complete_backoff_ms")}
        return _PIPECAT.format(settings=_arguments(pipecat))
    if target == "websocket":
        request = {n: str(v) if isinstance(v, str) else v
                   for n, v in tts_request(settings, text, sample_rate=sample_rate).items()}  # fmt: skip
        url = json.dumps(tts_url(base_url, str(settings.model)))
        return _WEBSOCKET.format(url=url, request=pformat(request, sort_dicts=False), rate=sample_rate)
    raise ConfigError(f"There is no code for {target!r}; choose one of {', '.join(TARGETS)}.")


def _arguments(values: dict[str, Any]) -> str:
    return ", ".join(f"{n}={_literal(v)}" for n, v in values.items())


def _literal(value: Any) -> str:
    return json.dumps(str(value), ensure_ascii=False) if isinstance(value, str) else repr(value)
