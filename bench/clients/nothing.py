"""No client at all: what is pushed is dropped. What that costs is the bench's own share of the STT figures."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from bench.clients.interface import Heard, Settings, Voice


class NoEar:
    """Drops everything."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def read(self, heard: Heard) -> None:  # noqa: ARG002 - the interface
        await asyncio.Event().wait()

    def details(self, result: Any) -> dict[str, Any]:  # noqa: ARG002 - the interface
        return {}

    async def push(self, pcm: bytes) -> None:
        """Drop it."""

    async def finalize(self) -> None:
        """Nothing to finalize."""

    async def update(self, settings: Settings) -> None:
        """Nothing to change."""

    async def end(self) -> None:
        """Nothing to end."""

    async def close(self) -> None:
        """Nothing to close."""


class Client:
    """No library."""

    tts: ClassVar[Settings] = {}
    stt: ClassVar[Settings] = {}
    voice_setting = ""
    words_setting = ""

    async def voice(self, url: str, key: str, settings: Settings, **_options: Any) -> Voice:
        raise NotImplementedError("without a client there is nothing to listen to")

    async def ear(self, url: str, key: str, settings: Settings, **_options: Any) -> NoEar:  # noqa: ARG002
        return NoEar()
