"""The VoiceFinder: keeps a VoicePicker with the model that is chosen, by the cards or by the service's own list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.voices import voices_of
from smallest_nb.client import background_loop
from smallest_nb.client.rest import fetch_voices
from smallest_nb.client.target import Target
from smallest_nb.notebook.widgets.task_log import log_failure
from smallest_nb.notebook.widgets.voice_picker import VoicePicker

__all__ = ["VoiceFinder"]

_log = logging.getLogger(__name__)
_ASK_SECS = 12.0


class VoiceFinder:
    """Offers the voices of a model.

    Args:
        target: The service that has the live list.
        settings: Returns the settings of the moment.
        choose: Called with the id of the voice that a person chose.

    Attributes:
        picker: The widget.
    """

    def __init__(
        self, target: Target, settings: Callable[[], SmallestTTSSettings], choose: Callable[[str], None]
    ) -> None:
        self._target = target
        self._settings = settings
        self._model = ""
        self.picker = VoicePicker((), choose, self._ask)

    def show(self) -> None:
        """Follow the settings."""
        settings = self._settings()
        model, voice = str(settings.model), str(settings.voice)
        if model != self._model:
            self._model = model
            self.picker.show(voices_of(model), voice, "From the model cards.")
        elif self.picker.current != voice:
            self.picker.mark(voice)

    def _ask(self) -> None:
        background_loop.submit(self._live()).add_done_callback(log_failure(_log, "showing the list of voices failed"))

    async def _live(self) -> None:
        model = self._model
        try:
            async with asyncio.timeout(_ASK_SECS):
                found = await fetch_voices(model, self._target, timeout=_ASK_SECS)
            note = "As the service lists them now."
        except Exception as error:
            _log.info("the list of voices could not be fetched: %s", error)
            found = voices_of(model)
            note = f"The service's list could not be fetched: {error or type(error).__name__}"
        if self._model == model:  # else another model's are shown by now
            self.picker.show(found, str(self._settings().voice), note)
