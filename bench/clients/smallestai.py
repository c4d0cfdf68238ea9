"""The vendor's SDK, by its asynchronous typed sockets: the faster of its entry points (see the peers' measurements)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Callable
from typing import Any

from smallestai import AsyncSmallestAI
from smallestai.environment import SmallestAIEnvironment
from smallestai.waves.helpers.streaming_stt import stream_speech_to_text
from smallestai.waves.speech_to_text.types.close_stream import CloseStream
from smallestai.waves.tts.types.tts_request_message import TtsRequestMessage

from bench.clients.harness import run


class SdkVoice:
    """One socket; the SDK has no interruption, so its user closes and opens again."""

    def __init__(self, client: AsyncSmallestAI, voice: str) -> None:
        self._client = client
        self._voice = voice
        self._open = contextlib.AsyncExitStack()
        self._socket: Any = None

    async def connect(self) -> Any:
        if self._socket is None:
            self._socket = await self._open.enter_async_context(self._client.waves.tts.connect())
        return self._socket

    async def say(self, text: str, take: Callable[[bytes], None]) -> None:
        socket = await self.connect()
        request = TtsRequestMessage(
            text=text, voice_id=self._voice, model="lightning_v3.1", language="en", sample_rate=24000
        )
        await socket.synthesize_streaming_tts(request)
        async for message in socket:
            if message.status == "complete":
                return
            take(base64.b64decode(message.data.audio))

    async def interrupt(self) -> None:
        await self.close()

    async def set_voice(self, voice: str) -> None:
        self._voice = voice

    async def close(self) -> None:
        self._socket = None
        await self._open.aclose()


class SdkEar:
    """One socket and a task that reads it."""

    def __init__(self, stack: contextlib.AsyncExitStack, socket: Any, heard: Callable[[str], None]) -> None:
        self._stack = stack
        self._socket = socket
        self._reader = asyncio.create_task(self._read(heard))

    async def _read(self, heard: Callable[[str], None]) -> None:
        async for message in self._socket:
            heard(message.transcript)

    async def push(self, pcm: bytes) -> None:
        await self._socket.send_audio_chunk_out(pcm)

    async def close(self) -> None:
        await self._socket.send_close_stream(CloseStream(type="close_stream"))
        await self._reader
        await self._stack.aclose()


class Sdk:
    def _client(self, url: str) -> AsyncSmallestAI:
        http = url.replace("ws://", "http://", 1)
        environment = SmallestAIEnvironment(atoms=http, waves=http, waves_ws=url, payment=http)
        return AsyncSmallestAI(api_key="sk_bench", environment=environment)

    async def voice(self, url: str, voice: str) -> SdkVoice:
        session = SdkVoice(self._client(url), voice)
        await session.connect()
        return session

    async def ear(self, url: str, heard: Callable[[str], None]) -> SdkEar:
        stack = contextlib.AsyncExitStack()
        socket = await stack.enter_async_context(stream_speech_to_text(self._client(url), language="en"))
        return SdkEar(stack, socket, heard)


if __name__ == "__main__":
    run(Sdk)
