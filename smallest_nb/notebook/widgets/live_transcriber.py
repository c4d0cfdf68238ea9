"""The LiveTranscriber: press the microphone, speak, read; the transcript is data."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from statistics import median
from typing import Any

import ipywidgets
import traitlets

from smallest_nb.api.catalog import check_live_model
from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.client import background_loop
from smallest_nb.client import target as targets
from smallest_nb.client.conversation.turns import turns
from smallest_nb.client.stt import SmallestSTTService
from smallest_nb.client.target import Target
from smallest_nb.common.address import without_credentials
from smallest_nb.common.secret import Secret, box_arguments
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import AuthError, ConfigError
from smallest_nb.notebook import session
from smallest_nb.notebook.comm.messages import KeyEntered, Press
from smallest_nb.notebook.widgets import assets, lifetime
from smallest_nb.notebook.widgets._setting_value_trait import SettingValueTrait, follow_settings, setting_values
from smallest_nb.notebook.widgets._settings_trait import SettingsTrait
from smallest_nb.notebook.widgets.cleared_transcript import ClearedTranscript
from smallest_nb.notebook.widgets.clip_source import check_pace
from smallest_nb.notebook.widgets.composite_widget import CompositeWidget
from smallest_nb.notebook.widgets.connection_status import ConnectionStatus
from smallest_nb.notebook.widgets.file_source import FileSource
from smallest_nb.notebook.widgets.key_entry import KeyEntry, typed_key
from smallest_nb.notebook.widgets.microphone import Microphone
from smallest_nb.notebook.widgets.player import any_sounds
from smallest_nb.notebook.widgets.recording_playback import RecordingPlayback
from smallest_nb.notebook.widgets.recording_series import RecordingSeries
from smallest_nb.notebook.widgets.settings_panel import SettingsPanel
from smallest_nb.notebook.widgets.transcript_view import TranscriptView
from smallest_nb.notebook.widgets.transcription_events import TranscriptionEvents
from smallest_nb.notebook.widgets.transcription_session import LAST_WORDS_SECS, TranscriptionSession
from smallest_nb.results.metrics import MetricsLog, STTMetrics
from smallest_nb.results.segment_latency import SegmentLatency
from smallest_nb.results.transcript import Recording, Segment, Transcript

__all__ = ["LiveTranscriber"]

_END_SECS = 10.0
_TRAITS = ("eou_timeout_ms", "max_words", "language")
_UNDO_SECS = 30.0
_MUTED = "Not listening while a player in this notebook is playing."


class LiveTranscriber(CompositeWidget):
    """Transcribes the microphone, or a clip or file that plays its part.

    Args:
        settings: A delta over the documented defaults.
        sample_rate: Hz sent to the service.
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives, else the simulator.
        base_url: The address of the service; None for the session's, SMALLEST_BASE_URL or `wss://api.smallest.ai`.
        keep_audio: Keep the sound beside the text, in this kernel only, so that a press on a word plays it.
        max_audio_seconds: Of that sound, the latest; an hour at 16 kHz is 115 MB.
        mute_while_playing: Hear nothing while a player of this notebook sounds, so that its voice is not transcribed.
            Switch it off with headphones, or with `microphone.echo_cancellation`.
        changes: Single settings, such as `word_timestamps=True`.

    Attributes:
        settings: The complete settings, bound to the controls both ways; a change while recording reconnects.
        eou_timeout_ms: That setting alone, and so `max_words` and `language`: to be linked to a control of your own.
        transcript: The :class:`~smallest_nb.results.transcript.Transcript` so far.
        latencies: Where the milliseconds of the latest 1000 segments went.
        connection: What the connection does, in words.
        cleared: What a person deleted a moment ago and can have back, or empty.
    """

    _esm = assets.esm("transcriber")
    _css = assets.css("transcriber")

    settings = SettingsTrait(SmallestSTTSettings)
    connection = traitlets.Unicode("").tag(sync=True)
    can_give_up = traitlets.Bool(False).tag(sync=True)
    cleared = traitlets.Unicode("").tag(sync=True)
    key_state = traitlets.Enum(["", "missing", "refused"], "").tag(sync=True)
    key_problem = traitlets.Unicode("").tag(sync=True)
    keep_audio = traitlets.Bool(True).tag(sync=True)
    mute_while_playing = traitlets.Bool(True).tag(sync=True)
    eou_timeout_ms = SettingValueTrait(SmallestSTTSettings)
    max_words = SettingValueTrait(SmallestSTTSettings)
    language = SettingValueTrait(SmallestSTTSettings)

    def __init__(
        self,
        *,
        settings: SmallestSTTSettings | None = None,
        sample_rate: int = 16000,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        keep_audio: bool = True,
        max_audio_seconds: float = 3600.0,
        mute_while_playing: bool = True,
        **changes: Any,
    ) -> None:
        api_key, base_url = Secret.of(api_key), without_credentials(base_url)
        changes = box_arguments(changes)
        self.latencies: deque[SegmentLatency] = deque(maxlen=1000)
        snapshot, _ = SmallestSTTSettings.complete().merged(settings or SmallestSTTSettings())
        snapshot, _ = snapshot.merged(SmallestSTTSettings(**changes))
        check_live_model(str(snapshot.model))
        self._is_of_session = api_key is None and base_url is None
        self._target = targets.resolve(api_key, base_url)
        self._key = KeyEntry(lambda: self._target, self._use_target, self._show_key)
        self._sample_rate = sample_rate
        channel = self._begin()
        self.microphone = Microphone(
            sample_rate=sample_rate, label="Transcribe", controls=True, within=channel.part("microphone")
        )
        self.view = TranscriptView(within=channel.part("transcript"))
        self.transcript.recording = Recording(sample_rate, max_audio_seconds)
        self._undo: ClearedTranscript | None = None
        self._series = RecordingSeries()
        self._session = TranscriptionSession(
            self.microphone, self._make_service, on_pcm=self._keep, on_segment=self._show, on_live=self._set_live,
            connection=ConnectionStatus(self._show_connection, self._to_final),
        )  # fmt: skip
        self._events = TranscriptionEvents(self._session.check_progress)
        self.sound = RecordingPlayback(
            lambda: self.transcript.recording, sample_rate, max_audio_seconds, player=channel.part("player"),
            within=channel.part("recording"),
        )  # fmt: skip
        self.player = self.sound.player
        self.view.on_hear(self.sound.hear)
        self.panel = SettingsPanel(snapshot, within=channel.part("settings"))
        self.files = FileSource(self._feed_file, self._turn, self.view.announce, within=channel.part("files"))
        parts = {
            "microphone": self.microphone, "transcript": self.view, "player": self.player, "recording": self.sound,
            "settings": self.panel, "files": self.files,
        }  # fmt: skip
        super().__init__(
            parts, self._draw, settings=snapshot, keep_audio=keep_audio, mute_while_playing=mute_while_playing,
            layout=ipywidgets.Layout(width="100%", max_width="980px"), **setting_values(snapshot, _TRAITS),
        )  # fmt: skip
        traitlets.link((self, "settings"), (self.panel, "settings"))
        follow_settings(self, _TRAITS)
        self.observe(lambda c: background_loop.submit(self._session.update(c["new"])), names="settings")
        self.observe(lambda _c: setattr(self.view, "error", ""), names="settings")
        self.observe(lambda _c: self._apply_keep_audio(), names="keep_audio")
        self._apply_keep_audio()
        self.microphone.on_audio(self._write)
        self.microphone.sources.on_file(self._show_files)
        self.transcript.on_rename(lifetime.weakly(self._renamed))
        self._channel.on(Press, lambda m, _b: self._pressed(m["action"]))
        # Boxed at once: what goes on from here holds no key that could be drawn or logged.
        self._channel.on(KeyEntered, lambda _m, data: self._key.enter(typed_key(data)))
        self._key.describe()
        self._open()

    def _show_key(self, notice: str, state: str, problem: str) -> None:
        self.notice = f"{notice} It hears English only." if state == "missing" else notice
        self.key_state, self.key_problem = state, problem

    def _use_target(self, target: Target) -> None:
        """Transcribe there from the next recording on, as do the widgets that are made later."""
        if self._is_of_session:
            session.use_target(target)
        self._target = target
        self.microphone.error = ""
        self.microphone.status = f"The API key from {target.key.source} is used from the next recording on."

    def _show_files(self) -> None:
        self.files.status = "Choose one or more files, or drop them here."

    def _pressed(self, action: str) -> None:
        if action == "finalize":
            self.finalize()
        elif action == "clear":
            background_loop.post(self._clear_for_a_while)
        elif action == "undo":
            background_loop.post(self._undo_clear)
        elif action == "give-up":
            background_loop.post(self._session.give_up)

    @property
    def transcript(self) -> Transcript:
        """The transcript so far."""
        return self.view.transcript

    @property
    def metrics(self) -> MetricsLog[STTMetrics]:
        """What the latest 1000 segments took; `.summary()` holds the p50, p90 and p99 against `ttfs_p99_latency`."""
        return self._session.metrics

    @property
    def service(self) -> SmallestSTTService | None:
        """The service that listens, or None between recordings."""
        return self._session.service

    @property
    def recording(self) -> bool:
        """Whether something is recorded, or its last words are awaited."""
        return self.microphone.state != "idle" or self._session.running

    @shortens
    def feed(
        self, clip: Clip, *, pace: float = 1.0, timeout: float | None = None, name: str | None = None
    ) -> Transcript:
        """Let a clip play the microphone's part and wait for the last final.

        Args:
            clip: What is heard.
            pace: Multiple of real time.
            timeout: Seconds; None for the clip's length and a margin.
            name: What the recording is called in a transcript of several; None for "Recording 2" and so on.

        Returns:
            The transcript.

        Raises:
            SmallestError: What went wrong; the widget shows it too.
        """
        self._check_process()
        check_pace(pace)
        limit = timeout if timeout is not None else clip.duration / pace + 30
        background_loop.call(self._feed(clip, pace, name), limit)
        return self.transcript

    @shortens
    async def feed_async(self, clip: Clip, *, pace: float = 1.0, name: str | None = None) -> Transcript:
        """Await :meth:`feed`, in a cell or anywhere else."""
        self._check_process()
        self.view.announce()
        await background_loop.wait(background_loop.submit(self._feed(clip, pace, name)))
        return self.transcript

    @shortens
    async def record(
        self,
        until: str | float = "silence",
        *,
        source: Clip | None = None,
        quiet: float = 1.5,
        timeout: float = 120.0,
    ) -> Transcript:
        """Record, wait, stop, and return what was said; for `await live.record()` in a cell.

        Args:
            until: "silence" (something was said, and no more for `quiet` seconds), "stop" (a person presses Stop), or
                seconds of recording.
            source: A clip that plays the microphone's part.
            quiet: Seconds without a new result that count as silence.
            timeout: Seconds to wait at most.

        Returns:
            The segments of this recording, part of :attr:`transcript`.

        Raises:
            ConfigError: Another `until`, or something is being recorded.
            FrontEndError: No page shows the widget, the browser gave no microphone, with its reason, or the kernel
                hears from the page only between cells.
            SmallestError: The session failed; what was said until then is in :attr:`transcript`.
            TimeoutError: It took longer; the recording is stopped and kept.
        """
        self._check_process()
        if source is None:
            await self._session.check_page()
        if self.microphone.state == "idle":  # the last words of a former recording are no part of this one
            await background_loop.wait(background_loop.submit(self._session.end()))
        first = len(self.transcript)
        await background_loop.wait(
            background_loop.submit(self._session.record(until, source=source, quiet=quiet, timeout=timeout))
        )
        return self.transcript[first:]

    def segments(self, *, interim: bool = False) -> AsyncIterator[Segment]:
        """Iterate over what is said from now on, until the recording that runs (or the next one) is over.

        Args:
            interim: Interim results too.

        A reader that falls 1000 results behind loses the oldest. `async for segment in live` is the same. Where the
        kernel hears from the page only between cells, iterating over a recording in the page raises FrontEndError.
        """
        return self._events.segments(interim=interim)

    def __aiter__(self) -> AsyncIterator[Segment]:
        return self.segments()

    def turns(self, *, stop_secs: float = 0.8) -> AsyncGenerator[Segment, None]:
        """Iterate over what is said from now on turn by turn: finals that follow one another without a pause are one.

        Args:
            stop_secs: Seconds after a final without any other result after which the turn is over, 0 to 60.

        Yields:
            One final segment per turn, with the times and words of all it was made of, until the recording that runs
            (or the next one) is over, or the transcriber is closed; a turn that was begun is yielded then. A reader
            that falls 1000 results behind loses the oldest.

        Raises:
            ConfigError: `stop_secs` cannot be used.
            FrontEndError: As iterating over :meth:`segments`.

        Example:
            >>> async for turn in live.turns():
            ...     await player.play(tts.run_tts(reply(turn.text)))
        """
        return turns(self.segments(interim=True), stop_secs=stop_secs)

    def finalize(self) -> None:
        """Ask for the final text of what was said so far."""
        self.view.announce()
        background_loop.submit(self._session.finalize())

    def pause(self) -> None:
        """Let nothing in for a while; device and session stay open, and what was said becomes final."""
        self.microphone.paused = True

    def resume(self) -> None:
        """Go on after a pause."""
        self.microphone.paused = False

    def stop(self) -> None:
        """End the recording; its last words still come."""
        self.microphone.stop()

    def clear(self) -> None:
        """Forget the transcript and its sound; between recordings the clock starts again at zero."""
        self._forget_cleared()
        self.view.clear()
        over = not self._session.running
        if self.transcript.recording is not None:
            self.transcript.recording.clear(restart=over)
        self.sound.clear(restart=over)
        if over:
            self._session.offset = 0.0
            self.microphone.status = ""
            self.microphone.error = ""
        self.saved_html.refresh()

    def _clear_for_a_while(self) -> None:
        """Clear, and keep for half a minute what a person may want back. On the background loop."""
        cleared = ClearedTranscript(self.transcript, self.sound.copy_peaks(), self._session.offset)
        self.clear()
        if cleared:
            self._undo, self.cleared = cleared, cleared.describe()
            asyncio.get_running_loop().call_later(_UNDO_SECS, lifetime.weakly(self._forget_cleared), cleared)

    def _forget_cleared(self, what: ClearedTranscript | None = None) -> None:
        if what is None or what is self._undo:
            self._undo, self.cleared = None, ""

    def _undo_clear(self) -> None:
        cleared = self._undo
        if cleared is None:
            return
        self._forget_cleared()
        try:
            cleared.put_back(self.transcript)
        except ConfigError as error:
            self.view.error = str(error)
            return
        if not self._session.running:
            self._session.offset = cleared.offset
        self.sound.put_back(cleared.peaks)
        self.view.show_again()
        self.saved_html.refresh()

    def on_final(self, handler: Callable[[Segment], None]) -> None:
        """Call `handler(segment)` on the background loop with each final segment."""
        self._events.add(handler, interim=False)

    def on_interim(self, handler: Callable[[Segment], None]) -> None:
        """Call `handler(segment)` on the background loop with each interim result."""
        self._events.add(handler, interim=True)

    def close(self) -> None:
        """Stop, close the connection and the widgets."""
        if (
            not hasattr(self, "parts") or self._process != os.getpid()
        ):  # refused by its own constructor; ipywidgets closes it all the same
            return
        self.microphone.stop()
        self._end(self._ended(), _END_SECS + 1)
        self._events.end()  # also for those that wait for a recording that will not come
        super().close()

    async def _ended(self) -> None:
        try:
            async with asyncio.timeout(_END_SECS):
                await self._session.end()
        finally:
            self._session.cancel()

    def _make_service(self) -> SmallestSTTService:
        return SmallestSTTService(
            target=self._target, sample_rate=self._sample_rate, settings=self.settings, close_timeout=LAST_WORDS_SECS
        )

    def _write(self, pcm: bytes) -> None:
        if self.mute_while_playing and not self.microphone.feeding and any_sounds():
            pcm = bytes(len(pcm))  # silence, not nothing: the clock goes on
            self.microphone.status = _MUTED
        elif self.microphone.status == _MUTED:
            self.microphone.status = "Listening."
        self._session.write(pcm)

    def _keep(self, pcm: bytes) -> None:
        if self.keep_audio and self.transcript.recording is not None:
            self.transcript.recording.write(pcm)
            self.sound.write(pcm)

    def _to_final(self) -> float | None:
        return median(self._session.to_final) if self._session.to_final else None

    def _show_connection(self, text: str) -> None:
        self.connection = text
        self.can_give_up = self._session.connecting

    def _show(self, result: Segment) -> None:
        segment = self._series.placed(result)
        self.view.apply(segment)
        if not segment.text:
            return
        if segment.is_final:
            self.latencies.append(self._latency())
            if self.key_state == "refused":
                self._key.describe()
            self.saved_html.refresh()
        self._events.publish(segment)

    def _set_live(self, on: bool) -> None:
        self.view.live = on
        if on:
            self._series.begin(self.transcript)
            if self.transcript.recording is None or not self.transcript.recording.duration:
                self._forget_cleared()  # its times would be those of this recording
        else:
            self.sound.show()
            if isinstance(self._session.failure, AuthError):
                self.microphone.error = self._key.refuse()
            if self._session.failure is None:
                self.microphone.status = self._count()
            self._events.end()
            self.saved_html.refresh()

    def _renamed(self, _speaker: int, _name: str) -> None:
        self.saved_html.refresh()

    def _apply_keep_audio(self) -> None:
        if not self.keep_audio and self.transcript.recording is not None:
            self.transcript.recording.clear(restart=False)
            self.sound.clear(restart=False)
        self.view.audible = self.keep_audio

    async def _feed_file(self, name: str, clip: Clip, pace: float, progress: Callable[[float], None]) -> None:
        def played(change: Any) -> None:
            progress(change["new"])

        self.microphone.clip_fraction = 0.0
        self.microphone.observe(played, names="clip_fraction")
        try:
            await self._feed(clip, pace, name)
        finally:
            self.microphone.unobserve(played, names="clip_fraction")

    async def _turn(self) -> None:
        """Wait until nothing else is recorded or fed."""
        await self.microphone.controller.wait_for(lambda: self.microphone.state == "idle")
        await self._session.end()

    async def _feed(self, clip: Clip, pace: float, name: str | None) -> None:
        self._series.name_next(name)
        try:
            await self._session.feed(clip, pace)
        finally:
            self._series.name_next(None)

    def _count(self) -> str:
        segments, words = len(self.transcript), len(self.transcript.text.split())
        return f"{segments} segment{'' if segments == 1 else 's'}, {words} word{'' if words == 1 else 's'}."

    def _latency(self) -> SegmentLatency:
        to_final = self.metrics[-1].time_to_final_s if self.metrics else None
        trip = self.view.trip_ms
        return SegmentLatency(
            capture_to_kernel=self.microphone.latency_ms[-1] if self.microphone.latency_ms else None,
            kernel_to_final=None if to_final is None else to_final * 1000,
            kernel_to_page=None if trip is None else trip / 2,
        )

    def _draw(self) -> str:
        """What the notebook shows of it without a kernel."""
        return self.transcript._repr_html_()

    def __repr__(self) -> str:
        made = "parts" in vars(self)  # a debugger also draws one that is just being made
        return f"LiveTranscriber({self.transcript!r})" if made else "LiveTranscriber(refused)"
