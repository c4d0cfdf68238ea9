"""This package, through its public names only."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from bench.clients.interface import Heard, Settings, Take
from smallest_nb import AudioChunk, Segment, SmallestSTTService, SmallestTTSService


class OurVoice:
    """One service."""

    def __init__(self, tts: SmallestTTSService) -> None:
        self.events: list[str] = []
        self._tts = tts

    async def connect(self) -> None:
        await self._tts.connect()

    async def say(self, text: str, take: Take, *, more: bool = False) -> None:  # noqa: ARG002 - the interface
        async for event in self._tts.run_tts(text):
            if isinstance(event, AudioChunk):
                waiting = take(event.pcm)
                if waiting is not None:
                    await waiting

    def counts(self) -> dict[str, float]:
        """Return how much the service says it ignored."""
        return {"odd": self._tts.stray_frames}

    async def interrupt(self) -> None:
        await self._tts.interrupt()

    async def update(self, settings: Settings) -> None:
        await self._tts.update_settings(SmallestTTSService.Settings(**settings))

    async def close(self) -> None:
        await self._tts.close()


class OurEar:
    """One service, and its segments from the start."""

    def __init__(self, stt: SmallestSTTService) -> None:
        self.events: list[str] = []
        self._stt = stt
        self._segments = stt.segments()

    async def read(self, heard: Heard) -> None:
        async for segment in self._segments:
            heard(segment.text, segment.is_final, segment)

    def details(self, result: Segment) -> dict[str, Any]:
        return {"words": [dataclasses.asdict(word) for word in result.words]}

    def counts(self) -> dict[str, float]:
        """Return how much the service says it ignored and how much it had to drop."""
        return {"odd": self._stt.bad_frames, "dropped": self._stt.dropped_seconds}

    async def push(self, pcm: bytes) -> None:
        await self._stt.send(pcm)

    async def finalize(self) -> None:
        await self._stt.finalize()

    async def update(self, settings: Settings) -> None:
        await self._stt.update_settings(SmallestSTTService.Settings(**settings))

    async def end(self) -> None:
        await self._stt.close()

    async def close(self) -> None:
        await self._stt.close()


class Client:
    """Both services, with their defaults."""

    tts: ClassVar[Settings] = {}
    stt: ClassVar[Settings] = {}
    voice_setting = "voice"
    words_setting = "word_timestamps"

    async def voice(self, url: str, key: str, settings: Settings, **options: Any) -> OurVoice:
        chosen = SmallestTTSService.Settings(**settings)
        return OurVoice(SmallestTTSService(api_key=key, base_url=url, settings=chosen, **options))

    async def ear(self, url: str, key: str, settings: Settings, **options: Any) -> OurEar:
        chosen = SmallestSTTService.Settings(**settings)
        stt = SmallestSTTService(api_key=key, base_url=url, settings=chosen, **options)
        ear = OurEar(stt)
        try:
            await stt.connect()
        except BaseException:
            await stt.close()
            raise
        return ear
