"""The requests that do not stream: the list of voices, the transcript of a recording."""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from time import monotonic
from typing import IO, TYPE_CHECKING

from smallest_nb.api import rest as wire
from smallest_nb.api.catalog import SmallestTTSModel, tts_model
from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.api.voices import Voice, voices_of
from smallest_nb.audio.clip import Clip, is_byte_string
from smallest_nb.audio.files import open_sound, read_sound
from smallest_nb.client import target as targets
from smallest_nb.client.connect import fetch_json
from smallest_nb.client.installed_transport import current_transport
from smallest_nb.client.network import NetworkTransport
from smallest_nb.client.recording_answer import parse_recording
from smallest_nb.client.settings_warnings import recording_warnings
from smallest_nb.client.transport import Transport
from smallest_nb.common.paths import as_path
from smallest_nb.common.secret import Secret
from smallest_nb.errors import AuthError, CassetteError, ConfigError, ModelRetiredError, SmallestError
from smallest_nb.results.transcript import Transcript

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["fetch_voices", "list_voices", "transcribe_recording"]

_log = logging.getLogger(__name__)
_KEEP_SECS = 3600.0
_cache: dict[tuple[str, str], tuple[float, tuple[Voice, ...]]] = {}


async def list_voices(
    model: str | None = None,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    refresh: bool = False,
    timeout: float = 10.0,
    transport: Transport | None = None,
) -> tuple[Voice, ...]:
    """Return a model's voices: the service's own list, kept for an hour, else those of the model cards.

    Args:
        model: Any spelling; None is the default model, or its replacement once the service has withdrawn it.
        api_key: The key; None takes the session's, or SMALLEST_API_KEY.
        base_url: None for SMALLEST_BASE_URL, else `wss://api.smallest.ai`.
        refresh: Request the list even if it is known.
        timeout: Seconds to wait for the service; then the voices of the model cards are returned.
        transport: What makes the request; None for the network, or the cassette that runs.

    Raises:
        ConfigError: No name of a TTS model.
        AuthError: No key, or a refused one.
        CassetteError: A cassette is replayed that does not hold it.
    """
    api_key, base_url = targets.boxed(api_key, base_url)
    info = tts_model(SmallestTTSModel.LIGHTNING_V3_1 if model is None else model)
    target = targets.resolve(api_key, base_url, transport)
    kept = _cache.get((target.base_url, info.id)) if _keeps(transport) else None
    if kept is not None and not refresh and monotonic() - kept[0] < _KEEP_SECS:
        return kept[1]
    if info.retired:
        return voices_of(info.id)
    try:
        return await fetch_voices(info.id, target, timeout=timeout, transport=transport)
    except (AuthError, CassetteError):
        raise
    except ModelRetiredError as error:
        if model is None and info.replacement is not None:
            warnings.warn(
                f"{info.id}, the default model, is no longer served; these are the voices of {info.replacement}.",
                stacklevel=2,
            )
            return await list_voices(
                info.replacement,
                api_key=api_key,
                base_url=base_url,
                refresh=refresh,
                timeout=timeout,
                transport=transport,
            )
        _log.warning("%s The voices of its model card are returned.", error.message)
        return kept[1] if kept is not None else voices_of(info.id)
    except SmallestError as error:
        _log.warning("The service's list of voices could not be fetched; the model cards' are returned: %s", error)
        return kept[1] if kept is not None else voices_of(info.id)


async def fetch_voices(
    model: str, target: targets.Target, *, timeout: float = 10.0, transport: Transport | None = None
) -> tuple[Voice, ...]:
    """Return a model's voices as the service lists them now, and keep them for an hour.

    Raises:
        SmallestError: They could not be fetched.
    """
    body = await fetch_json(wire.voices_url(target.base_url, model), target, timeout=timeout, transport=transport)
    voices = wire.parse_voices(body, model)
    if _keeps(transport):
        _cache[target.base_url, model] = (monotonic(), voices)
    return voices


def _keeps(transport: Transport | None) -> bool:
    """Return whether lists are kept: a recording needs each request, and each cassette has its own answer."""
    return isinstance(current_transport(transport), NetworkTransport)


async def transcribe_recording(
    audio: Clip | str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | ArrayLike,
    *,
    sample_rate: int | None = None,
    channel: int | None = None,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    settings: SmallestSTTSettings | None = None,
    timeout: float = 300.0,
    transport: Transport | None = None,
) -> Transcript:
    """Transcribe a whole recording in one request, in any format that the service reads.

    Args:
        audio: As for :func:`~smallest_nb.audio.files.read_sound`. A file is sent as it is, at most 250 MB; anything
            else as WAV.
        sample_rate: Hz of an array's samples, 8000 to 192000.
        channel: Which channel is transcribed, from 0; the file is then read here, and this channel sent as WAV.
        api_key: The key; None takes the session's, or SMALLEST_API_KEY.
        base_url: None for SMALLEST_BASE_URL, else `wss://api.smallest.ai`.
        settings: A delta over the documented defaults; settings of streams only are not sent.
        timeout: Seconds for each step of the network.
        transport: What makes the request; None for the network, or the cassette that runs.

    Raises:
        ConfigError: No such file, or too large a one; sound that cannot be read.
        SmallestError: The service refused, or was not reached.
    """
    api_key, base_url = targets.boxed(api_key, base_url)
    target = targets.resolve(api_key, base_url, transport)
    body = await asyncio.to_thread(_file_bytes, audio, sample_rate, channel)
    if len(body) > wire.MAX_RECORDING_BYTES:
        raise ConfigError(f"The recording has {len(body)} bytes; the service takes {wire.MAX_RECORDING_BYTES}.")
    whole = SmallestSTTSettings.complete()
    if settings is not None:
        whole, _ = whole.merged(settings)
    for warning in recording_warnings(whole):
        warnings.warn(warning, stacklevel=2)
    url = wire.recording_url(target.base_url, whole)
    content_type = "application/octet-stream"
    answer = await fetch_json(url, target, body=body, content_type=content_type, timeout=timeout, transport=transport)
    return parse_recording(answer)


def _file_bytes(
    audio: Clip | str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | ArrayLike,
    sample_rate: int | None,
    channel: int | None,
) -> bytes:
    """Return the file to send: a file as it is, anything else as WAV."""
    if sample_rate is not None or channel is not None or isinstance(audio, Clip):
        return read_sound(audio, sample_rate=sample_rate, channel=channel).wav_bytes()
    if is_byte_string(audio):
        return bytes(audio)  # type: ignore[arg-type]
    if isinstance(audio, str | os.PathLike):
        path = as_path(audio)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    if hasattr(audio, "read"):
        return open_sound(audio).stream.read()
    return read_sound(audio).wav_bytes()
