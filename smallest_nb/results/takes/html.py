"""Takes as HTML that needs no script, style sheet or network: the waveform as SVG, and the card around it.

Colours are the surrounding text's (currentColor), so that they show on light and on dark.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Sequence

import pybase64

from smallest_nb.api.segment import Word
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.audio.encoder import check_encoder, encode_clip
from smallest_nb.common.markup import text_html
from smallest_nb.common.numbers import is_integer
from smallest_nb.errors import ConfigError
from smallest_nb.results.takes.word_times import TakeWord

__all__ = ["STAR", "audio_html", "card_html", "cut_text", "peak_level", "waveform_svg"]

_COLUMNS = 240
_MARKS = 120
_LABEL_BYTES = 1400
"""With the outline (at most 3 kB) and the marks (at most 1.3 kB) a picture stays below 6 kB."""
_LABEL_HEIGHT = 14
_LABEL_CHARS = 14
_QUIETEST_PEAK = 0.05
"""Clips are drawn to their own peak, but noise below this is not blown up to look like speech."""
_TEXT_CHARS = 1500
_URI = "data:audio/wav;base64,"
_WAV_HEADER = 44
_EMBEDDED_RATES = (16000, 8000)
_MP3_QUALITY, _MP3_TRIES = 0.7, 6
_MP3_LEAST_BYTES = 1000
"""Of a second."""
STAR = ' <span role="img" aria-label="starred">★</span>'
"""Stands behind the number of a take that is kept before the others."""


def waveform_svg(clip: Clip, *, width: int = 560, height: int = 72, words: Sequence[Word] = ()) -> str:
    """Draw a clip: its outline, drawn to its own peak, and a mark where each word begins.

    Args:
        clip: The sound.
        width: Pixels; a narrower page shrinks it.
        height: Pixels.
        words: Words to mark; named if there is room, dashed if their times are estimated.

    Returns:
        SVG of at most 6 kB, however long the clip is.

    Raises:
        ConfigError: A size that is no whole number from 8 to 4000.
    """
    for name, value in (("width", width), ("height", height)):
        if not is_integer(value) or not 8 <= value <= 4000:
            raise ConfigError(f"{name}={value!r} cannot be used; expected a whole number of pixels from 8 to 4000.")
    marked = [w for w in words if math.isfinite(w.start) and math.isfinite(w.end)] if clip.duration else []
    body = height - _LABEL_HEIGHT if marked and height >= 3 * _LABEL_HEIGHT else height
    lows, highs, peak = _outline(clip, min(_COLUMNS, width // 2))
    counted = f", {len(marked)} {'word' if len(marked) == 1 else 'words'}" if marked else ""
    label = f"Waveform, {clip.duration:.1f} s, {_decibels(peak)}{counted}"
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" style="max-width:100%;height:auto" direction="ltr">'
    )
    drawn = [
        opened,
        f'<path fill="currentColor" fill-opacity=".75" d="{_path(lows, highs, peak, width, body)}"/>',
    ]
    if marked:
        drawn.append(_marks(marked, clip.duration, width, body))
        if body < height:
            drawn.append(_labels(marked, clip.duration, width, height))
    return "".join(drawn) + "</svg>"


def _outline(clip: Clip, columns: int) -> tuple[list[float], list[float], float]:
    """Return the lowest and the highest sample of each column, and the largest of all, as parts of full scale."""
    import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

    if not len(clip):
        return [0.0, 0.0], [0.0, 0.0], 0.0
    samples = clip.samples
    edges = np.linspace(0, len(samples), min(columns, len(samples)), endpoint=False).astype(np.int64)
    lows = (np.minimum.reduceat(samples, edges) / 32768.0).tolist()
    highs = (np.maximum.reduceat(samples, edges) / 32768.0).tolist()
    if len(lows) == 1:
        lows, highs = lows * 2, highs * 2
    return lows, highs, max(*highs, -min(lows), 0.0)


def _path(lows: list[float], highs: list[float], peak: float, width: int, height: int) -> str:
    """Return the outline as one closed path in relative steps, which are the shortest way to write it."""
    digits = 0 if height >= 48 else 1
    middle = (height - 1) / 2 if digits else (height - 1) // 2
    scale = middle / max(peak, _QUIETEST_PEAK)
    xs = [round(i * width / (len(lows) - 1)) for i in range(len(lows))]
    upper = [(x, round(middle - max(h, 0.0) * scale, digits)) for x, h in zip(xs, highs, strict=True)]
    # A pixel lower: silence is a line, not nothing.
    lower = [(x, round(middle + 1 - min(v, 0.0) * scale, digits)) for x, v in zip(xs, lows, strict=True)]
    points = [*upper, *reversed(lower)]
    drawn = f"M{points[0][0]} {_number(points[0][1])}l"
    steps: list[str] = []
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        for value in (to_x - x, round(to_y - y, digits)):
            step = _number(value)
            steps.append(step if step.startswith("-") or not steps else f" {step}")
    return drawn + "".join(steps) + "z"


def _number(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    text = text.replace("0.", ".", 1) if abs(value) < 1 else text
    return "0" if text in ("-0", "") else text


def _marks(words: Sequence[Word], duration: float, width: int, height: int) -> str:
    apart = max(3, width / _MARKS)
    xs: list[int] = []
    for word in sorted(words, key=lambda w: w.start):
        x = round(min(max(word.start / duration, 0.0), 1.0) * width)
        if not xs or x - xs[-1] >= apart:
            xs.append(x)
    dashes = ' stroke-dasharray="3"' if any(isinstance(w, TakeWord) and w.estimated for w in words) else ""
    drawn = "".join(f"M{x} 0v{height}" for x in xs)
    return f'<path fill="none" stroke="currentColor" stroke-opacity=".4"{dashes} d="{drawn}"/>'


def _labels(words: Sequence[Word], duration: float, width: int, height: int) -> str:
    """Name the words that have room; if even these take too many bytes, fewer of them."""
    spacing = 4.0
    while True:
        drawn: list[str] = []
        free = 0.0
        for word in words:
            text = cut_text(word.text, _LABEL_CHARS)
            room = sum(10.0 if unicodedata.east_asian_width(c) in "WF" else 5.8 for c in text)
            # In the middle of the word: the same place whichever way its script runs.
            x = (word.start + word.end) / 2 / duration * width
            inside = 0 <= x <= width
            x = min(max(x, room / 2), width - room / 2)  # at the edges it may lean inwards
            if inside and x - room / 2 >= free:
                drawn.append(f'<text x="{x:.0f}" y="{height - 3}">{text_html(text, tag="tspan")}</text>')
                free = x + room / 2 + spacing
        labels = " ".join(drawn)  # a notebook that is not trusted is shown without the tags, and keeps the blanks
        if len(labels.encode()) <= _LABEL_BYTES:
            return f'<g fill="currentColor" font-size="10" font-family="sans-serif" text-anchor="middle">{labels}</g>'
        spacing *= 2


def _decibels(peak: float) -> str:
    return f"peak {20 * math.log10(peak):.0f} dB".replace("-", "\N{MINUS SIGN}") if peak > 0 else "silent"


def peak_level(clip: Clip) -> str:
    """Return how loud the loudest sample is, in words."""
    return _decibels(_outline(clip, 1)[2])


def cut_text(text: str, most: int) -> str:
    """Return text of at most so many characters, with "…" in place of what is left out."""
    return text if len(text) <= most else text[: most - 1] + "…"


def card_html(
    title: str,
    text: str,
    clip: Clip,
    *,
    starred: bool,
    settings: Sequence[str],
    words: Sequence[Word],
    details: Sequence[str],
    note: str,
    audio_bytes: int,
) -> str:
    """Return a frame with a clip's waveform and what is known of it.

    Args:
        title: The head line; markup in it is kept.
        text: What is said; a very long one is cut.
        clip: The sound.
        starred: Whether a star stands behind the title.
        settings: What the sound was made with, each in its own direction of writing.
        words: Words to mark in the waveform.
        details: Lines of small print.
        note: Shown last, in italics.
        audio_bytes: Bytes that the sound may add as a data URI; 0 leaves it out.
    """
    dim = "opacity:.75;font-size:90%;overflow-wrap:anywhere"
    user = "white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0"
    named = ", ".join(f"<bdi>{text_html(s)}</bdi>" for s in settings)
    rows = [
        f'<div><b>{title}</b>{STAR if starred else ""} <span style="{dim}">{named}</span></div>',
        f'<div dir="auto" style="{user}">{text_html(cut_text(text, _TEXT_CHARS))}</div>',
        waveform_svg(clip, words=words),
        *(f'<div style="{dim}">{text_html(line)}</div>' for line in details),
    ]
    if note:
        rows.append(f'<div dir="auto" style="{user};font-style:italic">{text_html(note)}</div>')
    if audio_bytes > 0:
        rows.append(audio_html(clip, audio_bytes))
    return (
        '<div style="border:1px solid rgba(128,128,128,.45);border-radius:6px;padding:8px 12px;margin:4px 0;'
        f'max-width:600px;color:inherit">{"".join(rows)}</div>'
    )


def audio_html(clip: Clip, most: int, *, compressed: bool = False, style: str = "max-width:100%") -> str:
    """Return a player whose data URI has at most so many bytes; what is too long is cut, with a note.

    Args:
        clip: The sound; it is sent at 16 kHz, or at 8 kHz if that does not fit.
        most: Bytes.
        compressed: Send MP3, if it can be written here; else WAV.
        style: CSS of the player.
    """
    found = _mp3_within(clip, most) if compressed else None
    if found is None:
        found = _wav_within(clip, most)
    if found is None:
        return "<div><small>No sound to play here.</small></div>"
    kind, data, seconds = found
    note = ""
    if seconds < clip.duration - 0.01:
        note = f"<div><small>Only the first {seconds:.1f} s of {clip.duration:.1f} s are embedded.</small></div>"
    source = f"data:audio/{kind};base64,{pybase64.b64encode(data).decode()}"
    return f'<audio controls preload="metadata" style="{style}" src="{source}"></audio>{note}'


def _mp3_within(clip: Clip, most: int) -> tuple[str, bytes, float] | None:
    """Return a clip as MP3, cut to fit; None if it cannot be written, or nothing of it fits."""
    try:
        check_encoder("mp3")
    except ConfigError:
        return None
    room = (most - len(_URI)) // 4 * 3
    # What cannot fit at the lowest bit rate is not encoded, however long the clip is.
    most_samples = int(room / _MP3_LEAST_BYTES * clip.sample_rate)
    begun = clip if len(clip) <= most_samples else _cut(clip, most_samples)
    sent = begun.resample(min(clip.sample_rate, _EMBEDDED_RATES[0]))
    for _ in range(_MP3_TRIES):
        if len(sent) < sent.sample_rate // 20:
            return None
        data = encode_clip(sent, "mp3", quality=_MP3_QUALITY)
        if len(data) <= room:
            return "mpeg", data, sent.duration
        sent = _cut(sent, int(len(sent) * 0.9 * room / len(data)))
    return None


def _wav_within(clip: Clip, most: int) -> tuple[str, bytes, float] | None:
    """Return a clip as WAV, cut to fit; None if nothing of it fits."""
    room = ((most - len(_URI)) // 4 * 3 - _WAV_HEADER) // BYTES_PER_SAMPLE
    rates = [min(clip.sample_rate, rate) for rate in _EMBEDDED_RATES]
    # One sample more or less may come out of resampling.
    rate = next((r for r in rates if clip.duration * r + 1 <= room), rates[-1])
    if not len(clip) or room < 1:
        return None
    wanted = min(len(clip), math.ceil((room / rate + 0.1) * clip.sample_rate))  # with what the filter looks ahead
    sent = Clip(clip.pcm[: wanted * BYTES_PER_SAMPLE], clip.sample_rate).resample(rate)
    if wanted < len(clip) or len(sent) > room + 1:
        sent = _cut(sent, room)
        return "wav", sent.wav_bytes(), sent.duration
    sent = Clip(sent.pcm[: room * BYTES_PER_SAMPLE], rate)
    return "wav", sent.wav_bytes(), clip.duration


def _cut(clip: Clip, samples: int) -> Clip:
    """Return the beginning of a clip, faded out over 10 ms so that the cut is not heard as a click."""
    import numpy as np  # noqa: PLC0415

    kept = clip.samples[:samples].astype(np.float64) / 32768.0
    fade = min(len(kept), clip.sample_rate // 100)
    kept[len(kept) - fade :] *= np.linspace(1.0, 0.0, fade)
    return Clip.from_array(kept, clip.sample_rate)
