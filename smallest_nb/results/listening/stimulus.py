"""What a listening test compares: each system's sound for each text, at one loudness."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.tts_wire import ignored_settings
from smallest_nb.audio.clip import Clip
from smallest_nb.audio.files import read_sound
from smallest_nb.audio.loudness import SHORTEST_SECS, at_one_loudness, loudness_lufs
from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.preparation import trimmed
from smallest_nb.results.takes.grid import GridCell
from smallest_nb.results.takes.take import Take

__all__ = ["LONGEST_SECS", "REFERENCE", "Stimulus", "collect", "is_known", "prepare", "systems_of"]

LONGEST_SECS = 60.0
REFERENCE = "reference"
"""The name of a reference that is none of the systems."""
_MOST_STIMULI = 500
_QUIETEST_LUFS = -70.0
"""BS.1770's absolute gate: what is below it is silence."""


@dataclass(frozen=True, eq=False)
class Stimulus:
    """One sound of one system.

    Attributes:
        system: What is compared, such as a voice: its name in results. Listeners do not see it.
        text: What is said; empty, or the number of the sound among its system's (#1), if that is not known.
        clip: The sound as it was given.
        prepared: The sound as it is played: trimmed, at the loudness and the rate of all others.
        lufs: Loudness of `clip`.
        ttfb_ms: Milliseconds to the first byte, or None if not known.
    """

    system: str
    text: str
    clip: Clip
    prepared: Clip
    lufs: float
    ttfb_ms: float | None = None


@dataclass(frozen=True)
class _Sound:
    """What was given, before it is named and prepared."""

    name: str
    text: str
    clip: Clip
    take: Take | None = None


def collect(takes: Any, *, allow_different_texts: bool = False, reference: Any = None) -> list[Stimulus]:
    """Return the stimuli of a test, named, checked and prepared.

    Args:
        takes: Takes, clips, sound files or the grid of a sweep: a sequence, or a mapping of names to one of them or to
            a list of them.
        allow_different_texts: Compare them although they say different things; their texts are then ignored.
        reference: A sound that becomes one more system, `REFERENCE`; a mapping of texts to sounds if there are several.

    Raises:
        ConfigError: Fewer than two systems, too many or too long sounds, silence, a text that only one system says.
    """
    sounds = list(_sounds(takes))
    if len(sounds) > _MOST_STIMULI:
        raise ConfigError(f"{len(sounds)} stimuli are too many; expected at most {_MOST_STIMULI}.")
    named = _named(sounds)
    systems = list(dict.fromkeys(name for name, _ in named))
    if len(systems) < 2:
        raise ConfigError(
            f"A listening test compares; there is only one system here{f', {systems[0]!r}' if systems else ''}. "
            "Give takes of at least two voices or settings, or a mapping of names to clips."
        )
    texts = [("" if allow_different_texts else sound.text) for _, sound in named]
    if not allow_different_texts:
        _check_texts(named)
    given = [
        (name, text, sound.clip, sound.take.ttfb_ms if sound.take else None)
        for (name, sound), text in zip(named, texts, strict=True)
    ]
    if reference is not None:
        given += [(REFERENCE, text, clip, None) for text, clip in _references(reference, list(dict.fromkeys(texts)))]
    return prepare(given)


def prepare(sounds: Sequence[tuple[str, str, Clip, float | None]]) -> list[Stimulus]:
    """Return stimuli: trimmed, at one rate and at one loudness.

    Args:
        sounds: System, text, sound, and milliseconds to the first byte or None, of each.

    Raises:
        ConfigError: A sound is silent, or too short or long; pyloudnorm is missing.
    """
    for name, _, clip, _ in sounds:
        _check_sound(name, clip)
    rate = max(clip.sample_rate for _, _, clip, _ in sounds)
    kept, levels = [], []
    for name, _, clip, _ in sounds:
        cut = trimmed(clip).resample(rate)
        if (missing := SHORTEST_SECS - cut.duration) > 0:
            cut = cut.padded(after=missing + 0.01)
        level = loudness_lufs(cut)
        if level < _QUIETEST_LUFS:
            raise ConfigError(f"{name!r} is silent ({level:.0f} LUFS); leave it out or make it again.")
        kept.append(cut)
        levels.append(loudness_lufs(clip))
    equal, _ = at_one_loudness(kept)
    return [
        Stimulus(name, text, clip, ready, level, ttfb_ms)
        for (name, text, clip, ttfb_ms), ready, level in zip(sounds, equal, levels, strict=True)
    ]


def is_known(text: str) -> bool:
    """Say whether a text is what is said, and not only the number of a sound whose text was not given."""
    return bool(text) and not re.fullmatch(r"#\d+", text)


