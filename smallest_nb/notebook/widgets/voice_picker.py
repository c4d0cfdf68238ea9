"""The VoicePicker: finds a voice by name, language, gender and accent, in the model cards or in the live list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import traitlets

from smallest_nb.api.language import LANGUAGE_NAMES
from smallest_nb.api.voices import WORD_TIMESTAMP_VOICES, Voice
from smallest_nb.client import background_loop
from smallest_nb.notebook.comm.messages import VoiceAction
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget

__all__ = ["VoicePicker"]


class VoicePicker(SpeechWidget):
    """A search over voices; the page searches by itself.

    Args:
        act: Called on the background loop with what a person did ("choose", "preview", "load") and a voice's id.

    Attributes:
        voices: What the page shows of each voice: id, gender, accent, codes of languages, whether it has word times.
        current: Id of the voice in use.
        languages: Names of the languages, by code.
    """

    _esm = assets.esm("voices")
    _css = assets.css("voices")

    voices: traitlets.List[Any] = traitlets.List().tag(sync=True)
    current = traitlets.Unicode("").tag(sync=True)
    languages: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)

    def __init__(self, act: Callable[[str, str], None], *, within: PartChannel | None = None, **kwargs: Any) -> None:
        super().__init__(within=within, **kwargs)
        self._channel.on(VoiceAction, lambda m, _b: background_loop.post(act, m["action"], m["voice"]))

    def show(self, voices: Iterable[Voice], current: str, note: str = "") -> None:
        """Offer other voices and mark the current one."""
        found = tuple(voices)
        codes = sorted({code for voice in found for code in voice.languages})
        self.languages = {code: LANGUAGE_NAMES.get(code, code) for code in codes}
        self.voices = [[v.id, v.gender, v.accent, list(v.languages), v.id in WORD_TIMESTAMP_VOICES] for v in found]
        self.current = current
        self.status = note

    def describe(self) -> str:
        """Return one line."""
        return f"VoicePicker({len(self.voices)} voices)"
