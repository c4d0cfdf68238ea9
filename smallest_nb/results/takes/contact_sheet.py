"""Takes as a table: with a picture of each, and with its sound if that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from smallest_nb.common.markup import text_html
from smallest_nb.common.numbers import is_integer
from smallest_nb.errors import ConfigError
from smallest_nb.results.takes.html import STAR, audio_html, cut_text, waveform_svg
from smallest_nb.results.takes.take import Take

__all__ = ["ContactSheet", "table_html"]

_TEXT_CHARS = 80
_NAMES = ("Take", "Sound", "Settings", "First audio", "Text")


class ContactSheet:
    """Takes with their sound, as they stay in a saved notebook.

    Args:
        takes: The takes.
        max_kb: Kilobytes that the sound may add.

    Raises:
        ConfigError: A size that is no whole number from 0.
    """

    def __init__(self, takes: Sequence[Take], *, max_kb: int) -> None:
        if not is_integer(max_kb) or max_kb < 0:
            raise ConfigError(f"max_kb={max_kb!r} cannot be used; expected a whole number of kilobytes from 0.")
        self._takes = tuple(takes)
        self._max_kb = max_kb

    def __repr__(self) -> str:
        return f"ContactSheet({len(self._takes)} {'take' if len(self._takes) == 1 else 'takes'})"

    def _repr_html_(self) -> str:
        share = self._max_kb * 1024 // max(1, len(self._takes))
        return table_html(self._takes, audio_bytes=share) if self._takes else "<p>No takes yet.</p>"


def table_html(takes: Sequence[Take], *, caption: str = "", audio_bytes: int = 0) -> str:
    """Return takes as a table.

    Args:
        takes: The takes, in the order of the rows.
        caption: Its caption, as HTML.
        audio_bytes: Bytes that the sound of each take may add as a data URI; 0 leaves it out.
    """
    head = "".join(f'<th scope="col">{name}</th>' for name in _NAMES)
    body = "".join(_row(take, audio_bytes) for take in takes)
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(take: Take, audio_bytes: int) -> str:
    text = cut_text(take.text, _TEXT_CHARS)
    star = STAR if take.starred else ""
    note = f'<br><small dir="auto"><bdi>{text_html(take.note)}</bdi></small>' if take.note else ""
    first = f"{take.ttfb_ms:.0f} ms" if take.ttfb_ms is not None else ""
    sound = f"<br>{audio_html(take.clip, audio_bytes)}" if audio_bytes else ""
    return (
        f'<tr><th scope="row">{take.number}{star}</th><td>{waveform_svg(take.clip, width=120, height=24)}{sound}</td>'
        f"<td><bdi>{text_html(take.summary())}</bdi></td><td>{first}</td>"
        f'<td dir="auto" style="overflow-wrap:anywhere">{text_html(text)}{note}</td></tr>'
    )
