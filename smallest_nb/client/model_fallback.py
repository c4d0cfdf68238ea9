"""What happens when the service withdraws the default model: it goes on with the replacement."""

from __future__ import annotations

from typing import Any

from smallest_nb.api.catalog import TTS_MODELS
from smallest_nb.api.error_shapes import ErrorInfo, model_retired_error, names_withdrawal
from smallest_nb.api.settings import SmallestTTSSettings, replacement_settings, voice_for
from smallest_nb.api.tts_wire import ErrorFrame, TTSFrame
from smallest_nb.api.voices import voices_of
from smallest_nb.errors import ModelRetiredError, SmallestError

__all__ = ["ModelFallback", "is_withdrawal", "with_model_named"]


class ModelFallback:
    """Replaces a withdrawn model that the caller did not choose.

    The catalogue's replacements form chains without circles, so that following them ends.

    Attributes:
        message: The warning about the model that was replaced last; empty if none was.
    """

    def __init__(self) -> None:
        self._withdrawn: set[str] = set()
        self._lost_voices: set[str] = set()
        self._warnings: list[str] = []
        self.message = ""

    def take_warnings(self) -> list[str]:
        """Return what is to be shown to the caller, once each."""
        found, self._warnings = self._warnings, []
        return found

    def note_refusal(self, settings: SmallestTTSSettings) -> bool:
        """Take note that the service refused the model as withdrawn; the first time is worth a warning.

        Args:
            settings: The complete settings that were refused.

        Returns:
            Whether :meth:`adapt` has other settings to go on with.
        """
        if settings.model_chosen or (delta := replacement_settings(settings)) is None:
            return False
        model = str(settings.model)
        if model not in self._withdrawn:
            lacks = "" if delta.voice == settings.voice else f" (it has no voice {str(settings.voice)!r})"
            self.message = (
                f"{model}, the default model, is no longer served; speaking with {delta.model} and the voice "
                f"{str(delta.voice)!r}{lacks}. To choose one yourself, pass model={str(delta.model)!r}."
            )
            self._warnings.append(self.message)
            self._withdrawn.add(model)
        return True

    def endpoint(self, chosen: str | None) -> str | None:
        """Return the endpoint to use if this one was chosen: a replacement has no URL of its own."""
        return None if self._withdrawn else chosen

    def merge(
        self, settings: SmallestTTSSettings, delta: SmallestTTSSettings
    ) -> tuple[SmallestTTSSettings, dict[str, Any]]:
        """Apply a delta as :meth:`~smallest_nb.api.fields.BaseSettings.merged` does, and then :meth:`adapt`."""
        merged, changed = settings.merged(delta)
        adapted = self.adapt(merged)
        return adapted, {n: former for n, former in changed.items() if getattr(adapted, n) != former}

    def adapt(self, settings: SmallestTTSSettings) -> SmallestTTSSettings:
        """Return the settings to ask with: a model that was refused and not chosen is replaced."""
        while str(settings.model) in self._withdrawn and not settings.model_chosen:
            delta = replacement_settings(settings, chosen=False)
            if delta is None:
                break
            settings, _ = settings.merged(delta)
        if self._withdrawn and not settings.model_chosen:
            settings = self._with_voice_of_the_replacement(settings)
        return settings

    def _with_voice_of_the_replacement(self, settings: SmallestTTSSettings) -> SmallestTTSSettings:
        """Replace a voice that only a withdrawn model has, as programs written for that model go on naming it."""
        lost = {v.id for model in self._withdrawn for v in voices_of(model)}
        voice = voice_for(str(settings.model), str(settings.voice), str(settings.language))
        if settings.voice not in lost or voice == settings.voice:
            return settings
        if settings.voice not in self._lost_voices:
            self._lost_voices.add(str(settings.voice))
            self._warnings.append(f"{settings.model} has no voice {str(settings.voice)!r}; speaking with {voice!r}.")
        return settings.merged(SmallestTTSSettings(voice=voice))[0]


def is_withdrawal(frame: TTSFrame) -> bool:
    """Say whether a frame reports that the model is not served any more."""
    return isinstance(frame, ErrorFrame) and names_withdrawal(frame.info)


def with_model_named(error: SmallestError, settings: SmallestTTSSettings) -> SmallestError:
    """Return the error; one of a withdrawn model names it, which a refusal at the shared URL does not."""
    if not isinstance(error, ModelRetiredError) or error.replacement in TTS_MODELS:
        return error
    return model_retired_error(str(settings.model), ErrorInfo(error.message, replacement=error.replacement))
