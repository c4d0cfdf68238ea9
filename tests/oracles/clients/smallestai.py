"""The vendor's SDK: its asynchronous typed sockets, and `WavesStreamingTTS` where the settings say `classic`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from typing import Any

from smallestai import AsyncSmallestAI
from smallestai.environment import SmallestAIEnvironment
from smallestai.waves import TTSConfig, WavesStreamingTTS
from smallestai.waves.helpers.streaming_stt import stream_speech_to_text
from smallestai.waves.speech_to_text.types.close_stream import CloseStream
from smallestai.waves.speech_to_text.types.finalize_signal import FinalizeSignal
from smallestai.waves.tts.types.tts_request_message import TtsRequestMessage

from clients.harness import Changes, Take, run


def _client(url: str, key: str) -> AsyncSmallestAI:
    http = url.replace("ws", "http", 1)
    return AsyncSmallestAI(
        api_key=key, environment=SmallestAIEnvironment(atoms=http, waves=http, waves_ws=url, payment=http)
    )


class TypedMouth:
    """One typed socket; the SDK has no interruption, so its user hangs up and connects again."""

    def __init__(self, client: AsyncSmallestAI, settings: Changes) -> None:
        self._client = client
        self._settings = settings
        self._open = contextlib.AsyncExitStack()
        self._socket: Any = None
        self._interrupted = False
        self.told: list[str] = []

    async def say(self, text: str, take: Take, *, more: bool) -> None:
        self._interrupted = False
        if self._socket is None:
            self._socket = await self._open.enter_async_context(self._client.waves.tts.connect())
        await self._socket.synthesize_streaming_tts(TtsRequestMessage(text=text, **self._settings))
        async for message in self._socket:
            if message.status == "chunk":
                take(base64.b64decode(message.data.audio))
            elif message.status == "complete":
                return
            elif message.status == "error":
                raise RuntimeError(str(message))
        if not self._interrupted:
            raise RuntimeError("the socket closed before complete")

    async def interrupt(self) -> None:
        self._interrupted = True
        await self.close()

    async def update(self, changes: Changes) -> None:
        self._settings = self._settings | changes

    async def close(self) -> None:
        self._socket = None
        await self._open.aclose()


class ClassicMouth:
    """`WavesStreamingTTS`: a socket for each text, and a thread that waits for it."""

    def __init__(self, url: str, key: str, settings: Changes) -> None:
        self._url = f"{url}/waves/v1/tts/live"
        self._key = key
        self._settings = settings
        self._interrupted = False
        self.told: list[str] = []

    async def say(self, text: str, take: Take, *, more: bool) -> None:
        self._interrupted = False
        loop = asyncio.get_running_loop()
        tts = WavesStreamingTTS(TTSConfig(api_key=self._key, **self._settings))
        tts.ws_url = self._url

        def speak() -> None:
            words = (f"{word} " for word in text.split(" "))
            audio = tts.synthesize_streaming(words) if more else tts.synthesize(text)
            for chunk in audio:
                if self._interrupted:
                    audio.close()  # an abandoned generator closes its socket
                    return
                loop.call_soon_threadsafe(take, chunk)

        await asyncio.to_thread(speak)
        await asyncio.sleep(0)  # the last chunk's callback

    async def interrupt(self) -> None:
        self._interrupted = True

    async def update(self, changes: Changes) -> None:
        self._settings = self._settings | changes

    async def close(self) -> None:
        self._interrupted = True


class SdkEar:
    """One typed socket and a task that reads it; new settings need a new socket."""

    def __init__(self, client: AsyncSmallestAI, settings: Changes) -> None:
        self._client = client
        self._settings = settings
        self.told: list[str] = []
        self.results: list[dict[str, Any]] = []

    async def open(self) -> None:
        self._open = contextlib.AsyncExitStack()
        self._socket = await self._open.enter_async_context(stream_speech_to_text(self._client, **self._settings))
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            if getattr(message, "type", None) == "error":
                self.told.append(f"error {message}")
            elif getattr(message, "transcript", None):
                self.results.append(
                    {"text": message.transcript, "final": bool(message.is_final), "wire": message.dict()}
                )

    async def push(self, pcm: bytes) -> None:
        await self._socket.send_audio_chunk_out(pcm)

    async def finalize(self) -> None:
        await self._socket.send_finalize_signal(FinalizeSignal(type="finalize"))

    async def update(self, changes: Changes) -> None:
        await self.end()
        await self._open.aclose()
        self._settings = self._settings | changes
        await self.open()

    async def end(self) -> None:
        await self._socket.send_close_stream(CloseStream(type="close_stream"))
        await self._reading

    async def close(self) -> None:
        self._reading.cancel()
        await self._open.aclose()


class Sdk:
    """The SDK, at a server of one's own by its environment."""

    async def mouth(self, url: str, key: str, settings: Changes) -> TypedMouth | ClassicMouth:
        if settings.pop("classic", False):
            return ClassicMouth(url, key, settings)
        return TypedMouth(_client(url, key), settings)

    async def ear(self, url: str, key: str, settings: Changes) -> SdkEar:
        ear = SdkEar(_client(url, key), settings)
        await ear.open()
        return ear


if __name__ == "__main__":
    run(Sdk)
