"""One audition with its settings, sound and metrics."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field, fields
from typing import Any

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.tts_wire import ignored_settings
from smallest_nb.audio.clip import Clip
from smallest_nb.results.metrics import TTSMetrics
from smallest_nb.results.segment_latency import StreamLatency
from smallest_nb.results.takes.html import card_html, peak_level
from smallest_nb.results.takes.word_times import TakeWord

__all__ = ["Take", "take_html", "waterfall"]


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
        metrics: How long the service took, or None if that was not measured.
        words: When each word is spoken, if known or estimated.
        stream: When its sound reached the page and the loudspeaker as it was played first, or None if it was not
            played. Not stored.
        made: When it was made; UTC if no zone is given.
        starred: Kept before the others.
        note: The user's remark.
        uid: Tells it from every other take, in other sessions too.
    """

    number: int
    text: str
    settings: SmallestTTSSettings
    clip: Clip
    metrics: TTSMetrics | None = None
    words: tuple[TakeWord, ...] = ()
    stream: StreamLatency | None = None
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

    def __hash__(self) -> int:
        return hash(self.uid)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.clip.duration

    @property
    def ttfb_ms(self) -> float | None:
        """Milliseconds from sending the request to the first audio, or None if not known."""
        return None if self.metrics is None or self.metrics.ttfb_s is None else self.metrics.ttfb_s * 1000

    @property
    def total_s(self) -> float | None:
        """Seconds from sending the request to its end, or None if not known."""
        return None if self.metrics is None else self.metrics.total_s

    @property
    def rtf(self) -> float | None:
        """Real-time factor, seconds of work per second of audio, or None if not known."""
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
        """Each step from pressing the button to hearing the first sound, ms, in order, without unknown steps."""
        metrics = self.metrics
        connect_s, ttfb_s = (None, None) if metrics is None else (metrics.connect_s, metrics.ttfb_s)
        return waterfall(self.stream, connect_s, ttfb_s)

    def summary(self) -> str:
        """Return its voice, the settings that differ from the defaults and its length, in one line."""
        left_out = {*ignored_settings(self.settings), "voice", "extra"}
        changed = self.settings.changed_from_default().items()
        named = [str(self.settings.voice), *(_summarize_setting(n, v) for n, v in changed if n not in left_out)]
        return f"{', '.join(named)} · {self.duration:.1f} s"

    def __repr__(self) -> str:
        return f"Take {self.number}: {self.summary()}"

    def _repr_html_(self) -> str:
        return take_html(self)  # without its sound: a notebook grows only by what the user asked to keep


def _summarize_setting(name: str, value: Any) -> str:
    if isinstance(value, bool):
        label = SmallestTTSSettings.specs()[name].label.lower()
        return label if value else f"no {label}"
    return f"{name} {value}"


def take_html(take: Take, *, audio_kb: int = 0) -> str:
    """Return a take as a card that needs nothing else: no script, no style sheet, no network.

    Args:
        take: The take.
        audio_kb: Bytes / 1024 that its sound may add as a data URI; 0 leaves the sound out. It is sent at 16 kHz,
            then at 8 kHz; what is still too long is cut, with a note.
    """
    steps = " → ".join(f"{name} {ms:.0f} ms" for name, ms in take.waterfall.items())
    return card_html(
        f"Take {take.number}",
        take.text,
        take.clip,
        starred=take.starred,
        settings=_describe_settings(take.settings),
        words=take.words,
        details=[" · ".join(_describe_figures(take)), *([steps] if steps else [])],
        note=take.note,
        audio_bytes=audio_kb * 1024,
    )


def _describe_settings(settings: SmallestTTSSettings) -> list[str]:
    ignored, specs = ignored_settings(settings), settings.specs()
    texts = [f"voice {settings.voice}"]
    for name, value in settings.changed_from_default().items():
        if name not in ("voice", "extra"):
            texts.append(f"{name} {specs[name].describe(value)}{' (ignored)' if name in ignored else ''}")
    return texts + [f"{name} {value!r}" for name, value in settings.extra.items()]


def _describe_figures(take: Take) -> list[str]:
    texts = [f"{take.duration:.1f} s"]
    if take.ttfb_ms is not None:
        texts.append(f"first audio {take.ttfb_ms:.0f} ms")
    if take.total_s:
        texts.append(f"complete after {take.total_s:.2f} s")
    if take.rtf is not None:
        texts.append(f"real-time factor {take.rtf:.2f}")
    texts += [f"{take.characters} characters", peak_level(take.clip), f"{take.clip.sample_rate} Hz"]
    return [*texts, "word times estimated"] if take.words_estimated else texts


def waterfall(stream: StreamLatency | None, connect_s: float | None, ttfb_s: float | None) -> dict[str, float]:
    """Return each step from pressing the button to hearing the first sound, ms, in order, without unknown steps.

    Args:
        stream: When the sound left the kernel, reached the page and the loudspeaker; None if it was not played.
        connect_s: Seconds of the handshake that had to be waited for, or None.
        ttfb_s: Seconds from sending the request to the first audio, or None.
    """
    stream = stream or StreamLatency()
    steps: dict[str, float | None] = {
        "connect": None if connect_s is None else connect_s * 1000,
        "request to first byte": None if ttfb_s is None else ttfb_s * 1000,
        "kernel to page": _milliseconds_between(stream.sent, stream.arrived),
        "prebuffer and output": _milliseconds_between(stream.arrived, stream.rendered),
    }
    return {name: round(ms, 1) for name, ms in steps.items() if ms is not None}


def _milliseconds_between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)