def systems_of(stimuli: Sequence[Stimulus]) -> dict[str, list[str]]:
    """Return the systems by which each text is said; the texts in order."""
    systems: dict[str, list[str]] = {}
    for stimulus in stimuli:
        systems.setdefault(stimulus.text, []).append(stimulus.system)
    return systems


def _references(reference: Any, texts: list[str]) -> Iterator[tuple[str, Clip]]:
    if not isinstance(reference, Mapping):
        if len(texts) > 1:
            raise ConfigError(
                f"One reference cannot stand for {len(texts)} texts; pass a mapping of each text to its recording."
            )
        reference = {texts[0]: reference}
    for text in texts:
        if text not in reference:
            raise ConfigError(f"There is no reference for the text {_cut(text)!r}; expected one for each text.")
        yield text, _sound(reference[text], REFERENCE).clip


def _sounds(takes: Any) -> Iterator[_Sound]:
    if isinstance(takes, Mapping):
        for name, given in takes.items():
            several = isinstance(given, list | tuple)
            for number, one in enumerate(given if several else [given], 1):
                sound = _sound(one, str(name))
                text = sound.text or (f"#{number}" if several else "")
                yield _Sound(str(name), text, sound.clip, sound.take)
        return
    if isinstance(takes, str | bytes | os.PathLike | Clip | Take) or not isinstance(takes, Iterable):
        raise ConfigError(
            f"Expected several takes, clips or sound files, or a mapping of names to them; got {type(takes).__name__}."
        )
    for number, one in enumerate(takes, 1):
        yield _sound(one, f"clip {number}")


def _sound(given: Any, name: str) -> _Sound:
    if isinstance(given, GridCell):
        if given.take is None:
            raise ConfigError(
                f"{given.label} was not spoken ({given.error}). Make it again, or pass `takes` of the sweep, which "
                "leaves it out."
            )
        given = given.take
    if isinstance(given, Take):
        return _Sound("", given.text.strip(), given.clip, given)
    if isinstance(given, Clip):
        return _Sound(name, "", given)
    if isinstance(given, str | os.PathLike):
        return _Sound(Path(given).stem, "", read_sound(given))
    raise ConfigError(f"{name}: expected a Take, a Clip or the path of a sound file, got {type(given).__name__}.")


def _named(sounds: list[_Sound]) -> list[tuple[str, _Sound]]:
    """Give each sound the name of its system: for takes what differs among their settings, then their number."""
    takes = [sound.take for sound in sounds if sound.take is not None]
    varying = _varying_settings([take.settings for take in takes])
    names = [sound.name or _describe(sound.take, varying) for sound in sounds]
    counts = Counter((name, sound.text) for name, sound in zip(names, sounds, strict=True))
    named = []
    seen: Counter[tuple[str, str]] = Counter()
    for name, sound in zip(names, sounds, strict=True):
        key = (name, sound.text)
        seen[key] += 1
        if counts[key] > 1:  # the same settings and text more than once: each is a system of its own
            mark = f"take {sound.take.number}" if sound.take else f"{seen[key]}"
            named.append((f"{name}, {mark}", sound))
        else:
            named.append((name, sound))
    return named


def _varying_settings(settings: list[SmallestTTSSettings]) -> list[str]:
    ignored = set.intersection(*(set(ignored_settings(s)) for s in settings)) if settings else set()
    names = [n for n in SmallestTTSSettings.specs() if n not in ignored and n != "voice"]
    return [n for n in names if len({repr(getattr(s, n)) for s in settings}) > 1]


def _describe(take: Take | None, varying: list[str]) -> str:
    if take is None:
        return ""
    values = [(name, getattr(take.settings, name)) for name in varying]
    return ", ".join([str(take.settings.voice), *(f"{n} {v}" for n, v in values if v is not None)])


def _check_texts(named: list[tuple[str, _Sound]]) -> None:
    said: dict[str, list[str]] = {}
    for name, sound in named:
        said.setdefault(sound.text, []).append(name)
    alone = [(text, names[0]) for text, names in said.items() if len(names) == 1]
    if alone:
        text, name = alone[0]
        raise ConfigError(
            f"Only {name!r} says {_cut(text)!r}: voices cannot be compared on different texts, as listeners would "
            "judge the words. Let each say the same, or pass allow_different_texts=True."
        )


def _check_sound(name: str, clip: Clip) -> None:
    if not SHORTEST_SECS <= clip.duration <= LONGEST_SECS:
        raise ConfigError(
            f"{name!r} is {clip.duration:.2f} s long; expected {SHORTEST_SECS} to {LONGEST_SECS:.0f} s. Listeners "
            "compare single sentences."
        )
    if not clip.samples.any():
        raise ConfigError(f"{name!r} is silent; leave it out or make it again.")


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
