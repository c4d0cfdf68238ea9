"""The Player: streamed PCM16 in, sound in the browser out."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterable, Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any, overload

import traitlets

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.audio.pcm_buffer import PCMBuffer
from smallest_nb.client import background_loop
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError, FrontEndError
from smallest_nb.notebook.comm.messages import Bye, Fetch, Hello, Played, Press, ToPage
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.lifetime import weakly
from smallest_nb.notebook.widgets.player_stream import FILL_RATE, LEAD_SECS, NOT_OPENED, START_SECS, PlayerStream
from smallest_nb.notebook.widgets.speech_playback import Speech, SpeechPlayback

__all__ = ["Player", "PlayerStream", "any_sounds"]

_log = logging.getLogger(__name__)
FADE_MS = 15
_POLL_SECS = 0.05
_MAX_COMPARED_SECS = 60
_REPORT_SECS = 2.0
"""A page that plays reports several times a second."""
_FOLLOW_SECS = 1.0
_MOST_UNREPORTED_SECS = 100.0
"""A page that reports nothing for longer may be gone; one keeps the last 120 s of a take."""


_players: weakref.WeakSet[Player] = weakref.WeakSet()


def any_sounds() -> bool:
    """Say whether any player of this kernel sounds, or is about to."""
    return any(player.sounds for player in list(_players))


class Player(SpeechWidget):
    """Plays sound in the browser while it is still being made.

    Args:
        clip: Something to play on the first press, or None.
        label: What the button says.
        kwargs: `volume` and `loop`.

    Attributes:
        volume: 0 to 1.
        loop: Whether a take that is over begins again.
        position: Seconds played of the current stream.
        underruns: Times the sound ran dry in the current stream.
        state: "idle", "waiting", "playing", "paused" or "blocked", as last reported by the page.
        waiting: What the sound waits for, while it does: `why`, the `seconds` until the next attempt, its number
            (`attempt`) and the number of the last one (`of`).
    """

    _esm = assets.esm("player")
    _css = assets.css("player")

    busy = traitlets.Bool(False).tag(sync=True)
    waiting = traitlets.Dict().tag(sync=True)
    remote = traitlets.Bool(False).tag(sync=True)
    loop = traitlets.Bool(False).tag(sync=True)
    volume = traitlets.Float(1.0, min=0.0, max=1.0).tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    waterfall = traitlets.Dict().tag(sync=True)
    difference = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self, clip: Clip | None = None, *, label: str = "Play", within: PartChannel | None = None, **kwargs: Any
    ) -> None:
        self._closed = False
        super().__init__(label=label, within=within, **kwargs)
        self._numbers = itertools.count(1)
        self._streams: deque[PlayerStream] = deque()
        self._playbacks: set[SpeechPlayback] = set()
        """Speech that is still received."""
        # Of the streams: cells, the background loop and the handlers of messages open, send and end them.
        self._lock = threading.RLock()
        self._latest: PlayerStream | None = None
        """The stream that the page plays, or played last: it may go back to it, or on with it."""
        self._clip = clip
        self._press: list[Callable[[str], None]] = []
        self._on_finished: list[Callable[[], None]] = []
        self.position = 0.0
        self.underruns = 0
        self.state = "idle"
        self.first_sound_ms: int | None = None
        self.remote = clip is not None
        self._reported_at = self._opened_at = float("-inf")
        self._reported_by: str | None = None
        self._looks_at = float("inf")
        """When `flush` is called by the clock next."""
        self._next_fill = 0.0
        """When the next piece of those that are not needed soon may be sent."""
        self._is_paced = False
        """Whether a piece waits for that, and for nothing else."""
        self._on_moved: list[Callable[[], None]] = []
        _players.add(self)
        self._channel.on(Hello, lambda _m, _b: self.flush())
        self._channel.on_owner(self.flush)
        self._channel.on(Bye, lambda _m, _b: background_loop.post(self.flush))
        self._channel.on(Press, lambda m, _b: self._take_press(m["action"]))
        self._channel.on(Played, lambda m, _b: self._played(m))
        self._channel.on(Fetch, lambda m, _b: self._fetch(m))

    @property
    def sounds(self) -> bool:
        """Whether a page plays, or was sent something a moment ago; one that reports nothing any more is gone."""
        if self._closed:
            return False
        opened = bool(self._streams) and bool(self._channel.pages) and monotonic() - self._opened_at < _REPORT_SECS
        return opened or (self.state == "playing" and monotonic() - self._reported_at < _REPORT_SECS)

    def open_stream(self, sample_rate: int, *, queued: bool = False, sound: PCMBuffer | None = None) -> PlayerStream:
        """Begin a stream.

        Args:
            sample_rate: Hz of what will be written.
            queued: Play it after those that were opened before; else it replaces them, with a short cross-fade.
            sound: What is played while another one writes it; see `PlayerStream.follow`. None for a stream that is
                written itself.
        """
        with self._lock:
            stream = self._add_stream(sample_rate, queued=queued, sound=sound)
            self._open_streams()
        self._cancel_dropped()
        return stream

    def _add_stream(self, sample_rate: int, *, queued: bool, sound: PCMBuffer | None = None) -> PlayerStream:
        stream = PlayerStream(self.flush, f"s{next(self._numbers)}", sample_rate, queued=queued, sound=sound)
        if not queued:
            self._streams.clear()
            self._channel.forget_commands("playback")
        if not self._streams:
            self.position, self.underruns, self.first_sound_ms = 0.0, 0, None
            self._latest = stream
        self._streams.append(stream)
        self._opened_at = monotonic()
        return stream

    def _open_streams(self) -> None:
        """Have the pages hear of streams in their order, up to one whose sample rate its first sound will tell."""
        for stream in list(self._streams):
            if stream.is_empty:
                self._streams.remove(stream)
            elif not stream.sample_rate:
                return
            elif stream.opened == NOT_OPENED:
                self._open(stream)

    def _open(self, stream: PlayerStream) -> None:
        stream.opened = self._channel.post({
            "type": "stream-open", "stream": stream.name, "sample_rate": stream.sample_rate, "queued": stream.queued,
        })  # fmt: skip

    @overload
    def play(self, sound: Clip, *, queued: bool = False) -> PlayerStream: ...

    @overload
    def play(self, sound: Speech, *, queued: bool = False) -> SpeechPlayback: ...

    def play(self, sound: Clip | Speech, *, queued: bool = False) -> PlayerStream | SpeechPlayback:
        """Play a clip, or speech while it is received, such as `tts.run_tts(tokens)`; returns at once.

        Speech is read by the event loop that runs in the calling thread, a cell's for instance, so it arrives while
        that loop is free: after the cell, or while the cell awaits. Without one, as in a script or a thread, the
        background loop reads it. A service belongs to the first loop that uses it.

        Speech is cancelled, its iterator closed and its request with it, by `playback.cancel()`, :meth:`stop`,
        :meth:`clear`, :meth:`close`, another sound that is not queued, Stop in the page, and the end of the page that
        played it. If the iterator raises, what was received is played to its end; the error is shown in the page,
        logged, kept in `playback.error`, and raised by `await playback`. The voice waits while more than 600 s have
        not been played.

        Args:
            sound: A clip, or an async iterator of :class:`~smallest_nb.AudioChunk` or clips of one sample rate; a
                :class:`~smallest_nb.WordTiming` among them is shown under the picture.
            queued: Play it after what plays; else instead of it.

        Returns:
            The stream of a clip; for speech a playback, with `cancel()`, `is_done`, `error`, `await` and `result()`.

        Raises:
            ConfigError: Something that cannot be played.

        Example:
            >>> async with snb.SmallestTTSService() as tts:
            ...     await player.play(tts.run_tts(tokens))  # a language model's tokens as they come
        """
        if isinstance(sound, Clip):
            stream = self.open_stream(sound.sample_rate, queued=queued)
            stream.write(sound.pcm)
            stream.end()
            return stream
        if not isinstance(sound, AsyncIterable):
            raise ConfigError(
                f"{sound!r:.80} cannot be played; expected a Clip, or an async iterator of sound such as "
                "`tts.run_tts(text)`."
            )
        if not queued:
            self.stop()
        with self._lock:
            playback = SpeechPlayback(self, sound, self._add_stream(0, queued=queued))
            self._playbacks.add(playback)
        self.error = ""
        playback.start(self._playback_over)
        return playback

    def _playback_over(self, playback: SpeechPlayback) -> None:
        with self._lock:
            self._playbacks.discard(playback)
        if playback.error is not None:
            self.error = str(playback.error) or type(playback.error).__name__
        self.flush()

    def _cancel_dropped(self) -> None:
        """Cancel the speech that is still received and will not be played."""
        with self._lock:
            dropped = [playback for playback in self._playbacks if playback.stream not in self._streams]
        for playback in dropped:
            playback.cancel()

    def drop(self, stream: PlayerStream) -> None:
        """Play a stream no further; what is queued behind it follows."""
        with self._lock:
            if stream not in self._streams:
                return
            others = [other for other in self._streams if other is not stream]
            if stream.opened == NOT_OPENED:
                self._streams.remove(stream)
            elif self._streams[0] is not stream:
                stream.cut()  # its turn has not come: at most what was sent ahead is heard
            else:
                self._forget_streams()
                for other in others:  # the page forgets all that waits
                    other.rewind()
                    self._streams.append(other)
        self.flush()

    def _forget_streams(self) -> None:
        self._streams.clear()
        self._channel.forget_commands("playback")
        self._channel.post({"type": "stop", "fade_ms": FADE_MS})

    def stop(self) -> None:
        """Fade out and forget what waits."""
        with self._lock:
            self._forget_streams()
        self._cancel_dropped()

    def pause(self) -> None:
        """Fade out and keep the place."""
        self._channel.command({"type": "playback", "action": "pause", "at": None})

    def resume(self) -> None:
        """Go on after a pause."""
        self._channel.command({"type": "playback", "action": "resume", "at": None})

    def seek(self, seconds: float) -> None:
        """Go on from another place of the take, or begin there; where its sound still comes, as soon as it is there."""
        self._channel.command({"type": "playback", "action": "seek", "at": float(seconds)})

    def replay(self) -> None:
        """Play the last take again; the page has it, or asks for what it has not."""
        self._channel.command({"type": "playback", "action": "replay", "at": None})

    def clear(self) -> None:
        """Fade out and forget the sound, here and in the pages: it cannot be played again."""
        with self._lock:
            self._streams.clear()
            self._latest = None
            self._channel.forget_commands("playback", "compare")
            self._channel.post({"type": "playback", "action": "clear", "at": None})
        self._cancel_dropped()
        self.words, self.waterfall, self.difference, self.status = {}, {}, "", ""

    def show_words(self, stream: PlayerStream, words: Sequence[tuple[str, float, float]], *, estimated: bool) -> None:
        """Show the words of a stream under its picture; the page marks the one that sounds.

        Args:
            stream: Whose words they are.
            words: (word, start, end), seconds of the stream.
            estimated: Their times are estimates, and the page says so.
        """
        self.words = {"stream": stream.name, "estimated": estimated, "words": [list(word) for word in words]}

    def compare(self, first: tuple[str, Clip], second: tuple[str, Clip], difference: str = "") -> None:
        """Put two clips side by side in the page, where one press switches between them at the same instant.

        Args:
            first: Its label and sound, at most 60 s.
            second: The other one.
            difference: How they differ, in words.

        Raises:
            ConfigError: A clip is too long.
        """
        for label, clip in (first, second):
            if clip.duration > _MAX_COMPARED_SECS:
                raise ConfigError(
                    f"{label} is {clip.duration:.0f} s long; takes of at most {_MAX_COMPARED_SECS} s can be compared."
                )
        self._channel.forget_commands("compare")
        for slot, (label, clip) in (("a", first), ("b", second)):
            self._channel.command(
                {"type": "compare", "slot": slot, "label": label, "sample_rate": clip.sample_rate}, clip.pcm
            )
        self.difference = difference

    def on_press(self, handler: Callable[[str], None]) -> None:
        """Call `handler("play")` or `handler("stop")` on the background loop when the button is pressed."""
        self.remote = True
        self._press.append(handler)

    def on_moved(self, handler: Callable[[], None]) -> None:
        """Call `handler()` on the background loop when `position` or `state` has changed, some four times a second."""
        self._on_moved.append(handler)

    def on_finished(self, handler: Callable[[], None]) -> None:
        """Call `handler()` on the background loop when the page has played all there was, or was stopped."""
        self._on_finished.append(handler)

    @shortens
    async def wait(self, timeout: float | None = None) -> None:
        """Wait until the page has played all there is.

        Args:
            timeout: Seconds, or None for no limit.

        Raises:
            FrontEndError: No page shows the widget, or this kernel receives messages from pages only
                between cells: use :meth:`on_finished` then.
            TimeoutError: It took longer.
        """
        async with asyncio.timeout(timeout):
            if not await self._channel.has_page():
                raise FrontEndError("No page shows this player: display it first, and wait in a later cell.")
            await self._channel.check_reachable(
                "Use player.on_finished(handler), or look at player.state in a later cell."
            )
            while self._streams or self.state != "idle":
                await asyncio.sleep(_POLL_SECS)  # `background_loop` says why a cell polls

    def flush(self) -> None:
        """Send what may be sent. Called when something was written, a page has played, or another one is to."""
        with self._lock:
            self._settle()
            self._open_streams()
            self._is_paced = False
            if self._channel.owned_from is not None:
                self._send_due()
        self._cancel_dropped()
        self._look_later()

    def _send_due(self) -> None:
        for stream in list(self._streams):
            if stream.opened == NOT_OPENED:
                return  # the rate of one that was given before is not known yet
            if stream in self._streams and stream.finished():
                self._channel.post({"type": "stream-end", "stream": stream.name, "samples": stream.length})
            while stream in self._streams and self._may_send(stream) and (piece := stream.take()):
                if stream.latency.sent is None:
                    stream.latency.sent = monotonic() * 1000
                self._channel.post({"type": "stream-audio", "stream": stream.name, "first": piece[0]}, piece[1])
                self._note_sent(stream, len(piece[1]) / BYTES_PER_SAMPLE / stream.sample_rate)
            if not stream.all_sent:
                return  # those behind it have time

    def _may_send(self, stream: PlayerStream) -> bool:
        """Say whether a piece is due: not long before it is played, and no more at once than a host can take."""
        ahead = self._ahead_secs(stream)
        if max(stream.on_its_way_secs - self._unreported_secs(), ahead) > LEAD_SECS:
            return False
        self._is_paced = ahead > START_SECS and monotonic() < self._next_fill and stream.length > stream.sent
        return not self._is_paced

    def _note_sent(self, stream: PlayerStream, secs: float) -> None:
        """Have the piece after one of so many seconds wait, unless it is needed soon."""
        page = self._channel.owner_page
        if page is not None and not page.pull and self._ahead_secs(stream) > START_SECS:
            self._next_fill = max(self._next_fill, monotonic()) + secs / FILL_RATE

    def _ahead_secs(self, stream: PlayerStream) -> float:
        """Return the seconds of sound, to a stream's last, that were sent and, as far as is known, not yet played."""
        before = itertools.takewhile(lambda one: one is not stream, self._streams)
        return sum(one.in_flight_secs for one in (*before, stream)) - self._unreported_secs()

    def _unreported_secs(self) -> float:
        since = self._plays_since()
        return 0.0 if since is None else min(monotonic() - since, _MOST_UNREPORTED_SECS)

    def _plays_since(self) -> float | None:
        """Return from when on the page plays as far as is known, or None if it does not.

        While a cell sleeps or computes no report comes, but time passes: what was playing plays on, and what was sent
        before any report plays too. Else the sound would end when as much was sent as is sent ahead.
        """
        sent = self._streams[0].latency.sent if self._streams else None
        if sent is None:
            return None
        is_reported = self._reported_by == self._channel.owner and self._reported_at >= sent / 1000
        if is_reported:
            return self._reported_at if self.state == "playing" else None
        return sent / 1000

    def _look_later(self) -> None:
        """Have `flush` called when the next piece is due, or soon: a report that would have it sent may not come."""
        with self._lock:
            if self._closed or not any(stream.length > stream.sent for stream in self._streams):
                return
            now = monotonic()
            if self._is_paced:
                due = max(now, self._next_fill)
            elif self._plays_since() is not None:
                due = now + _FOLLOW_SECS
            else:
                return
            # One that is long over was not set: an interrupt came between.
            if due < self._looks_at or self._looks_at < now - _FOLLOW_SECS:
                self._looks_at = due
                self._channel.channel.call_later(due - now, partial(weakly(self._time_passed), due))

    def _time_passed(self, due: float) -> None:
        if due == self._looks_at and not self._closed:  # else an earlier one took its place
            self._looks_at = float("inf")
            self.flush()

    def _settle(self) -> None:
        """Open for the owner what was opened before it was that, unless another page has begun to play it."""
        since = self._channel.owned_from
        missed = [s for s in self._streams if since is None or s.opened < since]
        if any(stream.sent or stream.all_sent for stream in missed):
            # The page that played is gone or silent now; the rest, without its beginning, would surprise the listener.
            self._streams = deque(s for s in self._streams if s not in missed)
        elif since is not None:
            for stream in missed:
                self._open(stream)
        if self.state != "idle" and self._reported_by != self._channel.owner:
            self._enter("idle")

    def _take_press(self, action: str) -> None:
        if action == "replay":
            return  # the page plays what it has; the press made it the owner
        if action == "stop":
            with self._lock:
                self._streams.clear()  # now: what the page reports next comes after it
            self._cancel_dropped()
        background_loop.post(self._pressed, action)

    def _pressed(self, action: str) -> None:
        for handler in self._press:
            handler(action)
        if action == "play" and not self._press and self._clip is not None:
            self.play(self._clip)

    def _played(self, message: Played) -> None:
        with self._lock:
            if message["page"] != self._channel.owner:
                return  # another one sounds by now
            self._reported_at, self._reported_by = monotonic(), message["page"]
            self._settle()
            stream = next((s for s in self._streams if s.name == message["stream"]), None)
            if stream is None and message["more"]:
                stream = self._take_up(message["page"], message["stream"], message["received"])
            idle = message["state"] == "idle"
            if stream is not None:
                while self._streams[0] is not stream:
                    self._streams.popleft()  # streams play one after the other
                self._note(stream, message)
                if idle and stream.all_sent and stream.played >= stream.sent:
                    self._streams.popleft()
                elif idle:
                    self._streams.clear()  # stopped in the page: the rest will not be heard
            elif idle:  # something of its own is over, for which it dropped the streams that it knew
                self._streams = deque(s for s in self._streams if s.opened >= message["ack"])
            self._enter(message["state"])
        background_loop.post(self.flush)

    def _fetch(self, message: Fetch) -> None:
        """Send a stream from another place on; nothing of what was sent before is awaited any more."""
        page, name, first = message["page"], message["stream"], message["first"]
        with self._lock:
            if page != self._channel.owner:
                return
            self._reported_at, self._reported_by = monotonic(), page  # since the last report it has played no more
            self._settle()
            stream = next((s for s in self._streams if s.name == name), None)
            if stream is None:
                stream = self._take_up(page, name, first)
            elif not stream.go_on_from(first):
                self._end_for(page, name, first)
                stream = None
            if stream is not None:
                stream.played = first
        background_loop.post(self.flush)

    def _take_up(self, page: str, name: str, sample: int) -> PlayerStream | None:
        """Go on with a stream that was stopped before all of it was sent; or say that no more of it is here."""
        known = self._latest
        if self._streams:
            return None  # another one was opened, of which the page will hear
        if known is None or known.name != name or not known.go_on_from(sample):
            self._end_for(page, name, sample)
            return None
        known.opened = self._channel.owned_from or 0
        self._streams.append(known)
        return known

    def _end_for(self, page: str, name: str, sample: int) -> None:
        """Say that a stream has no more sound from a sample on."""
        end: ToPage = {"type": "stream-end", "stream": name, "samples": sample}
        self._channel.post(end, to=page)

    def _note(self, stream: PlayerStream, message: Played) -> None:
        self._latest = stream
        stream.played, stream.received = message["position"], message["received"]
        self.position = message["position"] / stream.sample_rate
        self.underruns = message["underruns"]
        self.first_sound_ms = message["first_ms"]
        latency = stream.latency
        latency.arrived, latency.rendered = message["arrived"], message["rendered"]
        latency.prebuffer_ms, latency.clock_error_ms = message["prebuffer_ms"], message["clock_error_ms"]

    def _enter(self, state: str) -> None:
        """Take on what the page reported, or that it reports nothing any more."""
        was, self.state = self.state, state
        for handler in self._on_moved:
            background_loop.post(handler)
        if state == "idle" and was != "idle":
            background_loop.post(self._report_finished)

    def _report_finished(self) -> None:
        for handler in self._on_finished:
            try:
                handler()
            except Exception:
                _log.exception("a handler of on_finished failed")

    def close(self) -> None:
        """Close the widget, and cancel the speech that is still received; it mutes no microphone any more."""
        self._closed = True
        for playback in list(getattr(self, "_playbacks", ())):
            playback.cancel()
        super().close()

    def describe(self) -> str:
        """Return one line."""
        return f"Player({self.label!r})"
