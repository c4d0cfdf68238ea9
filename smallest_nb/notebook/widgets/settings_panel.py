"""The SettingsPanel: controls made from the settings' metadata, bound both ways."""

from __future__ import annotations

from typing import Any

import traitlets

from smallest_nb.api.catalog import tts_model
from smallest_nb.api.fields import BaseSettings
from smallest_nb.api.language import LANGUAGE_NAMES, service_code
from smallest_nb.api.setting_values import Spec
from smallest_nb.api.settings import SmallestTTSSettings, voice_for, what_is_needed, why_not_taken
from smallest_nb.api.voices import no_word_times, voices_of
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.comm.messages import SettingChange
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets._settings_trait import SettingsTrait

__all__ = ["SettingsPanel"]


class SettingsPanel(SpeechWidget):
    """Sliders and choices for a service's settings, drawn by the page from their metadata.

    Args:
        settings: A complete snapshot of TTS or STT settings.
        names: Which settings to show; None for all.
        more: Which further ones to show folded away.

    Attributes:
        settings: Always a complete, valid snapshot; set it, observe it, link it.
        controls: What the page draws, a mapping for each setting: name, kind, label, help, minimum, maximum, step,
            choices, what it is at first, the default that holds then, and whether it is folded away.
        values: The values, as JSON; None leaves a setting to the API.
        reasons: Why a setting is not taken, for those that are not.
        unavailable: What those need, in one sentence.
        hints: What is to be said about a value.
    """

    _esm = assets.esm("settings")
    _css = assets.css("settings")

    settings = SettingsTrait(BaseSettings)
    controls: traitlets.List[Any] = traitlets.List().tag(sync=True)
    values: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    reasons: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    unavailable = traitlets.Unicode("").tag(sync=True)
    hints: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    voices: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        settings: BaseSettings,
        *,
        names: tuple[str, ...] | None = None,
        more: tuple[str, ...] = (),
        within: PartChannel | None = None,
        **kwargs: Any,
    ) -> None:
        self._kind = type(settings)
        snapshot, _ = self._kind.complete().merged(settings)
        specs = self._kind.specs()
        self._drawn = (*(names or tuple(n for n in specs if n not in more)), *more)
        self._kind.check_names(self._drawn)
        drawn = [_control(name, specs[name], folded=name in more) for name in self._drawn]
        super().__init__(within=within, settings=snapshot, controls=drawn, **self._state(snapshot), **kwargs)
        self.observe(self._show, names="settings")
        self._channel.on(SettingChange, lambda m, _b: self._changed_in_page(m["name"], m["value"]))

    def _changed_in_page(self, name: str, value: Any) -> None:
        """Take a value that a person chose, on the thread that delivers: its cell's output belongs to it."""
        if name not in self._drawn:
            return
        try:
            self.choose(name, value)
        except ConfigError as error:
            self.error = str(error)
            self._show()

    def choose(self, name: str, value: Any) -> None:
        """Set one setting as a person does: with another model comes a voice of that model.

        Raises:
            ConfigError: The value cannot be used.
        """
        change = {name: value}
        if name == "model" and isinstance(self.settings, SmallestTTSSettings):
            # The service does not refuse another model's voice, it speaks unintelligibly.
            change["voice"] = voice_for(str(value), str(self.settings.voice), str(self.settings.language))
        self.settings = self._kind(**change)
        self.error = ""

    def _show(self, _change: Any = None) -> None:
        with self.hold_trait_notifications():
            for name, value in self._state(self.settings).items():
                self.set_trait(name, value)

    def _state(self, settings: BaseSettings) -> dict[str, Any]:
        """Return what the page shows of settings."""
        shown = {name: _as_json(getattr(settings, name)) for name in self._drawn}
        if not isinstance(settings, SmallestTTSSettings):
            return {"values": shown}
        reasons = {name: why_not_taken(settings, name) for name in self._drawn}
        return {
            "values": shown,
            "reasons": {name: reason for name, reason in reasons.items() if reason},
            "unavailable": what_is_needed([name for name, reason in reasons.items() if reason]),
            "hints": {n: hint for n, say in _HINTS.items() if not reasons.get(n) and (hint := say(settings))},
            "voices": [[v.id, f"{v.gender}, {v.accent}"] for v in voices_of(str(settings.model))],
        }

    def describe(self) -> str:
        """Return one line."""
        return f"SettingsPanel({self.settings!r})"


def _control(name: str, spec: Spec, *, folded: bool) -> dict[str, Any]:
    """Return what the page needs to draw a setting's control."""
    choices = [[str(c), str(c)] for c in spec.choices]
    if name == "language":
        known = sorted(spec.choices, key=lambda c: LANGUAGE_NAMES.get(c, c))
        choices = [[str(c), f"{LANGUAGE_NAMES.get(c, c)} ({c})"] for c in known]
    if name == "model":
        choices = [[str(c), _model_label(str(c))] for c in spec.choices]
    if name == "voice":
        choices = []  # those of the model, in `voices`
    return {
        "name": name,
        "kind": spec.kind,
        "label": spec.label,
        "help": spec.help,
        "minimum": spec.minimum,
        "maximum": spec.maximum,
        "step": spec.step,
        "choices": choices,
        "initial": _as_json(spec.default),
        "default": _as_json(spec.api_default if spec.default is None else spec.default),
        "optional": spec.optional,
        "folded": folded,
    }


def _model_label(model: str) -> str:
    info = tts_model(model) if model.startswith("lightning") else None
    return f"{model} (retired)" if info is not None and info.retired else model


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{word}:{boost:g}" for word, boost in value.items())
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value) if isinstance(value, str) else value


def _of_voice(settings: SmallestTTSSettings) -> str:
    pool = {v.id: v for v in voices_of(str(settings.model))}
    voice = pool.get(str(settings.voice))
    if voice is None:
        model = tts_model(str(settings.model))
        return f"Not a known voice of {model.id}." if model.known else ""
    code = service_code(str(settings.language))
    if code not in voice.languages:
        return f"This voice was not made for {LANGUAGE_NAMES.get(code, code)}."
    return ""


def _of_model(settings: SmallestTTSSettings) -> str:
    info = tts_model(str(settings.model))
    if not info.known:
        return "This version of the package does not know it; it is sent as it is."
    if info.withdrawal is None:
        return ""
    ended = "Retired on" if info.withdrawal.confirmed else "Ends on"
    source = "" if info.withdrawal.confirmed else f", says {info.withdrawal.source.partition('/')[0]}"
    return f"{ended} {info.withdrawal.date}{source}; use {info.replacement}."


def _of_word_times(settings: SmallestTTSSettings) -> str:
    reason = no_word_times(str(settings.voice)) if settings.word_timestamps else None
    return f"Estimated: {reason}" if reason else ""


_HINTS = {"voice": _of_voice, "model": _of_model, "word_timestamps": _of_word_times}
