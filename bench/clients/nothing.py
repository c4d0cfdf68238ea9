"""No client at all: what is pushed is dropped. What that costs is the bench's own share of the STT figures."""

from __future__ import annotations

from collections.abc import Callable

from bench.clients.harness import Voice, run


class NoEar:
    async def push(self, pcm: bytes) -> None:
        """Drop it."""

    async def close(self) -> None:
        """Nothing to end."""


class Nothing:
    async def voice(self, url: str, voice: str) -> Voice:
        raise NotImplementedError("without a client there is nothing to listen to")

    async def ear(self, url: str, heard: Callable[[str], None]) -> NoEar:  # noqa: ARG002 - the interface
        return NoEar()


if __name__ == "__main__":
    run(Nothing)
