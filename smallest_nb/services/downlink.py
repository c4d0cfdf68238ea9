"""What comes down from the service: folded into the transcript, handed to readers, timed. Imports protocol, feed.

A final that the service sends twice counts once, and words that were heard on two sockets are written once.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from time import monotonic
from weakref import WeakSet

from smallest_nb.errors import SmallestError
from smallest_nb.protocol import stt as wire
from smallest_nb.services.clock import PushTimes
from smallest_nb.services.feed import Feed
from smallest_nb.services.metrics import MetricsLog, STTMetrics
from smallest_nb.transcript import Segment, Transcript

__all__ = ["Downlink"]

_FASTEST = 40
"""Characters per second that nobody speaks: a repetition that came faster is no new speech."""
_OVERLAP_WORDS, _WORDS_PER_SECOND = 3, 4
_EPSILON = 0.05


class Downlink:
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
        self._feeds: WeakSet[Feed] = WeakSet()
        self._told_in_full = ""
        self._last_at = self._heard_at = 0.0
        self._overlap = 0
        self.transcript = Transcript()
        self.metrics: MetricsLog[STTMetrics] = MetricsLog(ttfs_p99_latency)
        self.final = asyncio.Event()
        self.last = asyncio.Event()
        self.connect_s = 0.0
        self.duplicates = 0

    def full_transcript(self, *, whole: bool) -> str:
        """Return the text so far, the service's own where it sends one and counted from the start."""
        return (self._told_in_full if whole else "") or self.transcript.text

    def new_socket(self, *, uncertain_secs: float) -> None:
        """What follows may begin with what was heard already, where nobody knows how far the last final went."""
        self.transcript.interim = None
        self._overlap = max(_OVERLAP_WORDS, round(uncertain_secs * _WORDS_PER_SECOND)) if uncertain_secs else 0

    def take(self, frame: wire.TranscriptFrame, *, speech_end: float | None = None) -> None:
        """Take one result.

        Args:
            frame: The result.
            speech_end: Where speech ended by our own voice activity, for finals without times.
        """
        segment = frame.segment
        self._heard_at = monotonic()
        self._told_in_full = frame.full_transcript or self._told_in_full
        if segment.is_final and self._is_repeated(segment):
            self.duplicates += 1
        elif segment.text or segment.is_final:
            self._keep(self._without_overlap(segment), speech_end)
        if segment.is_final:
            self.final.set()

    def _keep(self, segment: Segment, speech_end: float | None) -> None:
        self.transcript.apply(segment)
        for feed in list(self._feeds):
            feed.put(segment)
        if segment.is_final and segment.text:
            self._overlap = 0
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
            return final.end <= before.end + _EPSILON
        return final.text == before.text and (self._pushes.seconds - self._last_at) * _FASTEST < len(final.text)

    def _without_overlap(self, segment: Segment) -> Segment:
        """Leave out the first words where they are the last ones of the final before."""
        if not self._overlap or not self.transcript.segments or segment.words or segment.sentences:
            return segment
        before, now = _bare(self.transcript.segments[-1].text), _bare(segment.text)
        for count in range(min(self._overlap, len(now), len(before)), 0, -1):
            if before[-count:] == now[:count]:
                return dataclasses.replace(segment, text=" ".join(segment.text.split()[count:]))
        return segment

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

    def feed(self) -> Feed:
        """Make a reader of what comes from now on."""
        feed = Feed()
        self._feeds.add(feed)
        return feed

    def end(self, error: SmallestError | None) -> None:
        """Nothing comes any more."""
        self.last.set()
        self.final.set()
        for feed in list(self._feeds):
            feed.end(error)


def _bare(text: str) -> list[str]:
    return ["".join(c for c in word.lower() if c.isalnum()) for word in text.split()]
