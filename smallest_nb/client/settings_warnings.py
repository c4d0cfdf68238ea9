"""Warnings about settings that are taken and yet do not do all they seem to."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from smallest_nb.api.catalog import STT_MODELS, TTS_MODELS, tts_model, unknown_model_warning
from smallest_nb.api.fields import NOT_GIVEN
from smallest_nb.api.language import STT_VENDOR_LANGUAGES, service_code
from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.api.stt_wire import KEYWORD_CAP
from smallest_nb.api.tts_wire import ignored_settings
from smallest_nb.api.voices import no_word_times

__all__ = ["SettingsWarnings", "recording_warnings"]


_PACKAGE = __name__.partition(".")[0]


class SettingsWarnings:
    """Warns about settings, with each message once in a service's life."""

    def __init__(self) -> None:
        self._shown: set[str] = set()

    def warn(self, settings: SmallestTTSSettings | SmallestSTTSettings) -> None:
        """Warn about settings; the warning points at the line of the caller's program, outside this package."""
        self.show(_of_speech(settings) if isinstance(settings, SmallestTTSSettings) else _of_transcription(settings))

    def show(self, messages: Iterable[str]) -> None:
        """Show warnings that were found elsewhere, as `warn` does."""
        for message in messages:
            if message not in self._shown:
                self._shown.add(message)
                warnings.warn(message, stacklevel=_levels_to_the_caller())


def _levels_to_the_caller() -> int:
    """Return the `stacklevel` of the first frame outside this package, as seen by the function that calls this.

    `warnings.warn` itself has this as `skip_file_prefixes` from Python 3.12 on.
    """
    level, frame = 1, sys._getframe(1)  # noqa: SLF001
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level


def _of_speech(settings: SmallestTTSSettings) -> Iterator[str]:
    ignored = ignored_settings(settings)
    for name, reason in ignored.items():
        yield f"{name} will not be sent: {reason}."
    model = tts_model(str(settings.model))
    if not model.known:
        yield unknown_model_warning(model.id, TTS_MODELS)
    elif unlisted := _unlisted(settings.language, model.languages, str(settings.model)):
        yield unlisted
    if settings.word_timestamps and "word_timestamps" not in ignored and (lack := no_word_times(str(settings.voice))):
        yield f"word_timestamps=True: {lack}."


def _of_transcription(settings: SmallestSTTSettings) -> Iterator[str]:
    if settings.model not in STT_MODELS:
        yield unknown_model_warning(str(settings.model), STT_MODELS)
    if unlisted := _unlisted(settings.language, STT_VENDOR_LANGUAGES, "Live transcription"):
        yield unlisted
    if len(settings.keywords or ()) > KEYWORD_CAP:
        yield f"Only {KEYWORD_CAP} keywords count; the rest is ignored by the service."


def recording_warnings(settings: SmallestSTTSettings) -> Iterator[str]:
    """Yield warnings about the settings with which a whole recording is transcribed."""
    model = STT_MODELS.get(str(settings.model))
    if model is None:
        yield unknown_model_warning(str(settings.model), STT_MODELS)
        return
    for name in sorted(model.ignored):
        if getattr(settings, name):
            yield f"{name} will not be sent: {model.id} ignores it."


def _unlisted(language: Any, known: frozenset[str], who: str) -> str | None:
    code = service_code(language)
    if language is NOT_GIVEN or code in known:
        return None
    return f"{who} does not list language {code!r}; it is sent as it is and may be refused."
