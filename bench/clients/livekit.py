"""LiveKit's plugin, with its defaults (continuations) and a session of its own: the shared one stops at 50 sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import APIError
from livekit.agents.stt import SpeechEventType
from livekit.plugins import smallestai

from bench.clients.harness import run

_KEY = "sk_bench"
_TEXT = (SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT)


class LiveKitVoice:
    """One TTS; each text is a stream of its own."""

    def __init__(self, tts: smallestai.TTS) -> None:
        self._tts = tts
        self._stream: Any = None

    async def say(self, text: str, take: Callable[[bytes], None]) -> None:
        stream = self._stream = self._tts.stream()
        stream.push_text(text)
        stream.end_input()
        async for audio in stream:
            take(audio.frame.data.tobytes())
        await stream.aclose()

    async def interrupt(self) -> None:
        await self._stream.aclose()

    async def set_voice(self, voice: str) -> None:
        self._tts.update_options(voice_id=voice)

    async def close(self) -> None:
        await self._tts.aclose()


class LiveKitEar:
    """One stream and a task that takes its events."""

    def __init__(self, stream: Any, heard: Callable[[str], None]) -> None:
        self._stream = stream
        self._reader = asyncio.create_task(self._read(heard))

    async def _read(self, heard: Callable[[str], None]) -> None:
        async for event in self._stream:
            if event.type in _TEXT:
                heard(event.alternatives[0].text)

    async def push(self, pcm: bytes) -> None:
        self._stream.push_frame(rtc.AudioFrame(pcm, 16000, 1, len(pcm) // 2))

    async def close(self) -> None:
        self._stream.end_input()
        with contextlib.suppress(APIError):
            await self._reader
        await self._stream.aclose()


class LiveKit:
    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def voice(self, url: str, voice: str) -> LiveKitVoice:
        tts = smallestai.TTS(
            api_key=_KEY,
            model="lightning_v3.1",
            voice_id=voice,
            base_url=f"{url.replace('ws://', 'http://', 1)}/waves/v1",
            ws_url=f"{url}/waves/v1/tts/live",
            http_session=self._session,
        )
        tts.prewarm()
        return LiveKitVoice(tts)

    async def ear(self, url: str, heard: Callable[[str], None]) -> LiveKitEar:
        base = f"{url.replace('ws://', 'http://', 1)}/waves/v1"
        stt = smallestai.STT(api_key=_KEY, base_url=base, http_session=self._session)
        return LiveKitEar(stt.stream(), heard)


if __name__ == "__main__":
    run(LiveKit)
