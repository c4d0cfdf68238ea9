"""What is asked once and not streamed: the list of voices, the transcript of a recording. Imports link, protocol."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from time import monotonic

from smallest_nb.audio import Clip
from smallest_nb.catalog import SmallestTTSModel, tts_model
from smallest_nb.errors import AuthError, CassetteError, ConfigError, SmallestError
from smallest_nb.link import target as targets
from smallest_nb.link.deck import current_deck
from smallest_nb.link.http import fetch_json
from smallest_nb.protocol import rest as wire
from smallest_nb.secret import Secret
from smallest_nb.settings import SmallestSTTSettings
from smallest_nb.transcript import Transcript
from smallest_nb.voices import Voice, voices_of

__all__ = ["list_voices", "transcribe_recording"]

_log = logging.getLogger(__name__)
_KEEP_SECS = 3600.0
_cache: dict[tuple[str, str], tuple[float, tuple[Voice, ...]]] = {}


async def list_voices(
    model: str = SmallestTTSModel.LIGHTNING_V3_1,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    refresh: bool = False,
    timeout: float = 10.0,
) -> tuple[Voice, ...]:
    """Return a model's voices: the service's own list, kept for an hour, else those of the model cards.

    Args:
        model: Either spelling.
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives.
        base_url: `wss://api.smallest.ai` unless told otherwise.
        refresh: Ask again even where the list is known.
        timeout: Seconds to wait for the service; then the model cards answer.

    Raises:
        ConfigError: No such model.
        AuthError: No key, or a refused one.
        CassetteError: A cassette is replayed that does not hold it.
    """
    api_key, base_url = targets.boxed(api_key, base_url)
    info = tts_model(model)
    target = targets.resolve(api_key, base_url)
    live = current_deck() is None  # a recording holds each question, and a cassette answers for itself
    kept = _cache.get((target.base_url, info.id)) if live else None
    if kept is not None and not refresh and monotonic() - kept[0] < _KEEP_SECS:
        return kept[1]
    if info.retired:
        return voices_of(info.id)
    try:
        body = await fetch_json(wire.voices_url(target.base_url, info.id), target, timeout=timeout)
        voices = wire.parse_voices(body, info.id)
    except (AuthError, CassetteError):
        raise
    except SmallestError as error:
        _log.warning("The live list of voices could not be had, the model cards answer: %s", error)
        return kept[1] if kept is not None else voices_of(info.id)
    if live:
        _cache[target.base_url, info.id] = (monotonic(), voices)
    return voices


async def transcribe_recording(
    audio: Clip | str | Path | bytes,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    settings: SmallestSTTSettings | None = None,
    timeout: float = 300.0,
) -> Transcript:
    """Transcribe a whole recording in one request, in any format that the service reads.

    Args:
        audio: A clip, the path of an audio file, or a file's bytes; at most 250 MB.
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives.
        base_url: `wss://api.smallest.ai` unless told otherwise.
        settings: A delta over the documented defaults; what concerns streams only is not sent.
        timeout: Seconds for each step of the network.

    Raises:
        ConfigError: No such file, or too large a one.
        SmallestError: What went wrong.
    """
    api_key, base_url = targets.boxed(api_key, base_url)
    target = targets.resolve(api_key, base_url)
    body = await asyncio.to_thread(_bytes_of, audio)
    if len(body) > wire.MAX_RECORDING_BYTES:
        raise ConfigError(f"The recording has {len(body)} bytes; the service takes {wire.MAX_RECORDING_BYTES}.")
    whole = SmallestSTTSettings.complete()
    if settings is not None:
        whole, _ = whole.merged(settings)
    url = wire.recording_url(target.base_url, whole)
    answer = await fetch_json(url, target, body=body, content_type="application/octet-stream", timeout=timeout)
    return wire.parse_recording(answer)


def _bytes_of(audio: Clip | str | Path | bytes) -> bytes:
    if isinstance(audio, bytes):
        return audio
    if isinstance(audio, Clip):
        return audio.wav_bytes()
    try:
        return Path(audio).read_bytes()
    except OSError as error:
        raise ConfigError(f"{audio} cannot be read: {error.strerror}.") from error
