"""What all sessions of a simulator share: engines, dictionaries, accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from smallest_nb.common.secret import Secret
from smallest_nb.errors import ConfigError
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.hearing.engines import HearingEngines
from smallest_nb.simulator.hearing.recogniser import Recogniser
from smallest_nb.simulator.hearing.signal_recogniser import SignalRecogniser
from smallest_nb.simulator.hearing.speech_recogniser import SpeechRecogniser
from smallest_nb.simulator.hearing.stt_options import STTOptions
from smallest_nb.simulator.limits import Accounts
from smallest_nb.simulator.recorder import Recorder
from smallest_nb.simulator.speech.dictionaries import Dictionaries
from smallest_nb.simulator.speech.piper_voice import ENV_SPEECH, ESPEAK, read_speech
from smallest_nb.simulator.speech.signal_synthesizer import SignalSynthesizer
from smallest_nb.simulator.speech.speech_synthesizer import SpeechSynthesizer
from smallest_nb.simulator.speech.spoken_line import SpokenWord
from smallest_nb.simulator.speech.synthesizer import Synthesizer
from smallest_nb.simulator.speech_request import Refused, read_delivery
from smallest_nb.simulator.text.reading import read_aloud
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["Backend"]


class Backend:
    """Owns the engines; made and closed by the server.

    Args:
        behaviour: Its limits; read when it is made.
        recorder: Where wire logs and audio go.
        key: The only key that is accepted, or None for any.
    """

    def __init__(self, behaviour: Behaviour, recorder: Recorder, key: Secret | None = None) -> None:
        self.key = key
        self.recorder = recorder
        self.accounts = Accounts()
        self.dictionaries = Dictionaries()
        self.speech = SpeechSynthesizer()
        self._signal = SignalSynthesizer()
        self._voices: dict[str, SpeechSynthesizer] = {ESPEAK: self.speech}
        self.hearing = HearingEngines(self.speech, behaviour.hearing_sessions)

    async def start(self, behaviour: Behaviour) -> None:
        """Load the voice that was chosen, if it is no voice of espeak-ng.

        Raises:
            ConfigError: It cannot speak, why, and what to do.
        """
        if behaviour.engine != "speech":
            return
        try:
            await self._choose_voice(behaviour).start()
        except EngineError as error:
            raise ConfigError(f"The simulator cannot speak with speech={behaviour.chosen_speech!r}: {error}") from None

    async def warm(self, behaviour: Behaviour) -> None:
        """Load what will speak before it is needed; what is missing is reported with the first request."""
        voice = self._choose_voice(behaviour) if behaviour.engine == "speech" else self.speech
        await voice.warm()

    def _choose_voice(self, behaviour: Behaviour) -> SpeechSynthesizer:
        chosen = behaviour.chosen_speech
        if chosen not in self._voices:
            voice = read_speech(chosen, ENV_SPEECH if behaviour.speech is None else "speech")
            self._voices[chosen] = SpeechSynthesizer(voice=voice)
        return self._voices[chosen]

    def speak(
        self, request: dict[str, Any], sample_rate: int, *, key: str, model: str | None, behaviour: Behaviour
    ) -> AsyncGenerator[bytes | SpokenWord, None]:
        """Yield PCM16 and words of a checked request.

        Raises:
            Refused: No such pronunciation dictionary.
            EngineError: The voice's files are gone.
        """
        try:
            spellings = self.dictionaries.words(key, request.get("pronunciation_dicts") or ())
        except KeyError as error:
            raise Refused(
                f"No pronunciation dictionary {error}", path="pronunciation_dicts", code="not_found"
            ) from None
        tokens = read_aloud(request["text"], request, spellings)
        try:
            synthesizer: Synthesizer = self._signal if behaviour.engine == "signal" else self._choose_voice(behaviour)
        except ConfigError as error:
            raise EngineError(str(error)) from None
        return synthesizer.speak(tokens, sample_rate, read_delivery(request, model))

    def make_recogniser(self, options: STTOptions, behaviour: Behaviour) -> Recogniser:
        """Return the recogniser of a session."""
        hearing = behaviour.chosen_hearing
        if hearing == "signal":
            return SignalRecogniser(options)
        turns = self.hearing.open(options, hearing, behaviour.hearing_model)
        return SpeechRecogniser(turns.next, turns.end, options)

    def is_full(self, behaviour: Behaviour) -> bool:
        """Whether no further session can be heard."""
        return behaviour.chosen_hearing != "signal" and self.hearing.full

    async def close(self) -> None:
        """End the engines."""
        await self.hearing.close()  # first: it asks the other how words are said
        await asyncio.gather(*(voice.close() for voice in self._voices.values()))
