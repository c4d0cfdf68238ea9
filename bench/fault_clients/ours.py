"""This package, through its public names only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bench.faults.drive import run
from smallest_nb import AudioChunk, SmallestSTTService, SmallestTTSService

_KEY = "sk_fault"


class OurMouth:
    """One service."""

    def __init__(self, tts: SmallestTTSService) -> None:
        self._tts = tts

    async def say(self, text: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        async for event in self._tts.run_tts(text):
            if isinstance(event, AudioChunk):
                await take(event.pcm)

    def counts(self) -> dict[str, float]:
        """Return what the service says it ignored."""
        return {"odd": self._tts.stray_frames}

    async def close(self) -> None:
        await self._tts.close()


class OurEar:
    """One service, and its segments from the start."""

    def __init__(self, stt: SmallestSTTService) -> None:
        self._stt = stt
        self._segments = stt.segments()

    async def results(self) -> AsyncIterator[tuple[str, bool]]:
        async for segment in self._segments:
            yield segment.text, segment.is_final

    async def push(self, pcm: bytes) -> None:
        await self._stt.send(pcm)

    def counts(self) -> dict[str, float]:
        """Return what the service says it ignored, and what it had to drop."""
        return {"odd": self._stt.bad_frames, "dropped": self._stt.dropped_seconds}

    async def finalize(self) -> None:
        await self._stt.finalize()

    async def end(self) -> None:
        await self._stt.close()

    async def close(self) -> None:
        await self._stt.close()


class Ours:
    async def mouth(self, url: str, options: dict[str, Any]) -> OurMouth:
        return OurMouth(SmallestTTSService(api_key=_KEY, base_url=url, **options))

    async def ear(self, url: str, options: dict[str, Any]) -> OurEar:
        timed = options.pop("timed", True)
        settings = SmallestSTTService.Settings(word_timestamps=timed)
        stt = SmallestSTTService(api_key=_KEY, base_url=url, settings=settings, **options)
        ear = OurEar(stt)
        try:
            await stt.connect()
        except BaseException:
            await stt.close()
            raise
        return ear


if __name__ == "__main__":
    run(Ours)
