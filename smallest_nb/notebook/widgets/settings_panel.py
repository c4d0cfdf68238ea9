"""The SettingsPanel: ipywidgets made from the settings' metadata, bound both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from smallest_nb.api.catalog import tts_model
from smallest_nb.api.fields import BaseSettings
from smallest_nb.api.language import LANGUAGE_NAMES, service_code
from smallest_nb.api.settings import SmallestTTSSettings, voice_for, why_not_taken
from smallest_nb.api.voices import no_word_times, voices_of
from smallest_nb.common.markup import text_html
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets._settings_trait import SettingsTrait
from smallest_nb.notebook.widgets.setting_controls import Control, make_control
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["SettingsPanel"]


class SettingsPanel(Unpicklable, ipywidgets.VBox):
    """Sliders and choices for a service's settings.

    Args:
        settings: A complete snapshot of TTS or STT settings.
        names: Which settings to show; None for all.
        more: Which further ones to show folded away.

    Attributes:
        settings: Always a complete, valid snapshot; set it, observe it, link it.
    """

    settings = SettingsTrait(BaseSettings)

    def __init__(
        self,
        settings: BaseSettings,
        *,
        names: tuple[str, ...] | None = None,
        more: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        self._kind = type(settings)
        snapshot, _ = self._kind.complete().merged(settings)
        specs = self._kind.specs()
        shown = names or tuple(n for n in specs if n not in more)
        self._kind.check_names((*shown, *more))
        self.controls: dict[str, Control] = {
            name: make_control(name, specs[name], self._chosen, _options(snapshot, name)) for name in (*shown, *more)
        }
        self._problem = ipywidgets.HTML()
        folded = [self._folded([self.controls[name] for name in more])] if more else []
        children = [*(self.controls[name] for name in shown), *folded, self._problem]
        super().__init__(children, settings=snapshot, **kwargs)
        self.observe(self._show, names="settings")
        self._show()

    @staticmethod
    def _folded(controls: list[Control]) -> ipywidgets.Accordion:
        box = ipywidgets.Accordion([ipywidgets.VBox(controls)], selected_index=None)
        box.set_title(0, "More settings")
        return box

    def _chosen(self, name: str, value: Any) -> None:
        change = {name: value}
        if name == "model" and isinstance(self.settings, SmallestTTSSettings):
            # The service does not refuse another model's voice, it speaks unintelligibly.
            change["voice"] = voice_for(str(value), str(self.settings.voice), str(self.settings.language))
        try:
            self.settings = self._kind(**change)
        except ConfigError as error:
            self._problem.value = f'<span style="color:var(--jp-error-color1,#b3261e)">⚠ {text_html(str(error))}</span>'
            self.controls[name].show(getattr(self.settings, name))
        else:
            self._problem.value = ""

    def _show(self, _change: Any = None) -> None:
        for name, control in self.controls.items():
            if name == "voice":
                control.set_options(_options(self.settings, name))
            control.show(getattr(self.settings, name))
            if isinstance(self.settings, SmallestTTSSettings):
                reason = why_not_taken(self.settings, name)
                control.disable(reason)
                if reason is None and name in _HINTS:
                    control.hint(_HINTS[name](self.settings))

    def __repr__(self) -> str:
        return f"SettingsPanel({self.settings!r})"


def _options(settings: BaseSettings, name: str) -> list[tuple[str, Any]]:
    spec = type(settings).specs()[name]
    value = getattr(settings, name)
    if name == "voice" and isinstance(settings, SmallestTTSSettings):
        pool = [(f"{v.id} · {v.gender}, {v.accent}", v.id) for v in voices_of(str(settings.model))]
        return pool if any(v == value for _, v in pool) else [*pool, (str(value), value)]
    if name == "language":
        return [
            (f"{LANGUAGE_NAMES.get(c, c)} ({c})", c)
            for c in sorted(spec.choices, key=lambda c: LANGUAGE_NAMES.get(c, c))
        ]
    return [(str(c), c) for c in spec.choices]


def _of_voice(settings: SmallestTTSSettings) -> str:
    pool = {v.id: v for v in voices_of(str(settings.model))}
    voice = pool.get(str(settings.voice))
    if voice is None:
        model = tts_model(str(settings.model))
        if not model.known:
            return ""
        return f"not among the known voices of {model.id}, such as {model.default_voice}"
    code = service_code(str(settings.language))
    if code not in voice.languages:
        return f"not trained on {LANGUAGE_NAMES.get(code, code)}"
    return ""


def _of_model(settings: SmallestTTSSettings) -> str:
    info = tts_model(str(settings.model))
    if not info.known:
        return "not known to this version; sent as it is"
    if info.withdrawal is None:
        return ""
    ended = "retired on" if info.withdrawal.confirmed else "ends on"
    source = "" if info.withdrawal.confirmed else f", says {info.withdrawal.source.partition('/')[0]}"
    return text_html(f"{ended} {info.withdrawal.date}{source}; use {info.replacement}")


def _of_word_times(settings: SmallestTTSSettings) -> str:
    reason = no_word_times(str(settings.voice)) if settings.word_timestamps else None
    return f"estimated: {text_html(reason)}" if reason else ""


_HINTS: dict[str, Callable[[SmallestTTSSettings], str]] = {
    "voice": _of_voice,
    "model": _of_model,
    "word_timestamps": _of_word_times,
}
