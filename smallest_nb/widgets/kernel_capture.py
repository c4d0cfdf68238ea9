"""The microphone of the computer that the kernel runs on, by PortAudio. Imports audio, errors; sounddevice lazily."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from smallest_nb.audio import StreamResampler
from smallest_nb.errors import ConfigError, FrontEndError

__all__ = ["KernelCapture", "why_no_capture"]

_log = logging.getLogger(__name__)
_INSTALL = 'pip install "smallest-nb[microphone]"'


def why_no_capture() -> str | None:
    """Return why this kernel's computer gives no microphone, or None where it has one."""
    try:
        import sounddevice  # noqa: PLC0415 - an extra, and loading PortAudio looks for devices
    except ImportError:
        return f"the package sounddevice is not installed: {_INSTALL}"
    except OSError:
        return "PortAudio is not installed: on Debian and Ubuntu `apt-get install libportaudio2`"
    try:
        sounddevice.query_devices(kind="input")
    except (ValueError, sounddevice.PortAudioError) as error:
        return f"the computer that this kernel runs on has no microphone ({error})"
    return None


class KernelCapture:
    """Records PCM16 mono of a given rate out of the default device.

    Args:
        sample_rate: Hz of what comes out.
        chunk_ms: Length of a chunk.
        hear: Takes each chunk, on PortAudio's thread; must only hand over.
        over: Told when the device has gone.

    Raises:
        FrontEndError: There is no device, or it cannot be opened.
    """

    def __init__(
        self, sample_rate: int, chunk_ms: int, hear: Callable[[bytes], None], over: Callable[[], None]
    ) -> None:
        why = why_no_capture()
        if why:
            raise FrontEndError(f"The kernel cannot record: {why}.")
        import sounddevice  # noqa: PLC0415 - as above

        self.device_rate = int(sounddevice.query_devices(kind="input")["default_samplerate"])
        self._resampler = StreamResampler(self.device_rate, sample_rate)
        self._hear = hear
        self.overflows = 0
        try:
            self._stream = sounddevice.RawInputStream(
                samplerate=self.device_rate, channels=1, dtype="int16", callback=self._take, finished_callback=over,
                blocksize=self.device_rate * chunk_ms // 1000,
            )  # fmt: skip
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError, ConfigError) as error:
            raise FrontEndError(f"The kernel's microphone could not be opened ({error}).") from None

    def _take(self, data: Any, _frames: int, _time: Any, status: Any) -> None:
        if status.input_overflow:
            self.overflows += 1
            _log.warning("the kernel's microphone lost sound: this computer is too busy")
        self._hear(self._resampler.push(bytes(data)))

    def close(self) -> None:
        """Close the device. Idempotent."""
        self._stream.close(ignore_errors=True)
