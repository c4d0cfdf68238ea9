"""ELAN's annotation files (EAF).

The format: https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.loading.rows import Loaded, Row, attach_words, group_words, make_segments

__all__ = ["read_eaf"]

_log = logging.getLogger(__name__)
_WORDS = re.compile(r"(.*[ _@-])?words?(@.*)?", re.IGNORECASE)
_NO_SPEAKER = "segments"


def read_eaf(text: str) -> Loaded:
    """Read tiers: one without a parent is what a participant says, one below it named "words" its words.

    Other tiers that depend on one, such as translations, are left out.

    Raises:
        ConfigError: Not XML, or another document.
    """
    if re.search(r"<!(DOCTYPE|ENTITY)", text[:10_000]):
        raise ConfigError("it declares entities of its own, which ELAN never does.")
    try:
        root = ET.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))  # noqa: S314 - without entities
    except ET.ParseError as error:
        raise ConfigError(f"it is not XML: {error}.") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise ConfigError(f"it is a document of the kind {root.tag!r}; expected ANNOTATION_DOCUMENT.")
    slots = _read_slots(root.iterfind("TIME_ORDER/TIME_SLOT"))
    tiers = {t.get("TIER_ID", ""): t for t in root.iterfind("TIER")}
    rows: list[Row] = []
    for name, tier in tiers.items():
        if tier.get("PARENT_REF"):
            continue
        label = None if name == _NO_SPEAKER else tier.get("PARTICIPANT") or name
        said = [Row(value, start, end, label) for start, end, value in _read_annotations(tier, slots)]
        words = [w for child in tiers.values() if child.get("PARENT_REF") == name for w in _read_words(child, slots)]
        if _WORDS.fullmatch(name) and not words and label in (None, name):
            alone = [{"word": r.text, "start": r.start, "end": r.end} for r in said if r.text]
            rows += group_words(alone)
            continue
        attach_words(said, words)
        rows += said
    return make_segments([r for r in rows if r.text])


def _read_words(tier: ET.Element, slots: dict[str, float]) -> list[dict[str, Any]]:
    name = tier.get("TIER_ID", "")
    if not _WORDS.fullmatch(name):
        _log.info("the tier %r, which depends on another, is left out", name)
        return []
    return [{"word": v, "start": start, "end": end} for start, end, v in _read_annotations(tier, slots) if v]


def _read_annotations(tier: ET.Element, slots: dict[str, float]) -> list[tuple[float, float, str]]:
    found = []
    for annotation in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
        first, last = (annotation.get(f"TIME_SLOT_REF{n}", "") for n in (1, 2))
        if first not in slots or last not in slots:
            raise ConfigError(f"annotation {annotation.get('ANNOTATION_ID')!r} refers to no time slot.")
        value = annotation.findtext("ANNOTATION_VALUE") or ""
        found.append((slots[first], max(slots[first], slots[last]), value.strip()))
    return sorted(found, key=lambda a: a[:2])


def _read_slots(elements: Iterable[ET.Element]) -> dict[str, float]:
    """Return seconds by slot; one without a time lies between its neighbours."""
    try:
        known = [(e.get("TIME_SLOT_ID", ""), e.get("TIME_VALUE")) for e in elements]
        times = [None if value is None else int(value) / 1000 for _, value in known]
    except ValueError as error:
        raise ConfigError(f"a time slot has no whole number of milliseconds ({error}).") from error
    for unknown, group in itertools.groupby(range(len(times)), key=lambda i: times[i] is None):
        if not unknown:
            continue
        run = list(group)
        before = times[run[0] - 1] if run[0] else 0.0
        after = times[run[-1] + 1] if run[-1] + 1 < len(times) else before
        for k, i in enumerate(run, 1):
            times[i] = before + (after - before) * k / (len(run) + 1)  # type: ignore[operator]
    return {name: time for (name, _), time in zip(known, times, strict=True) if time is not None}
