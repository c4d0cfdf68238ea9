"""Writes a clip as a sound file: WAV here, FLAC, MP3 and OGG by libsndfile, if `soundfile` is installed."""

from __future__ import annotations

import io

from smallest_nb.audio.clip import Clip
from smallest_nb.errors import ConfigError

__all__ = ["SOUND_FORMATS", "check_encoder", "encode_clip"]

SOUND_FORMATS = ("wav", "flac", "mp3", "ogg")
"""Suffixes of files that can be written; OGG holds Vorbis."""


def check_encoder(sound_format: str) -> None:
    """Check that a format can be written here.

    Raises:
        ConfigError: No such format, or what writes it is missing.
    """
    if sound_format not in SOUND_FORMATS:
        raise ConfigError(f"format {sound_format!r} is unknown; expected one of {', '.join(SOUND_FORMATS)}.")
    if sound_format == "wav":
        return
    try:
        import soundfile  # noqa: PLC0415 - an extra
    except (ImportError, OSError):
        raise ConfigError(
            f"{sound_format} needs soundfile: pip install 'smallest-nb[files]'. WAV needs nothing."
        ) from None
    if sound_format.upper() not in soundfile.available_formats():
        raise ConfigError(f"The libsndfile that is installed writes no {sound_format}; choose wav or flac.")


def encode_clip(clip: Clip, sound_format: str = "wav", *, quality: float | None = None) -> bytes:
    """Return a clip as the bytes of a sound file.

    Args:
        clip: The sound; an empty one can be written as WAV only.
        sound_format: "wav", "flac", "mp3" or "ogg". MP3 and OGG are lossy.
        quality: For a lossy format, from 0 (largest) to 1 (smallest); None for its usual quality.

    Raises:
        ConfigError: As `check_encoder`.
    """
    check_encoder(sound_format)
    if sound_format == "wav":
        return clip.wav_bytes()
    import soundfile  # noqa: PLC0415

    buffer = io.BytesIO()
    options = {} if quality is None else {"compression_level": quality}
    soundfile.write(buffer, clip.samples, clip.sample_rate, format=sound_format.upper(), **options)
    return buffer.getvalue()
