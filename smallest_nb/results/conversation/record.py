"""A whole conversation: turns, sound, figures; what a person takes on from it."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smallest_nb.api.segment import Segment
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.common.files import write_file
from smallest_nb.common.paths import as_path
from smallest_nb.errors import ConfigError
from smallest_nb.results.conversation.latency import AnswerMetrics, AnswerMetricsLog
from smallest_nb.results.conversation.turn import ConversationTurn
from smallest_nb.results.table import make_table
from smallest_nb.results.transcript import Recording, Transcript

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ConversationRecord"]

_VERSION = 1
_ROLES = {"person": "user", "voice": "assistant"}
_SPEAKERS = {"person": 0, "voice": 1}
_PARTS = ("end_of_turn_s", "transcript_s", "reply_s", "voice_s", "sound_s", "total_s", "is_early", "barge_in_s")


class ConversationRecord:
    """The turns of a conversation, and the sound of both sides.

    Args:
        turns: The turns, oldest first.
        metrics: Figures of the answers.
        person: The sound of the person, as it came from the source.
        voice: The sound of the voice as it was played, on the same clock.

    Attributes:
        turns: The turns, oldest first.
        metrics: Figures of the answers, with `to_dataframe()`.
        person: The sound of the person, or None.
        voice: The sound of the voice, or None.
        wasted_characters: Characters given to the voice for early starts that were thrown away.
    """

    def __init__(
        self,
        turns: Iterable[ConversationTurn] = (),
        metrics: Iterable[AnswerMetrics] = (),
        *,
        person: Recording | None = None,
        voice: Recording | None = None,
    ) -> None:
        self.turns = list(turns)
        self.metrics = AnswerMetricsLog(metrics)
        self.person = person
        self.voice = voice
        self.wasted_characters = sum(row.wasted_characters for row in self.metrics)

    def __len__(self) -> int:
        return len(self.turns)

    def __repr__(self) -> str:
        return f"ConversationRecord({len(self.turns)} turns)"

    @property
    def history(self) -> list[dict[str, str]]:
        """The turns as messages with a `role`, "user" or "assistant", and a `content`: what was heard, and no more."""
        return [{"role": _ROLES[turn.who], "content": turn.text} for turn in self.turns if turn.text]

    @property
    def transcript(self) -> Transcript:
        """The turns as a transcript of two speakers, with its captions and exports; it has no sound of its own."""
        segments = [
            Segment(turn.text, start=turn.start, end=turn.end, speaker=_SPEAKERS[turn.who])
            for turn in self.turns
            if turn.text
        ]
        made = Transcript(segments)
        for who, speaker in _SPEAKERS.items():
            if any(segment.speaker == speaker for segment in segments):
                made.rename(speaker, who.capitalize())
        return made

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per turn, with the latency parts of the answers.

        Raises:
            ConfigError: pandas is missing.
        """
        by_turn = {row.turn: row for row in self.metrics}
        names = [field.name for field in dataclasses.fields(ConversationTurn)]
        rows = [
            [*dataclasses.astuple(turn), *(getattr(by_turn.get(place), part, None) for part in _PARTS)]
            for place, turn in enumerate(self.turns)
        ]
        return make_table(rows, [*names, *_PARTS])

    @property
    def recording(self) -> Clip:
        """Both sides mixed into one channel.

        Raises:
            ConfigError: No sound was kept.
        """
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        person, voice, rate = self._channels()
        mixed = person.astype(np.int32) + voice
        return Clip.from_array(np.clip(mixed, -32768, 32767).astype(np.int16), rate)

    def wav_bytes(self) -> bytes:
        """Return the sound as a stereo WAV: the person left, the voice right.

        Raises:
            ConfigError: No sound was kept.
        """
        import numpy as np  # noqa: PLC0415

        person, voice, rate = self._channels()
        with io.BytesIO() as buffer:
            with wave.open(buffer, "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(BYTES_PER_SAMPLE)
                file.setframerate(rate)
                file.writeframes(np.stack([person, voice], axis=1).astype("<i2").tobytes())
            return buffer.getvalue()

    def to_wav(self, path: str | os.PathLike[str]) -> Path:
        """Write the sound as a stereo WAV, the person left and the voice right, and return its path.

        Raises:
            ConfigError: No sound was kept, or not a path on this machine.
            OSError: It cannot be written; what was there before is still there.
        """
        return write_file(as_path(path), self.wav_bytes())

    def _channels(self) -> tuple[Any, Any, int]:
        if self.person is None or self.voice is None or not self.person.duration:
            raise ConfigError("This conversation has no sound; let it keep some with keep_audio_secs=.")
        start = max(self.person.kept_from, self.voice.kept_from)
        clips = [side.clip(start, math.inf).samples for side in (self.person, self.voice)]
        size = min(len(samples) for samples in clips)
        return clips[0][:size], clips[1][:size], self.person.sample_rate

    def to_json(self) -> str:
        """Return the turns and figures as JSON, which :meth:`from_json` reads back; the sound is not part of it."""
        data = {
            "version": _VERSION,
            "turns": [turn.to_dict() for turn in self.turns],
            "metrics": [dataclasses.asdict(row) for row in self.metrics],
        }
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1)
        # Halves of characters are no UTF-8, but JSON can escape them.
        whole = text.encode("utf-8", "replace").decode() == text
        return text if whole else json.dumps(data, indent=1)

    @classmethod
    def from_json(cls, text: str) -> ConversationRecord:
        """Read what :meth:`to_json` wrote.

        Raises:
            ConfigError: It is not that.
        """
        try:
            data = json.loads(text)
            if data["version"] != _VERSION:
                raise ValueError(f"version {data['version']!r} is unknown here")  # noqa: TRY301
            turns = [ConversationTurn.from_dict(turn) for turn in data["turns"]]
            return cls(turns, [AnswerMetrics(**row) for row in data["metrics"]])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"This is not a conversation as written by to_json(): {error}") from error
