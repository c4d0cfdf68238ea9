"""Blocking one-liners for a plain cell or script. Imports services and runtime."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from smallest_nb import runtime
from smallest_nb.audio import Clip
from smallest_nb.errors import ConfigError
from smallest_nb.services import rest
from smallest_nb.services.stt import SmallestSTTService
from smallest_nb.services.tts import SmallestTTSService
from smallest_nb.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.transcript import Transcript
from smallest_nb.voices import Voice

__all__ = ["list_voices", "speak", "transcribe", "transcribe_recording"]

_SEND_SECS = 0.1


def speak(
    text: str,
    *,
    sample_rate: int | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float = 60.0,
    **settings: Any,
) -> Clip:
    """Speak a text and return it as a clip.

    Args:
        text: What to say.
        sample_rate: Hz; None means 24000.
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives, else the simulator.
        base_url: `wss://api.smallest.ai` unless told otherwise.
        timeout: Seconds to wait.
        settings: Such as `voice="liam"` or `speed=1.2`.

    Raises:
        SmallestError: What went wrong.
        TimeoutError: It took longer.
    """
    service = SmallestTTSService(
        api_key=api_key, base_url=base_url, sample_rate=sample_rate, settings=SmallestTTSSettings(**settings)
    )

    async def run() -> Clip:
        try:
            return await service.synthesize(text)
        finally:
            await service.close()

    return runtime.call(run(), timeout)


def transcribe(
    audio: Clip | str | Path,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = None,
    **settings: Any,
) -> Transcript:
    """Transcribe a clip or a WAV file, as fast as the service takes it.

    Args:
        audio: A clip, or the path of a WAV file; an array becomes a clip with `Clip.from_array(samples, rate)`.
        api_key: As for :func:`speak`.
        base_url: As for :func:`speak`.
        timeout: Seconds; None for three times the length and a margin.
        settings: Such as `word_timestamps=True`.

    Raises:
        SmallestError: What went wrong.
        TimeoutError: It took longer.
    """
    if not isinstance(audio, Clip | str | Path):
        raise ConfigError(
            f"transcribe takes a Clip or the path of a WAV file, got {type(audio).__name__}; an array becomes a clip "
            "with Clip.from_array(samples, sample_rate)."
        )
    clip = (audio if isinstance(audio, Clip) else Clip.from_wav(audio)).resample(16000)
    service = SmallestSTTService(
        api_key=api_key,
        base_url=base_url,
        settings=SmallestSTTSettings(**settings),
        close_timeout=clip.duration + 10,
    )

    async def run() -> Transcript:
        collected = Transcript()

        results = service.segments()

        async def collect() -> None:
            async for segment in results:
                collected.apply(segment)

        reader = asyncio.ensure_future(collect())
        try:
            await service.connect()
            size = int(_SEND_SECS * clip.sample_rate) * 2
            for at in range(0, len(clip.pcm), size):
                await service.send(clip.pcm[at : at + size])
            await service.close()
            await reader
        finally:
            reader.cancel()
            await service.close()
        return collected

    return runtime.call(run(), timeout if timeout is not None else 3 * clip.duration + 30)


def list_voices(model: str = "lightning-v3.1", *, refresh: bool = False, timeout: float = 10.0) -> tuple[Voice, ...]:
    """Return a model's voices: the service's own list, kept for an hour, else those of the model cards.

    Args:
        model: `lightning-v3.1`, `lightning-v3.1-pro` or `lightning-v2`, either spelling.
        refresh: Ask again even where the list is known.
        timeout: Seconds to wait for the service; then the model cards answer.

    Raises:
        ConfigError: No such model.
        AuthError: A refused key.
    """
    return runtime.call(rest.list_voices(model, refresh=refresh, timeout=timeout), 2 * timeout + 5)


def transcribe_recording(audio: Clip | str | Path | bytes, *, timeout: float = 300.0, **settings: Any) -> Transcript:
    """Transcribe a whole recording in one request, in any format that the service reads (WAV, MP3, ...).

    Args:
        audio: A clip, the path of an audio file, or a file's bytes; at most 250 MB.
        timeout: Seconds for each step of the network.
        settings: Such as `word_timestamps=True`, `diarize=True` or `language="multi-eu"`.

    Raises:
        ConfigError: No such file, or too large a one; the simulator, which has no such call.
        SmallestError: What went wrong.
    """
    return runtime.call(
        rest.transcribe_recording(audio, settings=SmallestSTTSettings(**settings), timeout=timeout), 2 * timeout + 5
    )
