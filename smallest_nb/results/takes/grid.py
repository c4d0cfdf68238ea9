"""The takes of a product of settings, as a contact sheet that plays without a kernel."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from smallest_nb.common.files import write_file
from smallest_nb.common.markup import text_html
from smallest_nb.common.paths import as_path
from smallest_nb.errors import ConfigError
from smallest_nb.results.table import make_table
from smallest_nb.results.takes.collection import Takes
from smallest_nb.results.takes.html import audio_html, cut_text, waveform_svg
from smallest_nb.results.takes.take import Take

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Grid", "GridCell"]

_SHEET_BYTES = 3 * 2**20
"""Of all sounds of a sheet together: a notebook that holds one stays small enough to be saved and sent."""
_MOST_CELL_BYTES = 256 * 1024
_MOST_CELLS = 200
_TEXT_CHARS = 60
_FIGURES = ("duration", "ttfb", "intelligibility")
_CELL = "vertical-align:top;padding:4px 8px;text-align:left"
_PLAYER = "width:180px;height:32px"


@dataclass(frozen=True, slots=True, eq=False)
class GridCell:
    """One combination of settings.

    Attributes:
        varied: What was varied, by name.
        take: What came of it, or None if it failed.
        error: Why it failed, in words; else "".
        intelligibility: Share of the words that a transcription of it has right, 0 to 1, or None if not measured.
    """

    varied: Mapping[str, Any]
    take: Take | None = None
    error: str = ""
    intelligibility: float | None = None

    @property
    def label(self) -> str:
        """The values on one line."""
        return ", ".join(f"{name} {_shown(value)}" for name, value in self.varied.items())

    def figure(self, name: str) -> float | None:
        """Return a figure by its name, or None if it is not known."""
        if name == "intelligibility":
            return self.intelligibility
        if self.take is None:
            return None
        return self.take.duration if name == "duration" else self.take.ttfb_ms


class Grid(Sequence[GridCell]):
    """The takes of a product of settings. In a notebook it shows itself as a contact sheet.

    The last setting runs across, the others run down. The sounds are embedded, compressed if `soundfile` is installed,
    3 MB of all together at most.

    Args:
        axes: The values of each setting that was varied, by name, in order.
        cells: One for each combination; those of the last setting change first.
        in_order: The name of the figure by which they are sorted; "" for the order of the axes.
    """

    def __init__(self, axes: Mapping[str, Sequence[Any]], cells: Sequence[GridCell], in_order: str = "") -> None:
        self.axes = {name: tuple(values) for name, values in axes.items()}
        self._cells = list(cells)
        self._in_order = in_order

    @property
    def takes(self) -> Takes:
        """The takes as a collection, which can be saved; without those that failed."""
        found = Takes()
        for take in (c.take for c in self._cells):
            if take is not None:
                found.add(take)
        return found

    def cell(self, **values: Any) -> GridCell:
        """Return the cell of these values, such as `grid.cell(voice="liam", speed=1.1)`.

        Raises:
            ConfigError: There is none, or several.
        """
        found = [c for c in self._cells if all(c.varied.get(name) == value for name, value in values.items())]
        if len(found) != 1:
            known = "; ".join(f"{name}: {', '.join(map(_shown, v))}" for name, v in self.axes.items())
            raise ConfigError(f"{len(found)} cells have {values!r:.100}; expected one. There are {known}.")
        return found[0]

    def sorted(self, by: str, *, reverse: bool = False) -> Grid:
        """Return the cells in the order of a figure, those without it last.

        Args:
            by: "duration", "ttfb" or "intelligibility".
            reverse: From the largest to the smallest.

        Raises:
            ConfigError: No such figure, or it was not measured.
        """
        if by not in _FIGURES:
            raise ConfigError(f"by={by!r} is unknown; expected one of {', '.join(_FIGURES)}.")
        known = [c for c in self._cells if c.figure(by) is not None]
        if not known and by == "intelligibility":
            raise ConfigError("The intelligibility was not measured: sweep(..., intelligibility=True) does.")
        ordered = sorted(known, key=lambda c: c.figure(by) or 0.0, reverse=reverse)
        return Grid(self.axes, [*ordered, *(c for c in self._cells if c.figure(by) is None)], by)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per cell.

        Raises:
            ConfigError: pandas is missing.
        """
        figures = ["duration_s", "ttfb_ms", "intelligibility", "error"]
        rows = [
            [*c.varied.values(), c.figure("duration"), c.figure("ttfb"), c.intelligibility, c.error]
            for c in self._cells
        ]
        return make_table(rows, [*self.axes, *figures])

    def to_html(self) -> str:
        """Return the contact sheet: no script, no style sheet, nothing from the network."""
        shown = self._cells[:_MOST_CELLS]
        budget = min(_MOST_CELL_BYTES, _SHEET_BYTES // max(1, len(shown)))
        drawn = [_cell_html(c, budget, labelled=bool(self._in_order)) for c in shown]
        more = len(self._cells) - len(shown)
        note = f"<p><small>{more} more cells are not shown.</small></p>" if more else ""
        return (_list_html(drawn) if self._in_order else self._table_html(drawn)) + note

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the contact sheet as a page of its own.

        Returns:
            The path.

        Raises:
            ConfigError: It cannot be written.
        """
        target = as_path(path)
        page = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Contact sheet</title>'
            '<meta name="color-scheme" content="light dark"></head>'
            f'<body style="font-family:system-ui,sans-serif">{self.to_html()}</body></html>'
        )
        try:
            return write_file(target, page.encode("utf-8", "replace"))
        except OSError as error:
            raise ConfigError(f"The contact sheet cannot be saved as {target}: {error}") from error

    def _table_html(self, drawn: Sequence[str]) -> str:
        *down, across = self.axes or {"": ("",)}
        width = max(1, len(self.axes.get(across, ("",))))
        columns = "".join(f'<th scope="col">{_name(across, value)}</th>' for value in self.axes.get(across, ()))
        corner = "".join(f'<th scope="col">{text_html(name)}</th>' for name in down)
        rows = []
        combinations = itertools.product(*(self.axes[name] for name in down))
        for combination, at in zip(combinations, range(0, len(drawn), width), strict=False):
            names = "".join(f'<th scope="row" style="{_CELL}">{_value(value)}</th>' for value in combination)
            rows.append(f"<tr>{names}{''.join(drawn[at : at + width])}</tr>")
        return f"<table><thead><tr>{corner}{columns}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    @overload
    def __getitem__(self, index: int) -> GridCell: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[GridCell, ...]: ...
    def __getitem__(self, index: int | slice) -> GridCell | tuple[GridCell, ...]:
        return tuple(self._cells[index]) if isinstance(index, slice) else self._cells[index]

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[GridCell]:
        return iter(self._cells)

    def __repr__(self) -> str:
        sizes = " x ".join(f"{len(values)} {name}" for name, values in self.axes.items())
        failed = sum(c.take is None for c in self._cells)
        return f"Grid({sizes}{f', {failed} failed' if failed else ''})"

    def _repr_html_(self) -> str:
        return self.to_html()


def _list_html(drawn: Sequence[str]) -> str:
    return f"<table><tbody>{''.join(f'<tr>{one}</tr>' for one in drawn)}</tbody></table>"


def _cell_html(cell: GridCell, budget: int, *, labelled: bool) -> str:
    label = f"<div><b>{text_html(cell.label)}</b></div>" if labelled else ""
    if cell.take is None:
        return f'<td style="{_CELL};overflow-wrap:anywhere">{label}<small>{text_html(cell.error)}</small></td>'
    figures = [f"{cell.take.duration:.1f} s"]
    if cell.take.ttfb_ms is not None:
        figures.append(f"first audio {cell.take.ttfb_ms:.0f} ms")
    if cell.intelligibility is not None:
        figures.append(f"{cell.intelligibility:.0%} understood")
    player = audio_html(cell.take.clip, budget, compressed=True, style=_PLAYER)
    picture = waveform_svg(cell.take.clip, width=180, height=32)
    return (
        f'<td style="{_CELL}">{label}<div>{picture}</div>{player}'
        f'<div style="opacity:.75"><small>{" · ".join(figures)}</small></div></td>'
    )


def _shown(value: Any) -> str:
    return "default" if value is None else cut_text(str(value), _TEXT_CHARS)


def _value(value: Any) -> str:
    return f'<span dir="auto">{text_html(_shown(value))}</span>'


def _name(name: str, value: Any) -> str:
    return f"{text_html(name)} {_value(value)}"
