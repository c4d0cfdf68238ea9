"""LiveKit's plugin, with its defaults (continuations) and an HTTP session of its own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEventType
from livekit.plugins import smallestai

from clients.harness import Changes, Take, run

_TEXTS = (SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT)
_RETRY = APIConnectOptions(max_retry=1, retry_interval=0.2)


def _http(url: str) -> str:
    return f"{url.replace('ws', 'http', 1)}/waves/v1"


class LiveKitMouth:
    """One TTS; each text is a stream of its own."""

    def __init__(self, tts: smallestai.TTS, session: aiohttp.ClientSession) -> None:
        self._tts = tts
        self._session = session
        self._stream: Any = None
        self._interrupted = False
        self.told: list[str] = []
        tts.on("error", lambda error: self.told.append(f"error {error.error!r}"))

    async def say(self, text: str, take: Take, *, more: bool) -> None:
        self._interrupted = False
        self._stream = self._tts.stream(conn_options=_RETRY)
        for token in text.split(" "):  # as it comes from a language model
            self._stream.push_text(f"{token} ")
        if not more:
            self._stream.end_input()
        try:
            async for audio in self._stream:
                take(audio.frame.data.tobytes())
        except Exception:
            if not self._interrupted:
                raise
        finally:
            await self._stream.aclose()

    async def interrupt(self) -> None:
        self._interrupted = True
        await self._stream.aclose()

    async def update(self, changes: Changes) -> None:
        self._tts.update_options(**changes)

    async def close(self) -> None:
        await self._tts.aclose()
        await self._session.close()


class LiveKitEar:
    """One STT with one stream."""

    def __init__(self, stt: smallestai.STT, session: aiohttp.ClientSession) -> None:
        self._stt = stt
        self._session = session
        self.told: list[str] = []
        self.results: list[dict[str, Any]] = []
        stt.on("error", lambda error: self.told.append(f"error {error.error!r}"))
        self._stream = stt.stream(conn_options=_RETRY)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self._stream:
            if event.type not in _TEXTS:
                self.told.append(str(event.type.value))
                continue
            best = event.alternatives[0]
            words = [{"word": str(w), "start": w.start_time, "end": w.end_time} for w in best.words or []]
            final = event.type is SpeechEventType.FINAL_TRANSCRIPT
            self.results.append({"text": best.text, "final": final, "words": words})

    async def push(self, pcm: bytes) -> None:
        if self._reading.done():
            await self._reading  # raises what ended the stream
        self._stream.push_frame(rtc.AudioFrame(pcm, 16000, 1, len(pcm) // 2))

    async def finalize(self) -> None:
        self._stream.flush()

    async def update(self, changes: Changes) -> None:
        self._stt.update_options(**changes)

    async def end(self) -> None:
        self._stream.end_input()
        await self._reading

    async def close(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._reading
        await self._stream.aclose()
        await self._session.close()


class LiveKit:
    """The plugin's two classes, at a server of one's own by their three URLs."""

    async def mouth(self, url: str, key: str, settings: Changes) -> LiveKitMouth:
        session = aiohttp.ClientSession()
        tts = smallestai.TTS(
            api_key=key, base_url=_http(url), ws_url=f"{url}/waves/v1/tts/live", http_session=session, **settings
        )
        return LiveKitMouth(tts, session)

    async def ear(self, url: str, key: str, settings: Changes) -> LiveKitEar:
        session = aiohttp.ClientSession()
        return LiveKitEar(smallestai.STT(api_key=key, base_url=_http(url), http_session=session, **settings), session)


if __name__ == "__main__":
    run(LiveKit)
