"""Where a conversation hears the person: any object that has a sample rate and gives PCM16."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip, silence
from smallest_nb.client.conversation.clock import ConversationClock
from smallest_nb.common.numbers import is_number
from smallest_nb.errors import ConfigError

__all__ = ["AudioSource", "ClipSource"]

_CHUNK_SECS = 0.02
_MOST_CLIPS = 1000


@runtime_checkable
class AudioSource(Protocol):
    """Gives the sound of a person, in real time and with its silence.

    Attributes:
        sample_rate: Hz.
    """

    sample_rate: int

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over pieces of PCM16, each of them when it has just been spoken; the end ends the conversation."""


class ClipSource:
    """Pushes clips as if they were spoken now, and silence between them.

    Args:
        clip: What is said first, or None for silence.
        sample_rate: Hz; None takes the clip's, or 16000.
        clock: The clock of the conversation; None for real time.
        silence_secs: Seconds of silence after the last clip; then the person is gone. None goes on until `end`.

    Attributes:
        sample_rate: Hz.
        clock: The clock.
        position: Seconds that were pushed so far.
        began_at: When that began, on the clock.

    Raises:
        ConfigError: A value that cannot work.

    Example:
        >>> record = await snb.converse(snb.ClipSource(snb.Clip.from_wav("question.wav")), reply)
    """

    def __init__(
        self,
        clip: Clip | None = None,
        *,
        sample_rate: int | None = None,
        clock: ConversationClock | None = None,
        silence_secs: float | None = 1.0,
    ) -> None:
        if silence_secs is not None and (not is_number(silence_secs) or not 0 <= silence_secs <= 86_400):
            raise ConfigError(
                f"silence_secs={silence_secs!r} cannot be used; expected seconds from 0 to 86400, or None."
            )
        self.sample_rate = Clip(b"", sample_rate or (clip.sample_rate if clip else 16000)).sample_rate
        self.clock = clock or ConversationClock()
        self.position = 0.0
        self.began_at = 0.0
        self._silence_secs = silence_secs
        self._clips: list[Clip] = []
        self._is_ended = False
        if clip is not None:
            self.say(clip)

    def say(self, clip: Clip) -> None:
        """Say something, after what is being said.

        Raises:
            ConfigError: More than 1000 clips wait.
        """
        if len(self._clips) >= _MOST_CLIPS:
            raise ConfigError(f"More than {_MOST_CLIPS} clips wait to be said.")
        self._clips.append(clip.resample(self.sample_rate))

    def end(self) -> None:
        """Be gone after what is being said."""
        self._is_ended = True

    @property
    def is_silent(self) -> bool:
        """Whether everything was said."""
        return not self._clips

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield pieces of 20 ms, each once its time has passed."""
        size = round(_CHUNK_SECS * self.sample_rate) * BYTES_PER_SAMPLE
        began, quiet, at = self.clock.now(), 0.0, 0
        self.began_at = began
        sent = 0
        while True:
            if self._clips:
                quiet = 0.0
                piece = self._clips[0].pcm[at : at + size]
                at += len(piece)
                if at >= len(self._clips[0].pcm):
                    self._clips.pop(0)
                    at = 0
                piece += bytes(size - len(piece))
            elif self._is_ended or (self._silence_secs is not None and quiet >= self._silence_secs):
                return
            else:
                piece = silence(_CHUNK_SECS, self.sample_rate)
                quiet += _CHUNK_SECS
            sent += len(piece) // BYTES_PER_SAMPLE
            self.position = sent / self.sample_rate
            await self.clock.sleep_until(began + self.position)
            await asyncio.sleep(0)
            yield piece
