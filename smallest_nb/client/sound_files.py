"""A whole sound through a transcription service: how it is set up, sent and waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from smallest_nb.api.catalog import STT_SAMPLE_RATES
from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip, StreamResampler
from smallest_nb.client.stt import SmallestSTTService
from smallest_nb.errors import SmallestError

if TYPE_CHECKING:
    from smallest_nb.client.target import Target
    from smallest_nb.client.transport import Transport
    from smallest_nb.common.secret import Secret

__all__ = ["for_captions", "send_clip", "service_for_clip"]

_SEND_SECS = 0.1
_LEAVE_SECS = 1.0


def for_captions(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a recorded file, as captions need them unless they already say otherwise.

    Words have their times, and text is not frozen every few words in the middle of a sentence.
    """
    whole = {} if "max_words" in settings else {"finalize_on_words": False}
    return {"word_timestamps": True, **whole, **settings}


def service_for_clip(
    clip: Clip,
    settings: SmallestSTTSettings,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    target: Target | None = None,
    timeout: float | None = None,
    transport: Transport | None = None,
    on_busy: Callable[[SmallestError], None] | None = None,
) -> SmallestSTTService:
    """Return a service that keeps all of a clip until it is transcribed; arguments as those of the service.

    `timeout` are the seconds that the caller gives to all of it, or None.
    """
    return SmallestSTTService(
        api_key=api_key,
        base_url=base_url,
        sample_rate=clip.sample_rate if clip.sample_rate in STT_SAMPLE_RATES else None,
        settings=settings,
        close_timeout=clip.duration + 10 if timeout is None else timeout + _LEAVE_SECS,  # the caller's is the first
        resend_secs=clip.duration + 1,
        target=target,
        transport=transport,
        on_busy=on_busy,
    )


async def send_clip(service: SmallestSTTService, clip: Clip, sent: Callable[[float], None] | None = None) -> None:
    """Send a clip piece by piece, wait for its last words and close the service.

    Args:
        service: The service.
        clip: The sound.
        sent: Called with the seconds that were sent so far.

    Raises:
        SmallestError: The service refused, was not reached or broke off.
    """
    results = service.segments()

    async def read_to_the_end() -> None:
        async for _ in results:
            pass

    reader = asyncio.ensure_future(read_to_the_end())
    try:
        await service.connect()
        resampler = StreamResampler(clip.sample_rate, service.sample_rate)
        size = int(_SEND_SECS * clip.sample_rate) * BYTES_PER_SAMPLE
        for at in range(0, len(clip.pcm), size):
            piece = resampler.push(clip.pcm[at : at + size], last=at + size >= len(clip.pcm))
            await service.send(piece)
            if sent is not None:
                sent((at + size) / BYTES_PER_SAMPLE / clip.sample_rate)
            await asyncio.sleep(0)  # sending may not wait at all, and the results have to be read meanwhile
        await service.close()
        await reader
    finally:
        reader.cancel()
        # After a failure or an interrupt the last words are not waited for, and what is raised already stands.
        with contextlib.suppress(TimeoutError, SmallestError):
            async with asyncio.timeout(_LEAVE_SECS):
                await service.close()
