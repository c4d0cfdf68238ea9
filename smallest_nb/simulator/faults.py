"""How the simulator behaves: its limits, and the faults it can be told to show. Imports errors only."""

from __future__ import annotations

from dataclasses import dataclass

from smallest_nb.errors import ConfigError

__all__ = ["Behaviour"]

_REJECT = (401, 403, 429, 500, 503)


@dataclass(slots=True)
class Behaviour:
    """Switches; they may be changed between requests.

    Attributes:
        retired: Models that answer HTTP 410, such as `{"lightning-v2"}`.
        first_audio_secs: Seconds before the first chunk of speech.
        pace: Audio is sent at most this many times real time; None sends it as it is made.
        idle_secs: Seconds after which a silent TTS socket is closed, unless `?timeout=` says otherwise.
        hearing_sessions: Transcriptions at once; further ones get HTTP 429.
        close_after_complete: Close the TTS socket after each `complete`, as one document says.
        truncate_after: Drop the TTS connection after this many bytes of audio, once, then forget it.
        silent: Accept TTS requests and answer nothing.
        reject: HTTP status for every handshake, or None.
        retry_after: The Retry-After header that goes with `reject`, seconds.
    """

    retired: frozenset[str] = frozenset()
    first_audio_secs: float = 0.0
    pace: float | None = None
    idle_secs: float = 60.0
    hearing_sessions: int = 4
    close_after_complete: bool = False
    truncate_after: int | None = None
    silent: bool = False
    reject: int | None = None
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.reject is not None and self.reject not in _REJECT:
            raise ConfigError(f"reject={self.reject!r} cannot be shown; choose one of {_REJECT}.")
        if self.pace is not None and self.pace <= 0:
            raise ConfigError(f"pace={self.pace!r} must be positive, or None for as fast as it is made.")
