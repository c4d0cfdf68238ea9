"""Blocking calls for a plain cell or script."""

from __future__ import annotations

import logging
import math
import os
from typing import IO, TYPE_CHECKING, Any

from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.api.voices import Voice
from smallest_nb.audio.clip import Clip
from smallest_nb.audio.files import read_sound
from smallest_nb.client import background_loop, rest
from smallest_nb.client.progress import Progress
from smallest_nb.client.sound_files import for_captions, send_clip, service_for_clip
from smallest_nb.client.tts import SmallestTTSService
from smallest_nb.common.address import without_credentials
from smallest_nb.common.secret import Secret, box_arguments
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Recording, Transcript

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smallest_nb.client.transport import Transport

__all__ = ["list_voices", "speak", "transcribe", "transcribe_recording"]

_log = logging.getLogger(__name__)


@shortens
def speak(
    text: str,
    *,
    sample_rate: int | None = None,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    timeout: float = 60.0,
    transport: Transport | None = None,
    **settings: Any,
) -> Clip:
    """Speak a text and return it as a clip.

    Args:
        text: What to say.
        sample_rate: Hz; None means 24000.
        api_key: The key; None takes the session's, or SMALLEST_API_KEY, else the simulator.
        base_url: None for SMALLEST_BASE_URL, else `wss://api.smallest.ai`.
        timeout: Seconds to wait.
        transport: What opens the socket; None for the network, or the cassette that runs.
        settings: Such as `voice="liam"` or `speed=1.2`.

    Raises:
        ConfigError: No text, such as a list of them, or a setting that cannot work.
        SmallestError: The service refused, was not reached or broke off.
        TimeoutError: It took longer.
    """
    api_key, base_url = Secret.of(api_key), without_credentials(base_url)
    settings = box_arguments(settings)
    if not isinstance(text, str):
        raise ConfigError(
            f"speak takes one text, got {type(text).__name__}: {text!r:.60}. Speak each text on its own; a language "
            "model's tokens are an iterator for SmallestTTSService.run_tts."
        )
    limit = _check_timeout(timeout)
    service = SmallestTTSService(
        api_key=api_key,
        base_url=base_url,
        sample_rate=sample_rate,
        settings=SmallestTTSSettings(**settings),
        transport=transport,
    )

    async def run() -> Clip:
        try:
            return await service.synthesize(text)
        finally:
            await service.close()

    return background_loop.call(run(), limit)


@shortens
def transcribe(
    audio: Clip | str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | ArrayLike,
    *,
    sample_rate: int | None = None,
    channel: int | None = None,
    progress: bool | None = None,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    timeout: float | None = None,
    transport: Transport | None = None,
    **settings: Any,
) -> Transcript:
    """Transcribe a clip, a sound file or an array, as fast as the service takes it.

    Sound of a rate that the service does not take is sent at 16000 Hz. If nothing is said, the transcript is empty.
    The exception that ends a transcription early, an interrupt too, has an attribute `transcript`: the
    :class:`~smallest_nb.results.transcript.Transcript` of what came before it.

    Args:
        audio: A clip, the path or the bytes of a sound file, a binary file object, or an array; see
            :func:`~smallest_nb.audio.files.read_sound`.
        sample_rate: Hz of an array's samples, 8000 to 192000; everything else has its own.
        channel: Which channel is transcribed, from 0, as of a call with one speaker on each; None mixes all to one.
        progress: Whether to show how much was sent. None shows a bar in a notebook, from ten seconds of sound on;
            True shows it for any length, and on a terminal's stderr too; False shows nothing.
        api_key: As for :func:`speak`.
        base_url: As for :func:`speak`.
        timeout: Seconds, the wait for the last words included; None for three times the length and a margin.
        transport: As for :func:`speak`.
        settings: Such as `diarize=True`. Two defaults are those that captions need: words have their times, unless
            `word_timestamps=False` is given, and the text is not frozen every few words in the middle of a sentence,
            unless `finalize_on_words` or `max_words` is given.

    Returns:
        The final segments, with the sound beside them: `transcript[3:7].clip` is what was said there. The sound stays
        in memory as long as the transcript; `transcript.recording = None` lets it go.

    Raises:
        ConfigError: Sound that cannot be read, or a setting that cannot work.
        SmallestError: The service refused, was not reached or broke off.
        TimeoutError: It took longer.
    """
    api_key, base_url = Secret.of(api_key), without_credentials(base_url)
    settings = box_arguments(settings)
    clip = read_sound(audio, sample_rate=sample_rate, channel=channel)
    limit = _check_timeout(timeout)
    service = service_for_clip(
        clip,
        SmallestSTTSettings(**for_captions(settings)),
        api_key=api_key,
        base_url=base_url,
        timeout=limit,
        transport=transport,
    )
    service.transcript.recording = Recording.of(clip)
    with Progress(clip.duration, progress) as shown:
        try:
            background_loop.call(
                send_clip(service, clip, shown.update), limit if limit is not None else 3 * clip.duration + 30
            )
        except BaseException as error:
            _attach_transcript(error, service.transcript)
            raise
    if service.dropped_seconds:
        _log.warning("%.2f s of the sound were lost with a connection and not transcribed", service.dropped_seconds)
    return service.transcript


