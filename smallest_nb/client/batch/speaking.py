"""One text: spoken, and made into a file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from smallest_nb.audio.clip import Clip
from smallest_nb.audio.encoder import encode_clip
from smallest_nb.client.batch.items import Item, Made
from smallest_nb.client.batch.services import OnBusy, VoicePool
from smallest_nb.client.daemon_thread import run_in_daemon_thread
from smallest_nb.client.target import Target
from smallest_nb.results.metrics import TTSMetrics

if TYPE_CHECKING:
    from smallest_nb.client.transport import Transport

__all__ = ["Speaking"]

_TIMEOUT_SECS = 600.0


class Speaking:
    """Speaks items; see :class:`~smallest_nb.client.batch.runner.Work`.

    Args:
        target: Where to connect.
        sample_rate: Hz, or None for 24000.
        timeout: Seconds for one attempt; None for ten minutes.
        keeps_values: Whether clips are kept in memory.
        transport: What opens the sockets.
    """

    limits_itself = False

    def __init__(
        self,
        target: Target,
        sample_rate: int | None,
        *,
        timeout: float | None = None,
        keeps_values: bool = True,
        transport: Transport | None = None,
    ) -> None:
        self._pool = VoicePool(target, sample_rate, transport)
        self._timeout = _TIMEOUT_SECS if timeout is None else timeout
        self._keeps_values = keeps_values

    async def prepare(self, item: Item) -> str:
        """Return the text."""
        return item.input

    async def request(self, item: Item, prepared: str, on_busy: OnBusy) -> tuple[Clip, TTSMetrics]:
        """Speak it."""
        async with asyncio.timeout(self._timeout), self._pool.voice(item.settings, on_busy) as service:
            clip = await service.synthesize(prepared)
            return clip, service.metrics[-1]

    async def finish(self, item: Item, prepared: str, answer: tuple[Clip, TTSMetrics]) -> Made:
        """Make its files."""
        clip, metrics = answer
        made = Made(
            clip if self._keeps_values else None,
            duration=clip.duration,
            characters=len(prepared),
            ttfb_s=metrics.ttfb_s,
        )
        for name in item.outputs:
            sound_format = name.rpartition(".")[2].lower()
            if sound_format == "wav":  # a copy of memory
                made.files[name] = clip.wav_bytes()
            else:
                made.files[name] = await run_in_daemon_thread(encode_clip, clip, sound_format)
        return made

    def ends_run(self, error: BaseException) -> bool:  # noqa: ARG002 - the protocol
        """No error of one item says anything of the others."""
        return False

    async def close(self) -> None:
        """Close the sockets."""
        await self._pool.close()
