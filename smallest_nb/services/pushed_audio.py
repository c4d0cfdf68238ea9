"""Makes what is given to `SmallestSTTService.send` the bytes of the session's encoding."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from smallest_nb.audio import as_pcm16, clipping_of, is_byte_string
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["PushedAudio"]

_log = logging.getLogger(__name__)


class PushedAudio:
    """Converts pushed audio, and warns once of floats that are clipped.

    Args:
        encoding: The session's.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._warned = False

    def encode(self, audio: bytes | bytearray | memoryview | ArrayLike) -> bytes:
        """Return the bytes to be sent.

        Raises:
            ConfigError: Numbers for another encoding than linear16, or what is no sound of one channel.
        """
        if self._encoding == "linear16":
            data = as_pcm16(audio)
            if not self._warned and (clipping := clipping_of(audio)):
                self._warned = True
                _log.warning("the audio given to send: %s (further pieces are not reported)", clipping)
            return data
        if not is_byte_string(audio):
            what = f"memoryview of format {audio.format!r}" if isinstance(audio, memoryview) else type(audio).__name__
            raise ConfigError(
                f"encoding={self._encoding!r} takes bytes; got a {what}. Arrays go with encoding='linear16'."
            )
        return bytes(audio)  # type: ignore[arg-type]
