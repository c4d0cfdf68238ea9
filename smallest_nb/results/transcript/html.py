"""A transcript as HTML, for a notebook that shows it without the widget."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

from smallest_nb.api.segment import Segment
from smallest_nb.common.markup import text_html
from smallest_nb.results.transcript.sources import mark_sources

__all__ = ["transcript_html"]

_MAX_LINES = 500

_KINDS = {
    "FIRSTNAME": "first name",
    "LASTNAME": "last name",
    "PHONENUMBER": "phone number",
    "CREDITCARDNUMBER": "card number",
    "CREDITCARDCVV": "card security code",
    "ZIPCODE": "postal code",
    "ACCOUNTNUMBER": "account number",
    "BUILDINGNUMBER": "building number",
}


def transcript_html(segments: Sequence[Segment], name_of: Callable[[int], str]) -> str:
    """Return the last 500 segments as a list; says how many are left out."""
    if not segments:
        return "<p>No speech transcribed yet.</p>"
    left_out = max(0, len(segments) - _MAX_LINES)
    lines_are = "line is" if left_out == 1 else "lines are"
    notice = f"<p><small>{left_out:,} earlier {lines_are} left out.</small></p>" if left_out else ""
    shown = segments[left_out:]
    lines = "".join(
        _line(s, name_of, mark) for s, mark in zip(shown, mark_sources([s.source for s in shown]), strict=True)
    )
    first = f' start="{left_out + 1}"' if left_out else ""
    return f"{notice}<ol{first}>{lines}</ol>"


def _line(segment: Segment, name_of: Callable[[int], str], mark: str | None) -> str:
    begins = f"<small><i>{text_html(mark)}</i></small><br>" if mark else ""
    at = f"<small>{segment.start:.1f} s</small> " if segment.start is not None else ""
    who = f"<b>{text_html(name_of(segment.speaker))}:</b> " if segment.speaker is not None else ""
    return f"<li>{begins}{at}{who}{_mark_redactions(segment)}</li>"


def _mark_redactions(segment: Segment) -> str:
    parts: list[str] = []
    at = 0
    for found in segment.redactions:
        title = html.escape(_KINDS.get(found.kind, found.kind.lower()))
        parts += [
            text_html(segment.text[at : found.start]),
            f'<mark title="{title}">{text_html(segment.text[found.start : found.end])}</mark>',
        ]
        at = found.end
    return "".join([*parts, text_html(segment.text[at:])])
