"""The VoicePicker: finds a voice by name, language, gender and accent, in the model cards or in the live list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets

from smallest_nb.api.language import LANGUAGE_NAMES
from smallest_nb.api.voices import WORD_TIMESTAMP_VOICES, Voice
from smallest_nb.common.markup import text_html
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["VoicePicker"]

_ANY = "any"
_ROWS = 8


class VoicePicker(Unpicklable, ipywidgets.VBox):
    """A search over voices.

    Args:
        voices: What to choose from.
        chosen: Called with the id of the voice that a person chose.
        live: Called when a person asks for the live list, or None where there is none.
    """

    def __init__(
        self, voices: Iterable[Voice], chosen: Callable[[str], None], live: Callable[[], None] | None = None
    ) -> None:
        self._chosen = chosen
        self._voices: tuple[Voice, ...] = ()
        self._showing = False
        self.current: str | None = None
        self.search = ipywidgets.Text(
            placeholder="name, accent, language", continuous_update=True, layout=_wide("160px")
        )
        self.gender = ipywidgets.Dropdown(options=[_ANY, "female", "male"], layout=_wide("110px"))
        self.language = ipywidgets.Dropdown(options=[(_ANY, _ANY)], layout=_wide("150px"))
        self.accent = ipywidgets.Dropdown(options=[_ANY], layout=_wide("150px"))
        self.found = ipywidgets.Select(options=[], rows=_ROWS, layout=ipywidgets.Layout(width="100%"))
        self.summary = ipywidgets.HTML()
        self._live = ipywidgets.Button(
            description="Load the full list",
            tooltip="The model cards name some voices; the service lists all of them.",
            layout=ipywidgets.Layout(width="auto", display="" if live else "none"),
        )
        if live is not None:
            self._live.on_click(lambda _b: live())
        filters = [
            ipywidgets.VBox([ipywidgets.Label(name), box], layout=ipywidgets.Layout(flex="1 1 120px"))
            for name, box in (
                ("Search", self.search), ("Language", self.language), ("Gender", self.gender), ("Accent", self.accent),
            )
        ]  # fmt: skip
        listed = ipywidgets.VBox([ipywidgets.Label("Voices"), self.found])
        for box in (*filters, listed):
            box.add_class("snb-control")
        super().__init__(
            [
                ipywidgets.HBox(filters, layout=ipywidgets.Layout(flex_flow="row wrap")),
                listed,
                ipywidgets.HBox([self._live, self.summary], layout=ipywidgets.Layout(flex_flow="row wrap")),
            ]
        )
        for box in (self.search, self.gender, self.language, self.accent):
            box.observe(lambda _c: self._filter(), names="value")
        self.found.observe(self._moved, names="value")
        self.show(voices, None)

    def show(self, voices: Iterable[Voice], current: str | None, note: str = "") -> None:
        """Offer other voices and mark the current one, without calling `chosen`."""
        self._voices = tuple(voices)
        languages = sorted({c for v in self._voices for c in v.languages}, key=_name)
        self._refill(self.language, [(_ANY, _ANY), *((f"{_name(c)} ({c})", c) for c in languages)])
        self._refill(self.accent, [_ANY, *sorted({v.accent for v in self._voices if v.accent})])
        self.current = current
        self._note = note
        self._filter()

    def mark(self, voice: str) -> None:
        """Mark the current voice, without calling `chosen`."""
        self.current = voice
        self._filter()

    def matches(self) -> list[Voice]:
        """Return the voices that the filters let through."""
        words = self.search.value.lower().split()
        return [
            v
            for v in self._voices
            if self.gender.value in (_ANY, v.gender)
            and (self.language.value == _ANY or self.language.value in v.languages)
            and self.accent.value in (_ANY, v.accent)
            and all(word in _haystack(v) for word in words)
        ]

    def _filter(self) -> None:
        found = self.matches()
        self._showing = True
        try:
            self.found.options = [(_line(v), v.id) for v in found]
            ids = [v.id for v in found]
            self.found.value = self.current if self.current in ids else None
        finally:
            self._showing = False
        count = f"{len(found)} of {len(self._voices)} voices"
        self.summary.value = f"<small>{text_html(f'{count}. {self._note}' if self._note else count)}</small>"

    def _moved(self, change: dict[str, Any]) -> None:
        if not self._showing and change["new"] is not None:
            self.current = change["new"]
            self._chosen(change["new"])

    def _refill(self, box: Any, options: list[Any]) -> None:
        values = [o[1] if isinstance(o, tuple) else o for o in options]
        kept = box.value if box.value in values else _ANY
        box.options = options
        box.value = kept

    def __repr__(self) -> str:
        return f"VoicePicker({len(self._voices)} voices)"


def _wide(least: str) -> ipywidgets.Layout:
    return ipywidgets.Layout(width="auto", min_width=least)


def _name(code: str) -> str:
    return LANGUAGE_NAMES.get(code, code)


def _line(voice: Voice) -> str:
    times = " · word times" if voice.id in WORD_TIMESTAMP_VOICES else ""
    return f"{voice.id} · {voice.gender}, {voice.accent} · {', '.join(voice.languages)}{times}"


def _haystack(voice: Voice) -> str:
    return f"{voice.id} {voice.gender} {voice.accent} {' '.join(map(_name, voice.languages))}".lower()
