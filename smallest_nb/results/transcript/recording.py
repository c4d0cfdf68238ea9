"""The sound beside a transcript, bounded."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Any

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip, as_pcm16
from smallest_nb.common.numbers import is_number
from smallest_nb.errors import ConfigError

__all__ = ["Recording"]

_BLOCK = 1 << 16
"""Bytes: small writes are gathered up to this much, so that an hour of them is some thousand blocks."""


class Recording:
    """Keeps the latest sound of a session, on the session's clock. Any thread may call it.

    It can be pickled and copied; two are equal if they keep the same sound at the same times.

    Args:
        sample_rate: Hz.
        max_seconds: How much is kept; what is older is dropped. An hour at 16 kHz takes 115 MB.

    Raises:
        ConfigError: A rate outside 1000 to 384000 Hz, or a bound that is not a finite number above 0.
    """

    def __init__(self, sample_rate: int, max_seconds: float = 3600.0) -> None:
        self.sample_rate = Clip(b"", sample_rate).sample_rate  # an int of a rate that there is
        if not is_number(max_seconds) or not 0 < max_seconds < math.inf:
            raise ConfigError(f"max_seconds={max_seconds!r} cannot be used; expected a number of seconds above 0.")
        self.max_seconds = float(max_seconds)
        self._bound = max(1, round(max_seconds * self.sample_rate)) * BYTES_PER_SAMPLE
        self._lock = threading.Lock()
        self._blocks: deque[bytes] = deque()
        self._open = bytearray()
        self._skipped = 0  # bytes at the beginning of what is held that are dropped already
        self._held = 0
        self._written = 0
        self._dropped = 0

    @classmethod
    def of(cls, clip: Clip) -> Recording:
        """Return a recording that keeps as much as a clip has, and holds its own bytes, not a copy."""
        made = cls(clip.sample_rate, max(clip.duration, 1.0))
        if clip.pcm:
            made._blocks.append(clip.pcm)
            made._written = made._held = len(clip.pcm)
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recording):
            return NotImplemented
        if self is other:
            return True
        one, two = self.__getstate__(), other.__getstate__()
        sound = [b"".join([*state.pop("_blocks"), state.pop("_open")])[state.pop("_skipped") :] for state in (one, two)]
        return one == two and sound[0] == sound[1]

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = {name: value for name, value in vars(self).items() if name != "_lock"}
            return {**state, "_blocks": list(self._blocks), "_open": bytes(self._open)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _blocks=deque(state["_blocks"]), _open=bytearray(state["_open"]))
        self._lock = threading.Lock()

    def write(self, pcm: bytes) -> None:
        """Append PCM16; costs the same however much is held.

        Raises:
            ConfigError: An odd number of bytes.
        """
        data = as_pcm16(pcm)
        with self._lock:
            self._written += len(data)
            self._held += len(data)
            for at in range(0, len(data), _BLOCK):
                self._open += data[at : at + _BLOCK]
                if len(self._open) >= _BLOCK:
                    self._blocks.append(bytes(self._open))
                    self._open = bytearray()
                self._drop(self._held - (len(data) - min(at + _BLOCK, len(data))) - self._bound)

    def _drop(self, surplus: int) -> None:
        if surplus <= 0:
            return
        self._held -= surplus
        self._dropped += surplus
        self._skipped += surplus
        while self._blocks and self._skipped >= len(self._blocks[0]):
            self._skipped -= len(self._blocks.popleft())
        if not self._blocks:
            del self._open[: self._skipped]
            self._skipped = 0

    @property
    def duration(self) -> float:
        """Seconds written in all, dropped or not; that is the time on the session's clock."""
        with self._lock:
            return self._seconds(self._written)

    @property
    def kept_from(self) -> float:
        """The second at which what is kept begins."""
        with self._lock:
            return self._seconds(self._written - self._held)

    @property
    def dropped_seconds(self) -> float:
        """Seconds dropped because there were more than `max_seconds`."""
        with self._lock:
            return self._seconds(self._dropped)

    def clip(self, start: float, end: float) -> Clip:
        """Return the sound of a stretch of time, as much of it as is kept.

        Args:
            start: Seconds from the start of the session.
            end: As `start`; `math.inf` for all there is.

        Raises:
            ConfigError: Times that are no numbers, or nothing of the stretch is kept.
        """
        first, last = self._bytes("start", start), self._bytes("end", end)
        with self._lock:
            kept = self._written - self._held
            first, last = max(first, kept), min(last, self._written)
            parts = self._parts(first - kept + self._skipped, last - kept + self._skipped) if first < last else []
            span = f"{self._seconds(kept):.2f} s to {self._seconds(self._written):.2f} s"
        if not parts:
            held = f"{span} are kept" if self._held else "nothing is kept"
            raise ConfigError(f"There is no sound from {start:.2f} s to {end:.2f} s; {held}.")
        return Clip(b"".join(parts), self.sample_rate)

    def clear(self, *, restart: bool = True) -> None:
        """Forget the sound.

        Args:
            restart: Whether the clock starts again at 0; False in the middle of a session, whose times go on.
        """
        with self._lock:
            self._blocks.clear()
            self._open = bytearray()
            self._skipped = self._held = 0
            if restart:
                self._written = self._dropped = 0

    def put_back(self, former: Recording) -> None:
        """Put back sound that was cleared, in front of what is held.

        Args:
            former: A copy that was made before :meth:`clear`.

        Raises:
            ConfigError: The sound that is held does not follow on it: another recording has begun.
        """
        state = former.__getstate__()
        with self._lock:
            kept = self._written - self._held
            if not self._written:
                self._written, self._dropped = state["_written"], state["_dropped"]
            elif kept != state["_written"] or self._skipped:
                raise ConfigError("Another recording has begun: what was cleared does not come before its sound.")
            blocks = [*state["_blocks"], *([state["_open"]] if self._held else [])]
            self._open = self._open if self._held else bytearray(state["_open"])
            self._blocks.extendleft(reversed(blocks))
            self._skipped = state["_skipped"]
            self._held += state["_held"]
            self._drop(self._held - self._bound)

    def _parts(self, first: int, last: int) -> list[bytes]:
        parts: list[bytes] = []
        at = 0
        for block in self._blocks:
            if at >= last:
                return parts
            if at + len(block) > first:
                parts.append(block[max(0, first - at) : last - at])
            at += len(block)
        if at < last:
            parts.append(bytes(self._open[max(0, first - at) : last - at]))
        return parts

    def _bytes(self, name: str, seconds: float) -> int:
        if not is_number(seconds) or math.isnan(seconds):
            raise ConfigError(f"{name}={seconds!r} cannot be used; expected seconds from the start of the session.")
        limit = 10**9  # seconds; keeps infinity and the like whole numbers
        return round(max(0.0, min(float(limit), seconds)) * self.sample_rate) * BYTES_PER_SAMPLE

    def _seconds(self, size: int) -> float:
        return size / BYTES_PER_SAMPLE / self.sample_rate

    def __repr__(self) -> str:
        return f"Recording({self.duration:.2f} s, kept from {self.kept_from:.2f} s, {self.sample_rate} Hz)"