def _check_timeout(timeout: float | None) -> float | None:
    """Return a time limit in seconds, or raise a ConfigError for what is none."""
    if timeout is None:
        return None
    try:
        seconds = math.nan if isinstance(timeout, str) else float(timeout)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if math.isnan(seconds):
        raise ConfigError(f"timeout={timeout!r:.60} cannot be used; expected seconds, or None for no limit.")
    return seconds


def _attach_transcript(error: Any, transcript: Transcript) -> None:
    """Attach to an error what was transcribed before it."""
    error.transcript = transcript
    if transcript:
        error.add_note(f"What was transcribed before ({transcript!r}) is in its attribute `transcript`.")


@shortens
def list_voices(
    model: str | None = None, *, refresh: bool = False, timeout: float = 10.0, transport: Transport | None = None
) -> tuple[Voice, ...]:
    """Return a model's voices: the service's own list, kept for an hour, else those of the model cards.

    Args:
        model: `lightning-v3.1`, `lightning-v3.1-pro` or `lightning-v2`, in any spelling; None is the default model, or
            its replacement once the service has withdrawn it.
        refresh: Request the list even if it is known.
        timeout: Seconds to wait for the service; then the voices of the model cards are returned.
        transport: What makes the request; None for the network, or the cassette that runs.

    Raises:
        ConfigError: No name of a TTS model.
        AuthError: A refused key.
    """
    request = rest.list_voices(model, refresh=refresh, timeout=timeout, transport=transport)
    return background_loop.call(request, 2 * timeout + 5)


@shortens
def transcribe_recording(
    audio: Clip | str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | ArrayLike,
    *,
    sample_rate: int | None = None,
    channel: int | None = None,
    timeout: float = 300.0,
    transport: Transport | None = None,
    **settings: Any,
) -> Transcript:
    """Transcribe a whole recording in one request, in any format that the service reads (WAV, MP3, ...).

    Args:
        audio: As for :func:`transcribe`. A file is sent as it is, at most 250 MB; anything else as WAV.
        sample_rate: Hz of an array's samples, 8000 to 192000.
        channel: Which channel is transcribed, from 0; the file is then read here, and this channel sent as WAV.
        timeout: Seconds for each step of the network.
        transport: As for :func:`list_voices`.
        settings: Such as `word_timestamps=True`, `diarize=True`, `language="multi-eu"` or `model="pulse-pro"`.

    Raises:
        ConfigError: No such file, or too large a one; sound that cannot be read.
        SmallestError: The service refused, or was not reached.
    """
    settings = box_arguments(settings)
    return background_loop.call(
        rest.transcribe_recording(
            audio,
            sample_rate=sample_rate,
            channel=channel,
            settings=SmallestSTTSettings(**settings),
            timeout=timeout,
            transport=transport,
        ),
        2 * timeout + 5,
    )
