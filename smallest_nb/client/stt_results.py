"""What comes down from the service: folded into the transcript, handed to readers, timed.

A final that the service sends twice counts once, and words that were heard on two sockets are written once.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections import deque
from time import monotonic
from weakref import WeakSet

from smallest_nb.api import stt_wire as wire
from smallest_nb.client.audio_clock import PushTimes
from smallest_nb.client.result_stream import ResultStream
from smallest_nb.client.text_alignment import TextAlignment
from smallest_nb.errors import ProtocolError, SmallestError
from smallest_nb.results.metrics import MetricsLog, STTMetrics
from smallest_nb.results.transcript import Segment, Transcript
from smallest_nb.results.transcript.word_spans import find_word_spans

__all__ = ["TranscriptAssembler"]

_FASTEST = 40
"""Characters per second that nobody speaks: a repetition that came faster is no new speech."""
_EPSILON = 0.05
_RECENT = 64
"""Finals among which one that comes twice is looked for."""
_KEPT_ENDS = 4096
"""Finals of which it is known how far they may reach: more than there are in the audio that is sent again."""
_TEXT_ALLOWANCE, _TEXT_PER_SECOND, _TEXT_PER_FINAL = 20_000, 100, 4
"""Characters: at once, for each second of audio sent, and what an empty final counts for. People speak 15 a second."""


class TranscriptAssembler:
    """The results of one session.

    Args:
        pushes: When each moment of the audio was pushed.
        ttfs_p99_latency: Seconds from speech end to final to hold the metrics against.

    Attributes:
        final: Set by each final.
        last: Set by its owner when nothing more comes.
        duplicates: Finals that came twice.
    """

    def __init__(self, pushes: PushTimes, ttfs_p99_latency: float) -> None:
        self._pushes = pushes
        self._feeds: WeakSet[ResultStream] = WeakSet()
        self._told_in_full = ""
        self._last_at = self._heard_at = 0.0
        self._seam = TextAlignment(())
        self._ends: deque[tuple[int, str]] = deque(maxlen=_KEPT_ENDS)
        self._received = 0
        self.transcript = Transcript()
        self.metrics: MetricsLog[STTMetrics] = MetricsLog(ttfs_p99_latency)
        self.final = asyncio.Event()
        self.last = asyncio.Event()
        self.connect_s = 0.0
        self.duplicates = 0

    def full_transcript(self, *, whole: bool) -> str:
        """Return the text so far, the service's own where it sends one and counted from the start."""
        return (self._told_in_full if whole else "") or self.transcript.text

    def new_socket(self, *, resent_from: int) -> None:
        """What follows may begin with words that are written already.

        Args:
            resent_from: Bytes of the caller's audio before what is sent again.
        """
        self.transcript.interim = None
        again = [text for until, text in self._ends if until > resent_from]
        self._seam = TextAlignment([word for text in again for word in text.split()])

    def take(
        self, frame: wire.TranscriptFrame, *, reaches: int = 0, sent_secs: float = 0.0, speech_end: float | None = None
    ) -> None:
        """Take one result.

        Args:
            frame: The result.
            reaches: For finals, bytes of the caller's audio that it covers at most.
            sent_secs: Seconds of audio that the service was sent so far, what was sent twice counted twice.
            speech_end: Where speech ended by our own voice activity, for finals without times.

        Raises:
            ProtocolError: More text than anyone can have spoken in what was sent.
        """
        segment = frame.segment
        self._check_amount(segment, sent_secs)
        self._heard_at = monotonic()
        self._told_in_full = frame.full_transcript or self._told_in_full
        if segment.is_final and self._is_repeated(segment):
            self.duplicates += 1
        elif segment.text or segment.is_final:
            kept = self._without_overlap(segment)
            if kept.is_final and kept.text:
                self._ends.append((reaches, kept.text))
            self._keep(kept, speech_end)
        if segment.is_final:
            self.final.set()

    def _check_amount(self, segment: Segment, sent_secs: float) -> None:
        """Refuse a flood: results are kept, so that a service which never stops would fill the memory."""
        size = len(segment.text) + _TEXT_PER_FINAL
        if segment.is_final:
            self._received += size
        allowed = _TEXT_ALLOWANCE + _TEXT_PER_SECOND * sent_secs
        if max(size, self._received) > allowed:
            raise ProtocolError(
                f"The service sent {max(size, self._received):,} characters of text for {sent_secs:.1f} s of audio; "
                f"at most {allowed:,.0f} were expected, so the session was ended. What came before is kept."
            )

    def _keep(self, segment: Segment, speech_end: float | None) -> None:
        self.transcript.apply(segment)
        for feed in list(self._feeds):
            feed.put(segment)
        if segment.is_final and segment.text:
            self._last_at = self._pushes.seconds
            self._measure(segment, segment.end if segment.end is not None else speech_end)

    def _measure(self, segment: Segment, end: float | None) -> None:
        said = self._pushes.when(end) if end is not None else None
        self.metrics.append(
            STTMetrics(
                characters=len(segment.text),
                connect_s=self.connect_s,
                end=end,
                audio_s=None if segment.end is None or segment.start is None else segment.end - segment.start,
                time_to_final_s=None if said is None else monotonic() - said,
            )
        )

    def _is_repeated(self, final: Segment) -> bool:
        if not final.text or not self.transcript.segments:
            return False
        before = self.transcript.segments[-1]
        if final.end is not None and before.end is not None:
            recent = self.transcript.segments[-_RECENT:]
            return any(s.text == final.text and _same_time(s.end, final.end) for s in recent)
        return final.text == before.text and (self._pushes.seconds - self._last_at) * _FASTEST < len(final.text)

    def _without_overlap(self, segment: Segment) -> Segment:
        """Leave out the first words if they are the last ones that an earlier socket brought."""
        count = self._seam.repeated(segment.text, is_final=segment.is_final)
        if not count:
            return segment
        rest = " ".join(segment.text.split()[count:])
        spots = find_word_spans(segment.text, [word.text for word in segment.words])
        cut = segment.text.rfind(rest) if rest else len(segment.text)
        words = tuple(w for w, spot in zip(segment.words, spots, strict=True) if spot is not None and spot[0] >= cut)
        return dataclasses.replace(
            segment, text=rest, words=words, sentences=(), start=words[0].start if words else segment.start
        )

    async def wait_for_last(self, patience: float) -> bool:
        """Wait until nothing more comes; return whether that was so.

        Args:
            patience: Seconds without a result after which it is given up; a whole recording pushed at once takes longer
                than that, and tells so by its results.
        """
        began = monotonic()
        while not self.last.is_set():
            limit = min(max(began, self._heard_at), began + self._pushes.seconds) + patience
            if limit <= monotonic():
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit - monotonic()):
                    await self.last.wait()
        return True

    def feed(self) -> ResultStream:
        """Make a reader of what comes from now on."""
        feed = ResultStream()
        self._feeds.add(feed)
        return feed

    def end(self, error: SmallestError | None) -> None:
        """Nothing comes any more."""
        self.last.set()
        self.final.set()
        for feed in list(self._feeds):
            feed.end(error)


def _same_time(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= _EPSILON
