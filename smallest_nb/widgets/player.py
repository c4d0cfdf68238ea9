"""The Player: streamed PCM16 in, sound in the browser out."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import traitlets

from smallest_nb import runtime
from smallest_nb.audio import BYTES_PER_SAMPLE, Clip, as_pcm16
from smallest_nb.errors import ConfigError
from smallest_nb.widgets import assets
from smallest_nb.widgets._base import SpeechWidget

__all__ = ["Player", "PlayerStream"]

LEAD_SECS = 10.0
"""Seconds of sound the kernel sends ahead of what was played; the rest waits here."""

CHUNK_SECS = 0.2
FADE_MS = 15
_MAX_BACKLOG = 256 * 2**20


class PlayerStream:
    """One utterance on its way to the page. Made by :meth:`Player.open_stream`; safe to use from any thread."""

    def __init__(self, player: Player, name: str, sample_rate: int) -> None:
        self._player = player
        self.name = name
        self.sample_rate = sample_rate
        self._pending: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._ended = False
        self._told_end = False
        self.sent = 0
        self.played = 0

    def write(self, pcm: bytes) -> None:
        """Add PCM16 bytes.

        Raises:
            ConfigError: The stream was ended, or more than 256 MiB wait.
        """
        with self._lock:
            if self._ended:
                raise ConfigError("This stream was ended; open another one.")
            if sum(map(len, self._pending)) > _MAX_BACKLOG:
                raise ConfigError("More than 256 MiB of sound wait to be played; open the widget's output first.")
            self._pending.append(as_pcm16(pcm))
        self._player.flush()

    def end(self) -> None:
        """Say that no more will come. Idempotent."""
        with self._lock:
            self._ended = True
        self._player.flush()

    def take(self) -> tuple[int, bytes] | None:
        """Return the next piece that may be sent, with the number of its first sample, or None."""
        most = int(CHUNK_SECS * self.sample_rate) * BYTES_PER_SAMPLE
        with self._lock:
            if not self._pending or self.sent - self.played > LEAD_SECS * self.sample_rate:
                return None
            piece = self._pending.popleft()
            while self._pending and len(piece) + len(self._pending[0]) <= most:
                piece += self._pending.popleft()
            if len(piece) > most:
                self._pending.appendleft(piece[most:])
                piece = piece[:most]
            first = self.sent
            self.sent += len(piece) // BYTES_PER_SAMPLE
            return first, piece

    def finished(self) -> bool:
        """Say, once, that everything was sent and the end may be told."""
        with self._lock:
            if self._told_end or not self._ended or self._pending:
                return False
            self._told_end = True
            return True


class Player(SpeechWidget):
    """Plays sound in the browser while it is still being made.

    Args:
        clip: Something to play on the first press, or None.
        label: What the button says.

    Attributes:
        position: Seconds played of the current stream.
        underruns: Times the sound ran dry in the current stream.
        state: "idle", "waiting", "playing" or "blocked", as last told by the page.
    """

    _esm = assets.esm("player")
    _css = assets.css("player")

    busy = traitlets.Bool(False).tag(sync=True)
    remote = traitlets.Bool(False).tag(sync=True)

    def __init__(self, clip: Clip | None = None, *, label: str = "Play", **kwargs: Any) -> None:
        super().__init__(label=label, **kwargs)
        self._numbers = itertools.count(1)
        self._stream: PlayerStream | None = None
        self._flushing = threading.Lock()
        self._clip = clip
        self._press: list[Callable[[str], None]] = []
        self.position = 0.0
        self.underruns = 0
        self.state = "idle"
        self.first_sound_ms: int | None = None
        self.remote = clip is not None
        self._channel.on("hello", lambda m, _b: self._page_came(m))
        self._channel.on("press", lambda m, _b: runtime.post(self._pressed, m["action"]))
        self._channel.on("played", lambda m, _b: self._played(m))

    def open_stream(self, sample_rate: int) -> PlayerStream:
        """Begin a stream; it replaces the one that plays, with a short fade."""
        self._stream = stream = PlayerStream(self, f"s{next(self._numbers)}", sample_rate)
        self.position = 0.0
        self.underruns = 0
        self.first_sound_ms = None
        self._channel.post("stream-open", stream=stream.name, sample_rate=sample_rate)
        return stream

    def play(self, clip: Clip) -> None:
        """Play a clip; returns at once."""
        stream = self.open_stream(clip.sample_rate)
        stream.write(clip.pcm)
        stream.end()

    def stop(self) -> None:
        """Fade out and forget what waits."""
        self._stream = None
        self._channel.post("stop", fade_ms=FADE_MS)

    def on_press(self, handler: Callable[[str], None]) -> None:
        """Call `handler("play")` or `handler("stop")` on the background loop when the button is pressed."""
        self.remote = True
        self._press.append(handler)

    def flush(self) -> None:
        """Send what may be sent. Called when something was written and when the page has played."""
        stream = self._stream
        if stream is None or not self._channel.pages:
            return
        with self._flushing:
            while stream is self._stream and (piece := stream.take()) is not None:
                self._channel.post("stream-audio", piece[1], stream=stream.name, first=piece[0])
            if stream is self._stream and stream.finished():
                self._channel.post("stream-end", stream=stream.name, samples=stream.sent)

    def _page_came(self, message: dict[str, Any]) -> None:
        stream = self._stream
        if stream is None:
            return
        if stream.sent:
            if message["page"] == self._channel.owner:
                # The page that played it is gone; nobody wants the rest out of the blue.
                self._stream = None
            return
        self._channel.post("stream-open", stream=stream.name, sample_rate=stream.sample_rate)
        self.flush()

    def _pressed(self, action: str) -> None:
        if action == "stop":
            self._stream = None
        for handler in self._press:
            handler(action)
        if action == "play" and not self._press and self._clip is not None:
            self.play(self._clip)

    def _played(self, message: dict[str, Any]) -> None:
        stream = self._stream
        if stream is None or message["stream"] != stream.name:
            return
        stream.played = message["position"]
        self.position = message["position"] / stream.sample_rate
        self.underruns = message["underruns"]
        self.first_sound_ms = message["first_ms"]
        self.state = message["state"]
        runtime.post(self.flush)

    def describe(self) -> str:
        """Return one line."""
        return f"Player({self.label!r})"
