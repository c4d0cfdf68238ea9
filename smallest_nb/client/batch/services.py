"""Open TTS services that are kept from item to item, so that only the first items pay for a handshake."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.client.target import Target
from smallest_nb.client.tts import SmallestTTSService
from smallest_nb.errors import SmallestError

if TYPE_CHECKING:
    from smallest_nb.client.transport import Transport

__all__ = ["OnBusy", "VoicePool"]

OnBusy = Callable[[SmallestError], None]
_SUSPEND_SECS = 30.0


class _Voice:
    """A service, and who hears of its refusals now."""

    def __init__(self, target: Target, sample_rate: int | None, transport: Transport | None) -> None:
        self.on_busy: OnBusy | None = None
        self.settings: SmallestTTSSettings | None = None
        self.service = SmallestTTSService(
            target=target,
            sample_rate=sample_rate,
            suspend_secs=_SUSPEND_SECS,
            spare_socket=False,
            transport=transport,
            on_busy=self._refused,
        )

    def _refused(self, error: SmallestError) -> None:
        if self.on_busy is not None:
            self.on_busy(error)


class VoicePool:
    """As many services as texts are spoken at once; those that just worked are used first.

    Args:
        target: Where they connect.
        sample_rate: Hz, or None for 24000.
        transport: What opens the sockets; None for the network, or the cassette that runs.
    """

    def __init__(self, target: Target, sample_rate: int | None, transport: Transport | None = None) -> None:
        self._target, self._sample_rate, self._transport = target, sample_rate, transport
        self._idle: list[_Voice] = []
        self._is_closed = False

    @contextlib.asynccontextmanager
    async def voice(self, settings: SmallestTTSSettings, on_busy: OnBusy) -> AsyncIterator[SmallestTTSService]:
        """Lend a service with these settings, complete ones; one that fails is not lent again."""
        voice = self._idle.pop() if self._idle else _Voice(self._target, self._sample_rate, self._transport)
        voice.on_busy = on_busy
        try:
            if voice.settings is not settings:  # items with the same settings share them
                await voice.service.update_settings(settings)
                voice.settings = settings
            yield voice.service
        except BaseException:
            voice.on_busy = None
            await voice.service.close()
            raise
        voice.on_busy = None
        if self._is_closed:
            await voice.service.close()
        else:
            self._idle.append(voice)

    async def close(self) -> None:
        """Close all that are idle; those that are lent are closed when they come back."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(voice.service.close() for voice in idle), return_exceptions=True)
