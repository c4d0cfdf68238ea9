"""This package, through its public names only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bench.clients.harness import run
from smallest_nb import SmallestSTTService, SmallestTTSService

_KEY = "sk_bench"


class OurVoice:
    """One service."""

    def __init__(self, tts: SmallestTTSService) -> None:
        self._tts = tts

    async def say(self, text: str, take: Callable[[bytes], None]) -> None:
        async for event in self._tts.run_tts(text):
            take(event.pcm)  # words were not asked for: every event is audio

    async def interrupt(self) -> None:
        await self._tts.interrupt()

    async def set_voice(self, voice: str) -> None:
        await self._tts.update_settings(SmallestTTSService.Settings(voice=voice))

    async def close(self) -> None:
        await self._tts.close()


class OurEar:
    """One service and a task that takes its segments."""

    def __init__(self, stt: SmallestSTTService, heard: Callable[[str], None]) -> None:
        self._stt = stt
        self._reader = asyncio.create_task(self._read(heard))

    async def _read(self, heard: Callable[[str], None]) -> None:
        async for segment in self._stt.segments():
            heard(segment.text)

    async def push(self, pcm: bytes) -> None:
        await self._stt.send(pcm)

    async def close(self) -> None:
        await self._stt.close()
        await self._reader


class Ours:
    async def voice(self, url: str, voice: str) -> OurVoice:
        settings = SmallestTTSService.Settings(voice=voice)
        tts = SmallestTTSService(api_key=_KEY, base_url=url, settings=settings)
        await tts.connect()
        return OurVoice(tts)

    async def ear(self, url: str, heard: Callable[[str], None]) -> OurEar:
        stt = SmallestSTTService(api_key=_KEY, base_url=url)
        await stt.connect()
        return OurEar(stt, heard)


if __name__ == "__main__":
    run(Ours)
