"""One audition with its settings, sound and figures. Imports audio, fields, protocol, services.metrics, settings."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field, fields
from types import SimpleNamespace
from typing import Any

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.tts_wire import ignored_settings
from smallest_nb.audio.clip import Clip
from smallest_nb.results.metrics import TTSMetrics
from smallest_nb.results.takes.html import take_html
from smallest_nb.results.takes.word_times import TakeWord

__all__ = ["Take", "waterfall"]

_MOMENTS = ("sent", "arrived", "rendered")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(eq=False)
class Take:
    """One audition.

    Attributes:
        number: Counts from 1.
        text: What was said.
        settings: The complete settings it was made with; a delta is completed.
        clip: The sound.
        metrics: What it cost in time, or None where nobody measured.
        words: When each word is spoken, where known or estimated.
        stream: What the page told of its first playing, or None where it was not played; anything with the
            attributes `sent`, `arrived` and `rendered` (ms or None). Not stored.
        made: When it was made; UTC where no zone is given.
        starred: Kept before the others.
        note: What its owner says of it.
        uid: Tells it from every other take, in other sessions too.
    """

    number: int
    text: str
    settings: SmallestTTSSettings
    clip: Clip
    metrics: TTSMetrics | None = None
    words: tuple[TakeWord, ...] = ()
    stream: Any = None
    made: dt.datetime = field(default_factory=_now)
    starred: bool = False
    note: str = ""
    uid: str = field(default_factory=lambda: uuid.uuid4().hex, kw_only=True)

    def __post_init__(self) -> None:
        if not set(SmallestTTSSettings.specs()) <= set(self.settings.given_fields()):
            self.settings, _ = SmallestTTSSettings.complete().merged(self.settings)
        self.words = tuple(self.words)
        if self.made.tzinfo is None:
            self.made = self.made.replace(tzinfo=dt.UTC)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Take):
            return NotImplemented
        if self is other or self.uid != other.uid:  # which is the answer nearly always
            return self is other
        names = (f.name for f in fields(self) if f.name != "stream")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def __getstate__(self) -> dict[str, Any]:
        stream = self.stream  # belongs to a page; what it measured goes along
        if stream is not None:
            stream = SimpleNamespace(**{name: getattr(stream, name, None) for name in _MOMENTS})
        return {**vars(self), "stream": stream}

    def __hash__(self) -> int:
        return hash(self.uid)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.clip.duration

    @property
    def ttfb_ms(self) -> float | None:
        """Milliseconds from sending the request to the first audio, or None where not known."""
        return None if self.metrics is None or self.metrics.ttfb_s is None else self.metrics.ttfb_s * 1000

    @property
    def total_s(self) -> float | None:
        """Seconds from sending the request to its end, or None where not known."""
        return None if self.metrics is None else self.metrics.total_s

    @property
    def rtf(self) -> float | None:
        """Real-time factor, seconds of work per second of audio, or None where not known."""
        return None if self.metrics is None else self.metrics.rtf

    @property
    def characters(self) -> int:
        """Length of the text."""
        return len(self.text)

    @property
    def model(self) -> str:
        """The model that spoke."""
        return str(self.settings.model)

    @property
    def words_estimated(self) -> bool:
        """Whether the times of its words are estimated here rather than given by the service."""
        return any(w.estimated for w in self.words)

    @property
    def waterfall(self) -> dict[str, float]:
        """Each step from the press to the ear, ms, in order; steps that are not known (yet) are left out."""
        if self.metrics is None:
            return waterfall(self.stream, None, None)
        return waterfall(self.stream, self.metrics.connect_s, self.metrics.ttfb_s)

    def summary(self) -> str:
        """Return what tells it apart, in one line."""
        ignored = ignored_settings(self.settings)
        changed = {n: v for n, v in self.settings.changed_from_default().items() if n not in ignored}
        named = [
            str(self.settings.voice),
            *(_told(n, v) for n, v in changed.items() if n not in ("voice", "extra")),
        ]
        return f"{', '.join(named)} · {self.duration:.1f} s"

    def __repr__(self) -> str:
        return f"Take {self.number}: {self.summary()}"

    def _repr_html_(self) -> str:
        return take_html(self)  # without its sound: no notebook grows by what nobody asked to keep


def _told(name: str, value: Any) -> str:
    if isinstance(value, bool):
        label = SmallestTTSSettings.specs()[name].label.lower()
        return label if value else f"no {label}"
    return f"{name} {value}"


def waterfall(stream: Any, connect_s: float | None, ttfb_s: float | None) -> dict[str, float]:
    """Return each step from the press to the ear, ms, in order; steps that are not known are left out.

    Args:
        stream: What the page told (`sent`, `arrived`, `rendered`, ms or None), or None where nothing was played.
        connect_s: Seconds of the handshake that had to be waited for, or None.
        ttfb_s: Seconds from sending the request to the first audio, or None.
    """
    sent, arrived, rendered = (getattr(stream, name, None) for name in _MOMENTS)
    steps: dict[str, float | None] = {
        "connect": None if connect_s is None else connect_s * 1000,
        "request to first byte": None if ttfb_s is None else ttfb_s * 1000,
        "kernel to page": _between(sent, arrived),
        "prebuffer and output": _between(arrived, rendered),
    }
    return {name: round(ms, 1) for name, ms in steps.items() if ms is not None}


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)
