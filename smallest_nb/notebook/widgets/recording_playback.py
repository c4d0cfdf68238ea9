"""The RecordingPlayback: the sound beside a transcript as a picture, heard again from any place, saved as a file."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from time import monotonic

import traitlets

from smallest_nb.audio.clip import Clip
from smallest_nb.audio.encoder import encode_clip
from smallest_nb.client import background_loop
from smallest_nb.client.cleanup import start_task
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.comm.messages import Act, Hello, More, TranscriptAction
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.file_download import FileDownload
from smallest_nb.notebook.widgets.player import Player, PlayerStream
from smallest_nb.notebook.widgets.recording_peaks import PEAKS_PER_SEC, RecordingPeaks
from smallest_nb.notebook.widgets.task_log import log_failure
from smallest_nb.results.transcript import Recording

__all__ = ["RecordingPlayback"]

_log = logging.getLogger(__name__)
_MIME = {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "ogg": "audio/ogg"}
_LEAD_SECS = 0.08
"""Heard before the word: recognisers put a word's start a little late."""
_AHEAD_SECS = 20.0
_BLOCK_SECS = 5.0
_SHOW_SECS = 0.3


class RecordingPlayback(SpeechWidget):
    """Shows and plays the sound beside a transcript.

    Args:
        recording: Returns the sound, or None where none is kept.
        sample_rate: Hz of it.
        max_seconds: How much of it is kept.
        player: The channel of the player.
        within: Its own channel.

    Attributes:
        player: What sounds.
        playing: The player's stream that is the recording's, and the second of the recording at which it begins.
    """

    playing = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        recording: Callable[[], Recording | None],
        sample_rate: int,
        max_seconds: float,
        *,
        player: PartChannel,
        within: PartChannel,
    ) -> None:
        super().__init__(within=within)
        self._recording = recording
        self._peaks = RecordingPeaks(sample_rate, max_seconds)
        self._shown = 0
        self._shown_at = -math.inf
        self._stream: PlayerStream | None = None
        self._from = self._next = 0
        self._end = 0
        self._download = FileDownload(within)
        self._player_channel = player
        self.player = Player(label="Play", within=player)
        self.player.on_moved(self._feed)
        self._channel.on(Hello, lambda m, _b: background_loop.post(self._show_all, m["page"]))
        self._channel.on(TranscriptAction, lambda m, _b: background_loop.post(self._hear_pressed, m))
        self._channel.on(Act, lambda m, _b: background_loop.post(self._acted, m))
        self._channel.on(More, lambda m, _b: background_loop.post(self._download.received, m))

    def write(self, pcm: bytes) -> None:
        """Add sound to the picture."""
        self._peaks.write(pcm)
        if monotonic() - self._shown_at >= _SHOW_SECS:
            self.show()

    def show(self) -> None:
        """Send the page what it does not have of the picture."""
        self._shown_at = monotonic()
        first, values = self._peaks.since(self._shown)
        self._shown = first + len(values)
        self._post(first, values, reset=False)

    def clear(self, *, restart: bool) -> None:
        """Forget the picture, and in every page the sound; as `Recording.clear`."""
        self._stream = None
        self.playing = {}
        self.error = ""
        self.player.clear()
        self._peaks.clear(restart=restart)
        self._show_all(None)

    def copy_peaks(self) -> RecordingPeaks:
        """Return the picture, to be put back."""
        return self._peaks.copy()

    def put_back(self, former: RecordingPeaks) -> None:
        """Put a picture back that was cleared."""
        self._peaks.put_back(former)
        self._show_all(None)

    def hear(self, at: float) -> None:
        """Play from a second of the recording to its end. On the background loop.

        Raises:
            ConfigError: No sound is kept from there on.
        """
        recording = self._kept()
        rate = recording.sample_rate
        start = max(0, round((at - _LEAD_SECS) * rate), math.ceil(recording.kept_from * rate))
        self._end = math.floor(recording.duration * rate)
        if start >= self._end:
            raise ConfigError(f"There is no sound after {at:.1f} s; {recording.duration:.1f} s are kept.")
        self.error = ""
        self._stream = self.player.open_stream(rate)
        self._from = self._next = start
        self.player.status = ""
        self.playing = {"stream": self._stream.name, "from": start / rate}
        self._feed()

    def _feed(self) -> None:
        """Give the player what it will need soon: an hour of sound is not copied for a press."""
        stream = self._stream
        while stream is not None and self._next - self._from - stream.played < _AHEAD_SECS * stream.sample_rate:
            last = min(self._end, self._next + round(_BLOCK_SECS * stream.sample_rate))
            try:
                clip = self._kept().clip(self._next / stream.sample_rate, last / stream.sample_rate)
            except ConfigError:  # it was dropped meanwhile: too old, or cleared
                clip, last = Clip(b"", stream.sample_rate), self._end
            if clip.pcm:
                stream.write(clip.pcm)
            self._next = last
            if last >= self._end:
                stream.end()
                self._stream = None
                return

    def _kept(self) -> Recording:
        recording = self._recording()
        if recording is None or recording.duration <= recording.kept_from:
            raise ConfigError("No sound is kept beside this transcript.")
        return recording

    def _hear_pressed(self, message: TranscriptAction) -> None:
        self._player_channel.claim(message["page"])
        self._try(lambda: self.hear(float(message["at"])))

    def _acted(self, message: Act) -> None:
        if message["action"] == "save":
            task = start_task(self._save(message["text"], message["page"]))
            task.add_done_callback(log_failure(_log, "saving the recording failed"))

    async def _save(self, suffix: str, page: str) -> None:
        self.error = ""
        try:
            clip = self._kept().clip(0.0, math.inf)
            content = await asyncio.to_thread(encode_clip, clip, suffix)
        except ConfigError as error:
            self.error = str(error)
            return
        self._download.send(f"recording.{suffix}", _MIME[suffix], content, to=page)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except ConfigError as error:
            self.error = str(error)

    def _show_all(self, to: str | None) -> None:
        first, values = self._peaks.since(0)
        if to is None:
            self._shown = first + len(values)
        self._post(first, values, reset=True, to=to)

    def _post(self, first: int, values: bytes, *, reset: bool, to: str | None = None) -> None:
        recording = self._recording()
        seconds = recording.duration if recording is not None else 0.0
        kept_from = recording.kept_from if recording is not None else 0.0
        self._channel.post(
            {"type": "peaks", "first": first, "reset": reset, "seconds": round(seconds, 2),
             "kept_from": round(kept_from, 2)},
            values, to=to,
        )  # fmt: skip

    def describe(self) -> str:
        """Return one line."""
        recording = self._recording()
        return f"RecordingPlayback({recording!r}, {PEAKS_PER_SEC} peaks a second)"
