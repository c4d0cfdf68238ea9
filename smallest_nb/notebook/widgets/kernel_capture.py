"""The microphone of the computer that the kernel runs on, by PortAudio."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from smallest_nb.audio.clip import StreamResampler
from smallest_nb.common.child_environment import child_environment
from smallest_nb.errors import ConfigError, FrontEndError

__all__ = ["KernelCapture", "why_no_capture"]

_log = logging.getLogger(__name__)
_PROBE = "import sounddevice; sounddevice.query_devices(kind='input')"
_PROBE_SECS = 10
_INSTALL = 'pip install "smallest-nb[microphone]"'


def why_no_capture() -> str | None:
    """Return why this kernel's computer gives no microphone, or None if it has one. Takes some tenths of a second.

    Asked in a process of its own: a broken sound system makes PortAudio abort, and that would be the end of the kernel.
    """
    if find_spec("sounddevice") is None:
        return f"the package sounddevice is not installed: {_INSTALL}"
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_PROBE_SECS,
            check=False,
            env=child_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"looking for devices failed ({type(error).__name__})"
    if done.returncode == 0:
        return None
    reason = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
    if "PortAudio library not found" in reason:
        return "PortAudio is not installed: on Debian and Ubuntu `apt-get install libportaudio2`"
    return f"the computer that this kernel runs on has no microphone ({reason})"


class KernelCapture:
    """Records PCM16 mono of a given rate out of the default device.

    Args:
        sample_rate: Hz of what comes out.
        chunk_ms: Length of a chunk.
        hear: Takes each chunk, on PortAudio's thread; returns whether there was room for it.
        over: Called when the device has gone.

    Attributes:
        device_rate: Hz of the device.
        lost: Chunks that were lost because this computer is too busy.

    Raises:
        FrontEndError: There is no device, or it cannot be opened.
    """

    def __init__(
        self, sample_rate: int, chunk_ms: int, hear: Callable[[bytes], bool], over: Callable[[], None]
    ) -> None:
        why = why_no_capture()
        if why:
            raise FrontEndError(f"The kernel cannot record: {why}.")
        import sounddevice  # noqa: PLC0415 - as above

        self.device_rate = int(sounddevice.query_devices(kind="input")["default_samplerate"])
        self._resampler = StreamResampler(self.device_rate, sample_rate)
        self._hear = hear
        self.lost = 0
        try:
            self._stream = sounddevice.RawInputStream(
                samplerate=self.device_rate, channels=1, dtype="int16", callback=self._take, finished_callback=over,
                blocksize=self.device_rate * chunk_ms // 1000,
            )  # fmt: skip
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError, ConfigError) as error:
            raise FrontEndError(f"The kernel's microphone could not be opened ({error}).") from None

    def _take(self, data: Any, _frames: int, _time: Any, status: Any) -> None:
        if not self._hear(self._resampler.push(bytes(data))) or status.input_overflow:
            self.lost += 1
            if self.lost == 1:
                _log.warning("the kernel's microphone lost sound: this computer is too busy")

    def close(self) -> None:
        """Close the device. Idempotent."""
        self._stream.close(ignore_errors=True)
