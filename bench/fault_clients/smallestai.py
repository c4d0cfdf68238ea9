"""The vendor's SDK, by its asynchronous typed sockets."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from smallestai import AsyncSmallestAI
from smallestai.environment import SmallestAIEnvironment
from smallestai.waves.helpers.streaming_stt import stream_speech_to_text
from smallestai.waves.speech_to_text.types.close_stream import CloseStream
from smallestai.waves.speech_to_text.types.finalize_signal import FinalizeSignal
from smallestai.waves.tts.types.tts_request_message import TtsRequestMessage

from bench.faults.drive import run


class SdkError(Exception):
    """What a message with the status error said: the SDK hands it over like any other."""


class SdkMouth:
    """One socket, opened anew after each failure, as its user would."""

    def __init__(self, client: AsyncSmallestAI) -> None:
        self._client = client
        self._open = contextlib.AsyncExitStack()
        self._socket: Any = None

    async def say(self, text: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        if self._socket is None:
            self._socket = await self._open.enter_async_context(self._client.waves.tts.connect())
        try:
            await self._say(text, take)
        except Exception:
            await self.close()
            raise

    async def _say(self, text: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        request = TtsRequestMessage(
            text=text, voice_id="sophia", model="lightning_v3.1", language="en", sample_rate=24000
        )
        await self._socket.synthesize_streaming_tts(request)
        async for message in self._socket:
            if message.status == "complete":
                return
            if message.status == "error":
                raise SdkError(str(message))
            if message.status == "chunk":
                await take(base64.b64decode(message.data.audio))

    async def close(self) -> None:
        self._socket = None
        await self._open.aclose()


class SdkEar:
    """One socket."""

    def __init__(self, stack: contextlib.AsyncExitStack, socket: Any) -> None:
        self._stack = stack
        self._socket = socket

    async def results(self) -> AsyncIterator[tuple[str, bool]]:
        async for message in self._socket:
            if getattr(message, "status", None) == "error" or getattr(message, "type", None) == "error":
                raise SdkError(str(message))
            if getattr(message, "transcript", None):
                yield message.transcript, bool(message.is_final)

    async def push(self, pcm: bytes) -> None:
        await self._socket.send_audio_chunk_out(pcm)

    async def finalize(self) -> None:
        await self._socket.send_finalize_signal(FinalizeSignal(type="finalize"))

    async def end(self) -> None:
        await self._socket.send_close_stream(CloseStream(type="close_stream"))

    async def close(self) -> None:
        await self._stack.aclose()


class Sdk:
    def _client(self, url: str) -> AsyncSmallestAI:
        http = url.replace("ws", "http", 1)
        environment = SmallestAIEnvironment(atoms=http, waves=http, waves_ws=url, payment=http)
        return AsyncSmallestAI(api_key="sk_fault", environment=environment)

    async def mouth(self, url: str, options: dict[str, Any]) -> SdkMouth:  # noqa: ARG002 - ours only
        return SdkMouth(self._client(url))

    async def ear(self, url: str, options: dict[str, Any]) -> SdkEar:  # noqa: ARG002 - ours only
        stack = contextlib.AsyncExitStack()
        opening = stream_speech_to_text(self._client(url), language="en", word_timestamps=True)
        socket = await stack.enter_async_context(opening)
        return SdkEar(stack, socket)


if __name__ == "__main__":
    run(Sdk)
