"""A product of settings, spoken: which voice, how fast, with which model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.client.batch.many import speak_many, transcribe_many
from smallest_nb.client.batch.results import BatchResult
from smallest_nb.common.secret import Secret, box_arguments
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError
from smallest_nb.results.metrics import TTSMetrics
from smallest_nb.results.takes import Grid, GridCell, Take

if TYPE_CHECKING:
    from smallest_nb.client.transport import Transport

__all__ = ["sweep"]

_MOST_CELLS = 1000
_LISTS = ("names", "keywords")
"""Kinds of settings whose value is a list itself: several of them are a list of lists."""


@shortens
def sweep(
    text: str | Sequence[str],
    *,
    settings: SmallestTTSSettings | Mapping[str, Any] | None = None,
    intelligibility: bool = False,
    sample_rate: int | None = None,
    units: int | None = None,
    progress: bool | None = None,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    transport: Transport | None = None,
    **axes: Any,
) -> Grid:
    """Speak a text with every combination of some settings.

    Args:
        text: What to say; several texts are one more axis.
        settings: For all.
        intelligibility: Whether each is transcribed too, in the language of its settings, and compared with the text
            (extra `eval`).
        sample_rate: Hz; None means 24000.
        units: As for :func:`~smallest_nb.speak_many`.
        progress: As for :func:`~smallest_nb.speak_many`.
        api_key: As for :func:`~smallest_nb.speak_many`.
        base_url: As for :func:`~smallest_nb.speak_many`.
        transport: As for :func:`~smallest_nb.speak_many`.
        axes: A list of values varies a setting, one value sets it: `voice=["sophia", "liam"], language="en"`.

    Returns:
        A grid, which a notebook shows as a contact sheet: the last axis across, the others down.

    Raises:
        ConfigError: Nothing is varied, a value that cannot work, or more than 1000 combinations.
        AuthError: The key was refused.
        SmallestError: The service cannot be reached.

    Example:
        >>> sweep("Your table is booked.", voice=["sophia", "liam"], speed=[0.9, 1.0, 1.1])
    """
    api_key = Secret.of(api_key)
    varied, fixed = _split(box_arguments(axes))
    SmallestTTSSettings.check_names([*varied, *fixed])
    if not isinstance(text, str):
        varied = {"text": list(text), **varied}
    if not varied:
        raise ConfigError("Nothing is varied: pass a list of values for a setting, such as speed=[0.9, 1.0, 1.1].")
    count = math.prod(len(values) for values in varied.values())
    if not 1 <= count <= _MOST_CELLS:
        raise ConfigError(f"There are {count} combinations; expected 1 to {_MOST_CELLS}.")
    combinations = [dict(zip(varied, each, strict=True)) for each in itertools.product(*varied.values())]
    rows = [{"text": text, "id": f"{n + 1:04d}", **values} for n, values in enumerate(combinations)]
    common: dict[str, Any] = {
        "units": units, "progress": progress, "api_key": api_key, "base_url": base_url, "transport": transport,
    }  # fmt: skip
    spoken = speak_many(rows, settings=settings, sample_rate=sample_rate, **common, **fixed)
    takes = [_take(n, result, settings, fixed, values) for n, (result, values) in
             enumerate(zip(spoken, combinations, strict=True), 1)]  # fmt: skip
    shares = _understood(takes, common) if intelligibility else {}
    cells = [
        GridCell(values, take, result.error, shares.get(take.uid) if take is not None else None)
        for values, take, result in zip(combinations, takes, spoken, strict=True)
    ]
    return Grid(varied, cells)


def _split(axes: Mapping[str, Any]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return what is varied and what is the same for all."""
    specs = SmallestTTSSettings.specs()
    varied: dict[str, list[Any]] = {}
    fixed: dict[str, Any] = {}
    for name, value in axes.items():
        is_array: bool = hasattr(value, "tolist") and getattr(value, "shape", ()) != ()
        is_list = is_array or isinstance(value, list | tuple | set | range)
        if is_list and name in specs and specs[name].kind in _LISTS:
            is_list = any(not isinstance(one, str) for one in value)
        if is_list:
            varied[name] = list(value.tolist() if hasattr(value, "tolist") else value)
        else:
            fixed[name] = value
    return varied, fixed


def _take(
    number: int, result: BatchResult, settings: Any, fixed: Mapping[str, Any], values: Mapping[str, Any]
) -> Take | None:
    if not result.ok:
        return None
    own = {name: value for name, value in values.items() if name != "text"}
    base = SmallestTTSSettings.from_mapping(settings) if isinstance(settings, Mapping) else settings
    given = {} if base is None else base.given_fields()
    clip = result.clip
    metrics = TTSMetrics(
        result.characters, ttfb_s=result.ttfb_s, audio_s=clip.duration, total_s=result.seconds or 0.0, complete=True
    )
    return Take(number, result.input, SmallestTTSSettings.complete(**{**given, **fixed, **own}), clip, metrics)


def _understood(takes: Sequence[Take | None], common: Mapping[str, Any]) -> dict[str, float]:
    """Return the share of words that are right in a transcription of each take, by its uid."""
    found: dict[str, float] = {}
    there = [take for take in takes if take is not None]
    for language in dict.fromkeys(str(take.settings.language) for take in there):
        of_language = [take for take in there if str(take.settings.language) == language]
        heard = transcribe_many([take.clip.padded(0.2, 0.3) for take in of_language], language=language, **common)
        for take, result in zip(of_language, heard, strict=True):
            if result.ok:
                found[take.uid] = max(0.0, 1.0 - result.transcript.wer(take.text))
    return found
