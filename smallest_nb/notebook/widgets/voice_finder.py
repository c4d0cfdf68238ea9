"""The VoiceFinder: keeps a VoicePicker with the model that is chosen, by the cards or by the service's own list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.voices import voices_of
from smallest_nb.client.cleanup import start_task
from smallest_nb.client.rest import fetch_voices
from smallest_nb.client.target import Target
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets.task_log import log_failure
from smallest_nb.notebook.widgets.voice_picker import VoicePicker

__all__ = ["VoiceFinder"]

_log = logging.getLogger(__name__)
_ASK_SECS = 12.0


class VoiceFinder:
    """Offers the voices of a model.

    Args:
        target: Returns the service that has the live list.
        settings: Returns the settings of the moment.
        act: Called on the background loop with what else a person did ("choose", "preview") and the voice's id.
        within: The channel of the picker.

    Attributes:
        picker: The widget.
    """

    def __init__(
        self,
        target: Callable[[], Target],
        settings: Callable[[], SmallestTTSSettings],
        act: Callable[[str, str], None],
        within: PartChannel,
    ) -> None:
        self._target = target
        self._settings = settings
        self._act = act
        self._model = ""
        self.picker = VoicePicker(self._acted, within=within)

    def show(self) -> None:
        """Follow the settings."""
        settings = self._settings()
        model, voice = str(settings.model), str(settings.voice)
        if model != self._model:
            self._model = model
            self.picker.show(voices_of(model), voice, "From the model's documentation.")
        elif self.picker.current != voice:
            self.picker.current = voice

    def _acted(self, action: str, voice: str) -> None:
        if action == "load":
            start_task(self._load()).add_done_callback(log_failure(_log, "showing the list of voices failed"))
        else:
            self._act(action, voice)

    async def _load(self) -> None:
        model, target = self._model, self._target()
        try:
            async with asyncio.timeout(_ASK_SECS):
                found = await fetch_voices(model, target, timeout=_ASK_SECS)
            note = "All voices that the service has now."
        except Exception as error:
            _log.info("the list of voices could not be fetched: %s", error)
            found = voices_of(model)
            note = f"The service's list could not be fetched: {error or type(error).__name__}"
        if self._model == model:  # else another model's are shown by now
            self.picker.show(found, str(self._settings().voice), note)
