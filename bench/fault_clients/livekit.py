"""LiveKit's plugin, with its defaults (continuations)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents.stt import SpeechEventType
from livekit.plugins import smallestai

from bench.faults.drive import run

_KEY = "sk_fault"


def _http(url: str) -> str:
    return f"{url.replace('ws', 'http', 1)}/waves/v1"


class LiveKitMouth:
    """One TTS; each text is a stream of its own."""

    def __init__(self, tts: smallestai.TTS, session: aiohttp.ClientSession) -> None:
        self._tts = tts
        self._session = session

    async def say(self, text: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        async with self._tts.stream() as stream:
            stream.push_text(text)
            stream.end_input()
            async for audio in stream:
                await take(audio.frame.data.tobytes())

    async def close(self) -> None:
        await self._tts.aclose()
        await self._session.close()


class LiveKitEar:
    """One stream."""

    def __init__(self, stt: smallestai.STT, session: aiohttp.ClientSession) -> None:
        self._stream = stt.stream()
        self._session = session

    async def results(self) -> AsyncIterator[tuple[str, bool]]:
        async for event in self._stream:
            if event.type in (SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT):
                yield event.alternatives[0].text, event.type is SpeechEventType.FINAL_TRANSCRIPT

    async def push(self, pcm: bytes) -> None:
        self._stream.push_frame(rtc.AudioFrame(pcm, 16000, 1, len(pcm) // 2))

    async def finalize(self) -> None:
        self._stream.flush()

    async def end(self) -> None:
        self._stream.end_input()

    async def close(self) -> None:
        await self._stream.aclose()
        await self._session.close()


class LiveKit:
    async def mouth(self, url: str, options: dict[str, Any]) -> LiveKitMouth:  # noqa: ARG002 - ours only
        session = aiohttp.ClientSession()
        tts = smallestai.TTS(
            api_key=_KEY,
            model="lightning_v3.1",
            voice_id="sophia",
            base_url=_http(url),
            ws_url=f"{url}/waves/v1/tts/live",
            http_session=session,
        )
        return LiveKitMouth(tts, session)

    async def ear(self, url: str, options: dict[str, Any]) -> LiveKitEar:  # noqa: ARG002 - ours only
        session = aiohttp.ClientSession()
        return LiveKitEar(smallestai.STT(api_key=_KEY, base_url=_http(url), http_session=session), session)


if __name__ == "__main__":
    run(LiveKit)
