"""ELAN's annotation files (EAF).

A tier for each speaker, and below it one of words ("Included In", so that each word lies within what its speaker says).
The format: https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

from smallest_nb.api.segment import Segment
from smallest_nb.common.text import one_line
from smallest_nb.results.transcript.names import make_unique, speakers_in
from smallest_nb.results.transcript.timing import SpeakerTurn, separate_spans, speaker_turns, to_milliseconds

__all__ = ["write_eaf"]

_NO_SPEAKER = "segments"
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_SAID = "utterance"
_WORDS = "words"
_INCLUDED_IN = "Time alignable annotations within the parent annotation's time interval, gaps are allowed"

_Interval = tuple[int, int, str]


def write_eaf(segments: Sequence[Segment], name_of: Callable[[int], str], date: dt.datetime | None = None) -> str:
    """Return an EAF document.

    If a tier's annotations overlap, each ends when the next begins: ELAN allows no overlap in a tier.

    Args:
        segments: What was said.
        name_of: Returns a speaker's name; two of the same name get numbers.
        date: When the document was made; None for now.

    Raises:
        ConfigError: A segment without times.
    """
    said: dict[int | None, list[SpeakerTurn]] = {}
    for run in (r for s in segments for r in speaker_turns(s)):
        said.setdefault(run.speaker, []).append(run)
    names = make_unique({n: _xml_text(name_of(n)) for n in speakers_in(segments)}, " ", taken=(_NO_SPEAKER,))
    document = _document(date or dt.datetime.now(dt.UTC))
    order = ET.SubElement(document, "TIME_ORDER")
    tiers = {n: _NO_SPEAKER if n is None else names[n] for n in said}
    words = make_unique({n: f"{tiers[n]} {_WORDS}" for n in said}, " ", taken=tiers.values())
    writer = _Writer(document, order)
    for speaker in sorted(said, key=lambda n: (n is None, n or 0)):
        who = "" if speaker is None else _xml_text(name_of(speaker))
        writer.speaker(tiers[speaker], words[speaker], who, said[speaker])
    if not said:
        writer.speaker(_NO_SPEAKER, "", "", [])
    _add_types(document)
    ET.indent(document, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(document, encoding="unicode") + "\n"


def _document(date: dt.datetime) -> ET.Element:
    document = ET.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "",
            "DATE": date.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    ET.SubElement(document, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    return document


def _add_types(document: ET.Element) -> None:
    for name, constraint in ((_SAID, None), (_WORDS, "Included_In")):
        kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": name, "TIME_ALIGNABLE": "true"}
        if constraint:
            kind["CONSTRAINTS"] = constraint
        ET.SubElement(document, "LINGUISTIC_TYPE", kind)
    ET.SubElement(document, "CONSTRAINT", {"DESCRIPTION": _INCLUDED_IN, "STEREOTYPE": "Included_In"})


class _Writer:
    """Numbers time slots and annotations."""

    def __init__(self, document: ET.Element, order: ET.Element) -> None:
        self._document = document
        self._order = order
        self._annotations = 0
        self._slots = 0

    def speaker(self, name: str, name_of_words: str, participant: str, said: Sequence[SpeakerTurn]) -> None:
        """Write what one speaker says, and the words of it."""
        ordered = sorted(said, key=lambda r: (to_milliseconds(r.start), to_milliseconds(r.end)))
        spans = separate_spans([(to_milliseconds(r.start), to_milliseconds(r.end)) for r in ordered])
        self._tier(name, participant, _SAID, None, [(*s, r.text) for s, r in zip(spans, ordered, strict=True)])
        words = [w for s, r in zip(spans, ordered, strict=True) for w in _words_within(r, *s)]
        if words:
            self._tier(name_of_words, participant, _WORDS, name, words)

    def _tier(self, name: str, who: str, kind: str, parent: str | None, said: Sequence[_Interval]) -> None:
        about = {"LINGUISTIC_TYPE_REF": kind, "TIER_ID": name}
        about |= {"PARTICIPANT": who} if who else {}
        about |= {"PARENT_REF": parent} if parent else {}
        tier = ET.SubElement(self._document, "TIER", about)
        for start, end, text in said:
            self._annotations += 1
            made = ET.SubElement(
                ET.SubElement(tier, "ANNOTATION"),
                "ALIGNABLE_ANNOTATION",
                {
                    "ANNOTATION_ID": f"a{self._annotations}",
                    "TIME_SLOT_REF1": self._slot(start),
                    "TIME_SLOT_REF2": self._slot(end),
                },
            )
            ET.SubElement(made, "ANNOTATION_VALUE").text = _xml_text(text)

    def _slot(self, ms: int) -> str:
        self._slots += 1
        ET.SubElement(self._order, "TIME_SLOT", {"TIME_SLOT_ID": f"ts{self._slots}", "TIME_VALUE": str(ms)})
        return f"ts{self._slots}"


def _words_within(run: SpeakerTurn, start: int, end: int) -> list[_Interval]:
    """Return the words of a stretch, none outside it and none overlapping; a word without room is in its text only."""
    words = sorted((to_milliseconds(w.start), to_milliseconds(w.end), t) for w in run.words if (t := one_line(w.text)))
    spans = separate_spans([(max(start, min(first, end)), max(start, min(last, end))) for first, last, _ in words])
    return [(first, last, text) for (first, last), (*_, text) in zip(spans, words, strict=True) if last <= end]


def _xml_text(text: str) -> str:
    """Return text without the characters that XML 1.0 does not allow."""
    return "".join(c for c in one_line(text) if c not in "\ufffe\uffff")
