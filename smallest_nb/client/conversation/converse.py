"""A conversation in one call."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from smallest_nb.api.fields import NOT_GIVEN
from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.client.conversation.clock import ConversationClock
from smallest_nb.client.conversation.loop import ConversationLoop
from smallest_nb.client.conversation.options import ConversationOptions, OnError
from smallest_nb.client.conversation.reply import ReplyFunction
from smallest_nb.client.conversation.sinks import AudioSink
from smallest_nb.client.conversation.sources import AudioSource, ClipSource
from smallest_nb.client.stt import SmallestSTTService
from smallest_nb.client.tts import SmallestTTSService
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError
from smallest_nb.results.conversation import ConversationRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from smallest_nb.audio.vad import Vad, VADParams

__all__ = ["conversation_stt", "conversation_tts", "converse"]

_VOICE = "avery"
"""A voice whose words come with times, so that a turn can be cut at the word that was heard."""
_LEAST_EOU_MS = 100


def conversation_stt(options: ConversationOptions, **arguments: Any) -> SmallestSTTService:
    """Return a transcription that fits a conversation: it freezes the text at ends of turns only.

    Args:
        options: How turns are taken.
        arguments: Of :class:`~smallest_nb.SmallestSTTService`.
    """
    silence = max(_LEAST_EOU_MS, round(options.stop_secs * 1000))
    settings = SmallestSTTSettings(
        finalize_on_words=False, eou_timeout_ms=NOT_GIVEN if options.end_of_turn == "vad" else silence
    )
    return SmallestSTTService(settings=settings, **arguments)


def conversation_tts(**arguments: Any) -> SmallestTTSService:
    """Return a voice whose words come with times.

    Args:
        arguments: Of :class:`~smallest_nb.SmallestTTSService`.
    """
    return SmallestTTSService(settings=SmallestTTSSettings(voice=_VOICE, word_timestamps=True), **arguments)


@shortens
async def converse(
    source: AudioSource | Clip | str | os.PathLike[str],
    reply: ReplyFunction,
    sink: AudioSink | None = None,
    *,
    stt: SmallestSTTService | None = None,
    tts: SmallestTTSService | None = None,
    on_error: OnError = None,
    on_turn: Callable[..., Any] | None = None,
    vad: VADParams | None = None,
    vad_detector: Vad | None = None,
    clock: ConversationClock | None = None,
    record: ConversationRecord | None = None,
    keep_audio_secs: float = 1800.0,
    **options: Any,
) -> ConversationRecord:
    """Listen, call `reply` with what was said, speak its answer, stop when the person speaks; until the source ends.

    Args:
        source: The person's sound: an :class:`~smallest_nb.client.conversation.sources.AudioSource`, or a clip or WAV
            file that is pushed as if it were spoken.
        reply: `reply(text)` or `reply(text, history)`, plain or async; returns or yields text. `history` is a list of
            messages, `{"role": "user" or "assistant", "content": ...}`, of the turns before. What is not async runs in
            a thread of its own.
        sink: Where the voice sounds; None plays nothing and takes as long.
        stt: A transcription of your own, which you close; None makes one.
        tts: A voice of your own, which you close; None makes one.
        on_error: What is spoken if `reply` fails: a text, or a function of the error; None speaks nothing.
        on_turn: Called with each turn as it is complete.
        vad: Thresholds of our own voice activity detection; None takes Pipecat's, with `stop_secs`.
        vad_detector: Tells speech from the rest; None takes the best that is installed.
        clock: The clock; None takes that of source or sink.
        record: Where turns, sound and figures go, so that you have them if the call fails or is cancelled.
        keep_audio_secs: Seconds of sound that are kept of each side; 0 keeps none.
        options: Of :class:`~smallest_nb.client.conversation.options.ConversationOptions`: `end_of_turn`, `stop_secs`,
            `start`, `barge_in`, `min_words`, `grace_secs`, `echo` and so on.

    Returns:
        The turns, the sound and the figures.

    Raises:
        ConfigError: A value that cannot work.
        SmallestError: The transcription failed for good. A voice or a `reply` that fails does not end a conversation.
        Exception: What the source raises.

    Example:
        >>> record = await snb.converse("question.wav", lambda text: f"You said {text}.")
        >>> record.history
    """
    try:
        chosen = ConversationOptions(**options)
    except TypeError as error:
        raise ConfigError(f"{error}; the options are {', '.join(ConversationOptions.__slots__)}.") from None
    if isinstance(source, str | os.PathLike):
        source = Clip.from_wav(source)
    if isinstance(source, Clip):
        source = ClipSource(source, clock=clock or getattr(sink, "clock", None))
    async with contextlib.AsyncExitStack() as stack:
        if stt is None:
            stt = conversation_stt(chosen)
            stack.push_async_callback(stt.close)
        if tts is None:
            tts = conversation_tts()
            stack.push_async_callback(tts.close)
        loop = ConversationLoop(
            source,
            reply,
            sink,
            stt=stt,
            tts=tts,
            options=chosen,
            on_error=on_error,
            vad=vad,
            vad_detector=vad_detector,
            clock=clock,
            record=record,
            keep_audio_secs=keep_audio_secs,
        )
        if on_turn is not None:
            loop.event_handler("on_turn")(lambda _loop, turn: on_turn(turn))
        return await loop.run()
