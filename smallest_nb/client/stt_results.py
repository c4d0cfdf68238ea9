"""Puts the results of a service together: into the transcript, and into figures of how long each final took.

A final that the service sends twice counts once, and words that were heard on two sockets are written once.
"""

from __future__ import annotations

import dataclasses
import re
from collections import deque

from smallest_nb.api import stt_wire as wire
from smallest_nb.client.audio_clock import PushTimes
from smallest_nb.client.text_alignment import TextAlignment
from smallest_nb.errors import ProtocolError
from smallest_nb.results.metrics import MetricsLog, STTMetrics
from smallest_nb.results.transcript import Segment, Transcript
from smallest_nb.results.transcript.word_spans import find_word_spans

__all__ = ["TranscriptAssembler"]

_FASTEST = 40
"""Characters a second, more than anyone speaks: a repetition that came faster is no new speech."""
_EPSILON = 0.05
_RECENT = 64
"""Finals among which a repeated one is searched for."""
_KEPT_FINALS = 4096
"""Finals of which it is known how far they may reach: more than there are in the audio that is sent again."""
_TEXT_ALLOWANCE, _TEXT_PER_SECOND, _TEXT_PER_FINAL = 20_000, 100, 4
"""Characters: at once, for each second of audio sent, and what an empty final counts for. People speak 15 a second."""


class TranscriptAssembler:
    """The results of one session.

    Args:
        pushes: When each moment of the audio was pushed.
        ttfs_p99_latency: Seconds from speech end to final to hold the metrics against.

    Attributes:
        duplicates: Finals that came twice.
        heard_at: When the last result came, on the monotonic clock.
    """

    def __init__(self, pushes: PushTimes, ttfs_p99_latency: float) -> None:
        self._pushes = pushes
        self._service_transcript = ""
        self._last_final_at = 0.0
        self._overlap = TextAlignment(())
        self._finals: deque[tuple[int, str]] = deque(maxlen=_KEPT_FINALS)
        self._recent: deque[Segment] = deque(maxlen=_RECENT)
        self._received = 0
        self._sockets = 0
        self._connect_s = 0.0
        self.transcript = Transcript()
        self.metrics: MetricsLog[STTMetrics] = MetricsLog(ttfs_p99_latency)
        self.duplicates = 0
        self.heard_at = float("-inf")

    @property
    def full_transcript(self) -> str:
        """The text so far, the service's own if it sends one; a new socket counts from zero."""
        return (self._service_transcript if self._sockets == 1 else "") or self.transcript.text

    def new_socket(self, took: float) -> None:
        """A socket was opened, in so many seconds."""
        self._sockets += 1
        self._connect_s = took

    def audio_taken_back(self, resent_from: int) -> None:
        """What follows may begin with words that are written already.

        Args:
            resent_from: Bytes of the caller's audio before what is sent again.
        """
        self.transcript.interim = None
        again = [text for until, text in self._finals if until > resent_from]
        self._overlap = TextAlignment([word for text in again for word in text.split()])

    def take(
        self,
        frame: wire.TranscriptFrame,
        now: float,
        *,
        reaches: int = 0,
        sent_secs: float = 0.0,
        speech_end: float | None = None,
    ) -> Segment | None:
        """Take one result.

        Args:
            frame: The result.
            now: Seconds on a monotonic clock.
            reaches: For finals, bytes of the caller's audio that it covers at most.
            sent_secs: Seconds of audio that the service was sent so far, what was sent twice counted twice.
            speech_end: Where speech ended by our own voice activity, for finals without times.

        Returns:
            What is new in it, or None if nothing is.

        Raises:
            ProtocolError: More text than anyone can have spoken in what was sent.
        """
        segment = frame.segment
        self._check_amount(segment, sent_secs)
        self.heard_at = now
        if frame.full_transcript:
            self._service_transcript = frame.full_transcript
        if not segment.is_final:
            if not segment.text:
                return None
        elif self._is_repeated(segment):
            self.duplicates += 1
            return None
        if segment.is_final and segment.text:
            self._recent.append(segment)
        kept = segment if self._overlap.resolved else self._without_overlap(segment)
        self.transcript.apply(kept)
        if kept.is_final and kept.text:
            self._finals.append((reaches, kept.text))
            self._last_final_at = self._pushes.seconds
            self._measure(kept, kept.end if kept.end is not None else speech_end, now)
        return kept

    def _check_amount(self, segment: Segment, sent_secs: float) -> None:
        """Refuse a flood: results are kept, so that a service which never stops would fill the memory."""
        size = len(segment.text) + _TEXT_PER_FINAL
        if segment.is_final:
            self._received += size
        allowed = _TEXT_ALLOWANCE + _TEXT_PER_SECOND * sent_secs
        if size > allowed or self._received > allowed:
            raise ProtocolError(
                f"The service sent {max(size, self._received):,} characters of text for {sent_secs:.1f} s of audio; "
                f"at most {allowed:,.0f} were expected, so the session was ended. What came before is kept."
            )

    def _measure(self, segment: Segment, end: float | None, now: float) -> None:
        pushed = self._pushes.when(end) if end is not None else None
        self.metrics.append(
            STTMetrics(
                characters=len(segment.text),
                connect_s=self._connect_s,
                end=end,
                audio_s=None if segment.end is None or segment.start is None else segment.end - segment.start,
                time_to_final_s=None if pushed is None else now - pushed,
            )
        )

    def _is_repeated(self, final: Segment) -> bool:
        if not final.text or not self._recent:
            return False
        before = self._recent[-1]
        if final.end is not None and before.end is not None:
            return any(s.text == final.text and _same_time(s.end, final.end) for s in self._recent)
        return final.text == before.text and (self._pushes.seconds - self._last_final_at) * _FASTEST < len(final.text)

    def _without_overlap(self, segment: Segment) -> Segment:
        """Leave out the first words if they are the last ones that an earlier socket brought."""
        count = self._overlap.repeated(segment.text, is_final=segment.is_final)
        if not count:
            return segment
        starts = [token.start() for token in re.finditer(r"\S+", segment.text)]
        cut = starts[count] if count < len(starts) else len(segment.text)
        spots = find_word_spans(segment.text, [word.text for word in segment.words])
        words = tuple(w for w, spot in zip(segment.words, spots, strict=True) if spot is not None and spot[0] >= cut)
        return dataclasses.replace(
            segment,
            text=segment.text[cut:],
            words=words,
            sentences=(),
            start=words[0].start if words else segment.start,
        )


def _same_time(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= _EPSILON
