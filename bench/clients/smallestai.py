"""The vendor's SDK: its asynchronous typed sockets, and `WavesStreamingTTS` if the settings say `classic`.

The typed sockets are the faster of its entry points.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from typing import Any, ClassVar

from smallestai import AsyncSmallestAI
from smallestai.environment import SmallestAIEnvironment
from smallestai.waves import TTSConfig, WavesStreamingTTS
from smallestai.waves.helpers.streaming_stt import stream_speech_to_text
from smallestai.waves.speech_to_text.types.close_stream import CloseStream
from smallestai.waves.speech_to_text.types.finalize_signal import FinalizeSignal
from smallestai.waves.tts.types.tts_request_message import TtsRequestMessage

from bench.clients.interface import Heard, ReportedError, Settings, Take


class SdkError(ReportedError):
    """The text of a message with the status error, which the SDK hands over like any other."""


class SdkVoice:
    """One typed socket. The SDK has no interruption, so its user closes the socket; the next text opens another."""

    def __init__(self, client: AsyncSmallestAI, settings: Settings) -> None:
        self.events: list[str] = []
        self._client = client
        self._settings = settings
        self._open = contextlib.AsyncExitStack()
        self._socket: Any = None

    async def connect(self) -> None:
        if self._socket is None:
            self._socket = await self._open.enter_async_context(self._client.waves.tts.connect())

    async def say(self, text: str, take: Take, *, more: bool = False) -> None:  # noqa: ARG002 - the interface
        await self.connect()
        socket = self._socket
        try:
            await socket.synthesize_streaming_tts(TtsRequestMessage(text=text, **self._settings))
            is_complete = await self._take_all(socket, take)
        except Exception:
            await self.close()
            raise
        if not is_complete and self._socket is socket:  # else `interrupt` closed it
            self.events.append("the socket closed before complete")

    async def _take_all(self, socket: Any, take: Take) -> bool:
        """Hand over audio until the socket ends; return whether the text did."""
        async for message in socket:
            if message.status == "complete":
                return True
            if message.status == "error":
                raise SdkError(str(message))
            if message.status == "chunk":
                waiting = take(base64.b64decode(message.data.audio))
                if waiting is not None:
                    await waiting
        return False

    async def interrupt(self) -> None:
        await self.close()

    async def update(self, settings: Settings) -> None:
        self._settings = self._settings | settings

    async def close(self) -> None:
        self._socket = None
        await self._open.aclose()


class ClassicVoice:
    """`WavesStreamingTTS`: a socket for each text, and a thread that waits for it."""

    def __init__(self, url: str, key: str, settings: Settings) -> None:
        self.events: list[str] = []
        self._url = f"{url}/waves/v1/tts/live"
        self._key = key
        self._settings = settings
        self._interrupted = False

    async def connect(self) -> None:
        """It connects for each text."""

    async def say(self, text: str, take: Take, *, more: bool = False) -> None:
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

    async def update(self, settings: Settings) -> None:
        self._settings = self._settings | settings

    async def close(self) -> None:
        self._interrupted = True


class SdkEar:
    """One typed socket; new settings need a new one."""

    def __init__(self, client: AsyncSmallestAI, settings: Settings) -> None:
        self.events: list[str] = []
        self._client = client
        self._settings = settings
        self._stack = contextlib.AsyncExitStack()
        self._socket: Any = None
        self._reopened: asyncio.Future[None] | None = None

    async def open(self) -> None:
        self._socket = await self._stack.enter_async_context(stream_speech_to_text(self._client, **self._settings))

    async def read(self, heard: Heard) -> None:
        while True:
            async for message in self._socket:
                if "error" in (getattr(message, "status", None), getattr(message, "type", None)):
                    self.events.append(f"error {message}")
                    raise SdkError(str(message))
                if getattr(message, "transcript", None):
                    heard(message.transcript, bool(message.is_final), message)
            if self._reopened is None:
                return
            await self._stack.aclose()
            await self.open()
            self._reopened.set_result(None)
            self._reopened = None

    def details(self, result: Any) -> dict[str, Any]:
        return {"wire": result.dict()}

    async def push(self, pcm: bytes) -> None:
        await self._socket.send_audio_chunk_out(pcm)

    async def finalize(self) -> None:
        await self._socket.send_finalize_signal(FinalizeSignal(type="finalize"))

    async def update(self, settings: Settings) -> None:
        self._settings = self._settings | settings
        reopened = self._reopened = asyncio.get_running_loop().create_future()  # `read` opens the next socket
        await self.end()
        await reopened

    async def end(self) -> None:
        await self._socket.send_close_stream(CloseStream(type="close_stream"))

    async def close(self) -> None:
        await self._stack.aclose()


class Client:
    """The SDK, at a server given by its environment."""

    tts: ClassVar[Settings] = {"model": "lightning_v3.1", "voice_id": "sophia", "language": "en", "sample_rate": 24000}
    stt: ClassVar[Settings] = {"language": "en"}
    voice_setting = "voice_id"
    words_setting = "word_timestamps"

    async def voice(self, url: str, key: str, settings: Settings, **_options: Any) -> SdkVoice | ClassicVoice:
        if settings.get("classic"):
            return ClassicVoice(url, key, {name: value for name, value in settings.items() if name != "classic"})
        return SdkVoice(_client(url, key), settings)

    async def ear(self, url: str, key: str, settings: Settings, **_options: Any) -> SdkEar:
        ear = SdkEar(_client(url, key), settings)
        await ear.open()
        return ear


def _client(url: str, key: str) -> AsyncSmallestAI:
    http = url.replace("ws", "http", 1)
    environment = SmallestAIEnvironment(atoms=http, waves=http, waves_ws=url, payment=http)
    return AsyncSmallestAI(api_key=key, environment=environment)
