"""The Conversation: talk with a function of your own; interrupt it; what was said and heard is data."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.client import background_loop
from smallest_nb.client import target as targets
from smallest_nb.client.cleanup import start_task
from smallest_nb.client.conversation.converse import conversation_stt, conversation_tts
from smallest_nb.client.conversation.loop import ConversationLoop
from smallest_nb.client.conversation.options import ConversationOptions, OnError
from smallest_nb.client.conversation.reply import ReplyFunction
from smallest_nb.common.address import without_credentials
from smallest_nb.common.markup import text_html
from smallest_nb.common.secret import Secret, box_arguments
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.notebook.comm.messages import Press
from smallest_nb.notebook.widgets import assets, lifetime
from smallest_nb.notebook.widgets.clip_source import check_pace
from smallest_nb.notebook.widgets.composite_widget import CompositeWidget
from smallest_nb.notebook.widgets.conversation_audio import MicrophoneAudio, PlayerSink
from smallest_nb.notebook.widgets.microphone import Microphone
from smallest_nb.notebook.widgets.player import Player
from smallest_nb.notebook.widgets.task_log import log_failure
from smallest_nb.results.conversation import ConversationRecord, ConversationTurn
from smallest_nb.results.conversation.latency import AnswerMetricsLog

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from smallest_nb.results.transcript import Transcript

__all__ = ["Conversation"]

_log = logging.getLogger(__name__)
_SHOWN_TURNS = 200
_KEPT_RECORDS = 10
_END_SECS = 10.0
_PARTS = ("end_of_turn_s", "transcript_s", "reply_s", "voice_s", "sound_s")


class Conversation(CompositeWidget):
    """Listens, calls `reply` with what was said, speaks its answer, and stops when the person speaks.

    Args:
        reply: `reply(text)` or `reply(text, history)`, plain or async; returns or yields text, such as a language
            model's tokens as they come. `history` is a list of messages, `{"role": ..., "content": ...}`, of the turns
            before. What is not async runs in a thread of its own.
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives, else the simulator.
        base_url: The address of the service; None for the session's, SMALLEST_BASE_URL or `wss://api.smallest.ai`.
        on_error: What is spoken if `reply` fails: a text, or a function of the error; None speaks nothing. The widget
            shows the error and the log has its traceback; the conversation goes on.
        keep_audio_secs: Seconds of sound that are kept of each side; 0 keeps none.
        stt: Settings of the transcription, such as `{"language": "hi"}`.
        tts: Settings of the voice, such as `{"voice": "sophia", "speed": 1.1}`.
        options: Of :class:`~smallest_nb.client.conversation.options.ConversationOptions`: `end_of_turn`, `stop_secs`,
            `start`, `barge_in`, `min_words`, `grace_secs`, `echo` and so on.

    Attributes:
        microphone: Hears the person; the browser's echo cancellation is on.
        player: Plays the answers.
        record: Turns, figures and sound of the present conversation, or of the last one.
        records: The latest ten conversations of this widget, the present one last.
        state: "idle", "listening", "hearing", "waiting" for the transcript, "thinking", "speaking" or "paused".
        interim: What the person has said of the turn that is not over.

    Example:
        >>> talk = snb.Conversation(lambda text: f"You said: {text}.")
        >>> talk
    """

    _esm = assets.esm("conversation")
    _css = assets.css("conversation")

    state = traitlets.Unicode("idle").tag(sync=True)
    interim = traitlets.Unicode("").tag(sync=True)
    answer = traitlets.Unicode("").tag(sync=True)
    turns: traitlets.List[Any] = traitlets.List().tag(sync=True)
    figures: traitlets.Dict[str, float] = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        reply: ReplyFunction,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        on_error: OnError = None,
        keep_audio_secs: float = 1800.0,
        stt: dict[str, Any] | None = None,
        tts: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        api_key, base_url = Secret.of(api_key), without_credentials(base_url)
        if not callable(reply):
            raise ConfigError(f"reply={reply!r:.80} cannot be called; expected a function of a text.")
        try:
            self._options = ConversationOptions(**options)
        except TypeError as error:
            raise ConfigError(f"{error}; the options are {', '.join(ConversationOptions.__slots__)}.") from None
        self._reply, self._on_error, self._keep_audio_secs = reply, on_error, keep_audio_secs
        self._stt_settings = SmallestSTTSettings(**box_arguments(dict(stt or {})))
        self._tts_settings = SmallestTTSSettings(**box_arguments(dict(tts or {})))
        self._target = targets.resolve(api_key, base_url)
        self._source: MicrophoneAudio | None = None
        self._loop: ConversationLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._on_turn: list[Callable[[ConversationTurn], None]] = []
        self.records: deque[ConversationRecord] = deque([ConversationRecord()], maxlen=_KEPT_RECORDS)
        channel = self._begin()
        self.microphone = Microphone(label="Talk", echo_cancellation=True, within=channel.part("microphone"))
        self.player = Player(label="Play", within=channel.part("player"))
        self._sink: PlayerSink | None = None
        super().__init__(
            {"microphone": self.microphone, "player": self.player}, self._draw,
            notice=self._target.label + " The simulator hears English only." if self._target.simulated else "",
            layout=ipywidgets.Layout(width="100%", max_width="980px"),
        )  # fmt: skip
        self.microphone.on_audio(lifetime.weakly(self._heard))
        self.microphone.controller.on_recording(lifetime.weakly(self._recording))
        self._channel.on(Press, lambda m, _b: self.clear() if m["action"] == "clear" else None)
        self._open()

    @property
    def record(self) -> ConversationRecord:
        """Turns, figures and sound of the present conversation, or of the last one."""
        return self.records[-1]

    @property
    def history(self) -> list[dict[str, str]]:
        """What was heard, and no more, as messages with `role` ("user" or "assistant") and `content`."""
        return self.record.history

    @property
    def transcript(self) -> Transcript:
        """The turns as a transcript of two speakers."""
        return self.record.transcript

    @property
    def metrics(self) -> AnswerMetricsLog:
        """Where the time of each answer went, with `to_dataframe()`."""
        return self.record.metrics

    @property
    def recording(self) -> Clip:
        """Both sides mixed into one channel; :meth:`to_wav` writes them in two."""
        return self.record.recording

    @property
    def running(self) -> bool:
        """Whether a conversation goes on."""
        return self._task is not None and not self._task.done()

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per turn, with the latency parts of the answers."""
        return self.record.to_dataframe()

    def to_wav(self, path: str | os.PathLike[str]) -> Any:
        """Write the sound as a stereo WAV, the person left and the voice right, and return its path."""
        return self.record.to_wav(path)

    def to_json(self) -> str:
        """Return the turns and figures as JSON, which `ConversationRecord.from_json` reads back."""
        return self.record.to_json()

    def on_turn(self, handler: Callable[[ConversationTurn], None]) -> None:
        """Call `handler(turn)` on the background loop with each turn as it is complete."""
        self._on_turn.append(handler)

    @shortens
    def feed(self, clip: Clip, *, pace: float = 1.0, timeout: float | None = None) -> ConversationRecord:
        """Let a clip play the person's part, wait for the end of its last answer, and return the conversation.

        Without a page that shows the widget nothing sounds, and the answers take as long as if they did.

        Args:
            clip: What the person says.
            pace: Multiple of real time at which the clip is heard.
            timeout: Seconds; None for ten times the clip's length and a minute.

        Raises:
            SmallestError: What went wrong; the widget shows it too.
            TimeoutError: It took longer.
        """
        self._check_process()
        check_pace(pace)
        limit = timeout if timeout is not None else 10 * clip.duration / pace + 60
        background_loop.call(self._feed(clip, pace), limit)
        return self.record

    @shortens
    async def feed_async(self, clip: Clip, *, pace: float = 1.0) -> ConversationRecord:
        """Await :meth:`feed`, in a cell or anywhere else."""
        self._check_process()
        self.announce()
        await background_loop.wait(background_loop.submit(self._feed(clip, pace)))
        return self.record

    def start(self) -> None:
        """Open the microphone of the page that was used last, as a press on Talk does."""
        self.microphone.start()

    def stop(self) -> None:
        """End the conversation at once; what was said is kept."""
        self.microphone.stop()
        background_loop.post_if_running(self._hang_up)

    def clear(self) -> None:
        """Forget the turns that are shown; a conversation that runs begins again with none."""
        self.records.append(ConversationRecord())
        self.turns, self.figures, self.answer, self.interim = [], {}, "", ""
        self.saved_html.refresh()

    def close(self) -> None:
        """Stop, close the connections and the widget."""
        if not hasattr(self, "parts") or self._process != os.getpid():  # refused by its constructor, or from a fork
            return
        self.microphone.stop()
        self._end(self._ended(), _END_SECS)
        super().close()

    async def _ended(self) -> None:
        self._hang_up()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_END_SECS - 1)
            self._task.cancel()

    async def _feed(self, clip: Clip, pace: float) -> None:
        playing = asyncio.wrap_future(self.microphone.feed(clip, pace=pace))
        try:
            await playing
        except asyncio.CancelledError:
            self._hang_up()
            own = asyncio.current_task()
            if own is None or own.cancelling():
                raise  # else the clip was stopped, here or in the page: what was said until then is the conversation
        task = self._task
        if task is not None:
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _heard(self, pcm: bytes) -> None:
        if self._source is not None:
            self._source.write(pcm)

    def _recording(self, on: bool) -> None:
        """Begin with the recording, and end with it: a clip's last answer is spoken, a person has hung up."""
        if on:
            self._source = MicrophoneAudio(self.microphone)
            self._task = start_task(self._converse(self._source, self._task))
            self._task.add_done_callback(log_failure(_log, "a conversation failed", expected=SmallestError))
            return
        if self._source is not None:
            self._source.end()
            self._source = None
        if not self.microphone.feeding:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._loop is not None:
            self._loop.stop()

    async def _converse(self, source: MicrophoneAudio, former: asyncio.Task[None] | None) -> None:
        if former is not None and not former.done():
            await asyncio.wait([former])
        self.error = ""
        if len(self.record):
            self.clear()
        stt = conversation_stt(self._options, target=self._target, sample_rate=source.sample_rate)
        tts = conversation_tts(target=self._target)
        try:
            await stt.update_settings(self._stt_settings)
            await tts.update_settings(self._tts_settings)
            if self.player.shown and self._sink is None:
                self._sink = PlayerSink(self.player)
            loop = self._loop = ConversationLoop(
                source, self._reply, self._sink if self.player.shown else None, stt=stt, tts=tts,
                options=self._options, on_error=self._on_error, record=self.record,
                keep_audio_secs=self._keep_audio_secs,
            )  # fmt: skip
            self._follow(loop)
            await loop.run()
        except SmallestError as error:
            self.error = str(error)
            self.microphone.stop()
            raise
        finally:
            self._loop = None
            self._show_figures()
            self.state, self.interim, self.answer = "idle", "", ""
            await asyncio.gather(stt.close(), tts.close(), return_exceptions=True)
            self.saved_html.refresh()

    def _follow(self, loop: ConversationLoop) -> None:
        @loop.event_handler("on_state")
        def state(_loop: ConversationLoop, name: str) -> None:
            self.state = name
            self._show_figures()

        @loop.event_handler("on_interim")
        def interim(_loop: ConversationLoop, text: str) -> None:
            self.interim = text

        @loop.event_handler("on_reply_text")
        def reply_text(loop: ConversationLoop, _text: str) -> None:
            self.answer = loop.answer_text

        @loop.event_handler("on_reply_error")
        def reply_error(_loop: ConversationLoop, error: BaseException) -> None:
            self.error = f"reply failed: {type(error).__name__}: {error}"

        @loop.event_handler("on_turn_removed")
        def removed(_loop: ConversationLoop, _turn: ConversationTurn) -> None:
            self._show_turns()

        @loop.event_handler("on_turn")
        def turn(_loop: ConversationLoop, turn: ConversationTurn) -> None:
            self._show_turns()
            if turn.who == "voice":
                self.answer = ""
            for handler in self._on_turn:
                try:
                    handler(turn)
                except Exception:
                    _log.exception("a handler of on_turn failed")

    def _show_turns(self) -> None:
        self.turns = [_row(turn) for turn in self.record.turns[-_SHOWN_TURNS:]]
        self._show_figures()
        self.saved_html.refresh()

    def _show_figures(self) -> None:
        if self.record.metrics:
            latest = self.record.metrics[-1]
            known = {name: getattr(latest, name) for name in (*_PARTS, "total_s")}
            self.figures = {name: round(value, 3) for name, value in known.items() if value is not None}

    def _draw(self) -> str:
        """What the notebook shows of it without a kernel."""
        return self.transcript._repr_html_() if len(self.record) else f"<p>{text_html(repr(self))}</p>"

    def describe(self) -> str:
        """Return one line."""
        return f"Conversation({len(self.record)} turns)" if hasattr(self, "parts") else "Conversation(refused)"


def _row(turn: ConversationTurn) -> dict[str, Any]:
    """Return what the page shows of a turn; `unheard` is what the voice would have said after it was interrupted."""
    unheard = turn.full_text.removeprefix(turn.text) if turn.full_text.startswith(turn.text) else ""
    return {
        "who": turn.who,
        "text": turn.text,
        "unheard": unheard.strip() if turn.is_interrupted else "",
        "start": turn.start,
        "interrupted": turn.is_interrupted,
        "estimated": turn.is_estimated,
        "error": turn.error,
    }
