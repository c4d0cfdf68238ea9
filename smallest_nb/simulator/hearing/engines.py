"""Which recogniser hears: what was asked for, and where that is not to be had, the next one, with a word about it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

from smallest_nb.errors import ConfigError
from smallest_nb.simulator.hearing.decoder import Decoder
from smallest_nb.simulator.hearing.keyword_replacer import KeywordReplacer
from smallest_nb.simulator.hearing.piece_decoder import PieceDecoder
from smallest_nb.simulator.hearing.pocketsphinx_decoder import PocketsphinxDecoder
from smallest_nb.simulator.hearing.pronunciations import Pronunciations
from smallest_nb.simulator.hearing.stt_options import STTOptions
from smallest_nb.simulator.speech.speech_synthesizer import SpeechSynthesizer
from smallest_nb.simulator.text.wording import Wording
from smallest_nb.simulator.workers.moonshine_library import ARCHITECTURES
from smallest_nb.simulator.workers.shared_worker import SharedWorker
from smallest_nb.simulator.workers.worker import EngineError, WorkerPool

__all__ = ["ENV_HEARING", "HEARING", "HearingEngines", "choose_hearing", "describe_hearing", "hears", "is_heard"]

_log = logging.getLogger("smallest_nb.simulator")

HEARING = ("moonshine", "pocketsphinx", "whisper", "signal")
ENV_HEARING = "SMALLEST_NB_HEARING"
_FALLBACKS = ("moonshine", "pocketsphinx")
_PACKAGES = {"moonshine": "moonshine_voice", "pocketsphinx": "pocketsphinx", "whisper": "faster_whisper"}
_NAMES = {
    "moonshine": "Moonshine",
    "pocketsphinx": "PocketSphinx",
    "whisper": "Whisper",
    "signal": "a test signal of tones",
}
_AGAIN_SECS = 60.0
"""An engine that could not be started is not tried again for so long."""
_WITH_ENGLISH = frozenset({"en", "north_indic", "multi-asian", "multi-south-indic"})


def choose_hearing(hearing: str | None, engine: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return which recogniser is asked for.

    Args:
        hearing: What was chosen, or None.
        engine: "speech" or "signal"; decides where nothing was chosen.
        environment: May name the usual one in SMALLEST_NB_HEARING.

    Raises:
        ConfigError: The environment names none of them.
    """
    if hearing is not None:
        return hearing
    if engine == "signal":
        return "signal"
    usual = environment.get(ENV_HEARING, "").strip().lower()
    if usual and usual not in HEARING:
        raise ConfigError(f"{ENV_HEARING}={usual!r} names no recogniser; choose one of {', '.join(HEARING)}.")
    return usual or "moonshine"


def hears(hearing: str, model: str | None, language: str) -> bool:
    """Say whether a recogniser understands a language, as far as its model's name tells.

    Args:
        hearing: The recogniser.
        model: A name or a folder, whose last part is the name; None for the usual one.
        language: A service code.
    """
    name = Path(model).name if model else ""
    if hearing == "signal" or (hearing == "whisper" and name and not name.endswith(".en")):
        return True
    kind, _, spoken = name.rpartition("-")
    if hearing == "moonshine" and kind in ARCHITECTURES and spoken != "en":
        return language.partition("-")[0].lower() == spoken
    return language in _WITH_ENGLISH


def is_heard(hearing: str, model: str | None, language: str) -> bool:
    """Say whether a recogniser understands a language, or one that takes its place does."""
    return any(hears(name, used or None, language) for name, used in _list_turns(hearing, model))


def describe_hearing(hearing: str, model: str | None) -> str:
    """Return in words which recogniser hears here, as far as that is known before it is started."""
    chain = [name for name in _chain(hearing) if name == "signal" or find_spec(_PACKAGES[name]) is not None]
    if not chain:
        return f"no recogniser: {_NAMES[hearing]} is not installed (pip install 'smallest-nb[simulator]')"
    name = _NAMES[chain[0]] + (f" {model}" if model and chain[0] == hearing else "")
    instead = "" if chain[0] == hearing else f", for {_NAMES[hearing]} is not installed"
    languages = "" if chain[0] == "signal" or (model and chain[0] == hearing) else " (English)"
    return f"{name} hearing{languages}{instead}"


def _chain(hearing: str) -> list[str]:
    return [hearing] if hearing == "signal" else list(dict.fromkeys((hearing, *_FALLBACKS)))


def _list_turns(hearing: str, model: str | None) -> list[tuple[str, str]]:
    """Return recognisers with their models, the best first; the usual model of the same one comes second."""
    turns = [(name, (model or "") if name == hearing else "") for name in _chain(hearing)]
    return [turns[0], (hearing, ""), *turns[1:]] if model and hearing != "signal" else turns


@dataclass(frozen=True, slots=True)
class Found:
    """What hears here, and why what was asked for does not, if so."""

    name: str
    reason: str


class HearingEngines:
    """The recognisers of a simulator, each started when it is first needed; one model serves all sessions.

    Args:
        speech: Pronounces words that no dictionary has.
        sessions: How many may be open at once.
    """

    def __init__(self, speech: SpeechSynthesizer, sessions: int) -> None:
        self._speech = speech
        self._pool = WorkerPool("pocketsphinx_worker.py", sessions)
        self._shared: dict[tuple[str, str], tuple[SharedWorker, Pronunciations]] = {}
        self._guesses = Pronunciations(None, speech)
        self._failed: dict[tuple[str, str], tuple[float, str]] = {}
        self._slots = asyncio.Semaphore(sessions)

    @property
    def full(self) -> bool:
        """Whether no more sessions may be opened."""
        return self._slots.locked()

    def open(self, options: STTOptions, hearing: str, model: str | None) -> Turns:
        """Return what gives one session its decoders.

        Args:
            options: Its query.
            hearing: The recogniser that is asked for.
            model: Its model, a name or a folder; None for its usual one.
        """
        return Turns(self, options, hearing, model)

    async def find(self, hearing: str, model: str | None) -> Found:
        """Start what hears English here, and say what it is.

        Raises:
            EngineError: Nothing does.
        """
        turns = self.open(STTOptions(language="en", wording=Wording()), hearing, model)
        try:
            await (await turns.next()).close()
        finally:
            turns.end()
        return Found(turns.name, "; ".join(turns.reasons))

    async def close(self) -> None:
        """End every process."""
        await asyncio.gather(self._pool.close(), *(worker.close() for worker, _ in self._shared.values()))

    async def take_slot(self) -> None:
        """Wait until one more session may be open."""
        await self._slots.acquire()

    def free_slot(self) -> None:
        """Let another session in."""
        self._slots.release()

    async def make(self, name: str, model: str, options: STTOptions) -> Decoder:
        """Return a decoder that was started.

        Raises:
            EngineError: The engine is missing, does not understand the language, or failed a moment ago.
        """
        key = (name, model)
        until, reason = self._failed.get(key, (0.0, ""))
        if monotonic() < until:
            raise EngineError(reason)
        if not hears(name, model or None, options.language):
            raise EngineError(f"{_NAMES[name]} does not understand {options.language!r}")
        decoder: Decoder
        if name == "pocketsphinx":
            decoder = PocketsphinxDecoder(self._pool, KeywordReplacer(options.keywords, self._guesses))
        else:
            if key not in self._shared:
                worker = SharedWorker("transcriber_worker.py", name, model, downloads=bool(model))
                self._shared[key] = worker, Pronunciations(worker, self._speech)
            worker, pronunciations = self._shared[key]
            keywords = KeywordReplacer(options.keywords, pronunciations)
            decoder = PieceDecoder(worker, keywords, options.language, places=options.places)
        try:
            await decoder.start()
        except EngineError as error:
            self._failed[key] = monotonic() + _AGAIN_SECS, str(error)
            raise
        return decoder


class Turns:
    """Gives one session its decoders, the best one first.

    Args:
        engines: The simulator's.
        options: The session's query.
        hearing: The recogniser that is asked for.
        model: Its model, or None.

    Attributes:
        name: Of the engine that was given last, or nothing.
        reasons: Why others were not.
    """

    def __init__(self, engines: HearingEngines, options: STTOptions, hearing: str, model: str | None) -> None:
        self._engines = engines
        self._options = options
        self._left = _list_turns(hearing, model)
        self.reasons: list[str] = []
        self.name = ""
        self._has_slot = False

    async def next(self) -> Decoder:
        """Return the best decoder that was not given yet.

        Raises:
            EngineError: There is none, with the reason of each.
        """
        if not self._has_slot:
            await self._engines.take_slot()
            self._has_slot = True
        if self.name:
            self.reasons.append(f"{_NAMES[self.name]} failed twice over the same sound")
        while self._left:
            name, model = self._left.pop(0)
            try:
                decoder = await self._engines.make(name, model, self._options)
            except EngineError as error:
                self.reasons.append(str(error))
                continue
            if self.reasons:
                _log.warning("%s hears instead: %s", _NAMES[name], self.reasons[-1])
            self.name = name
            return decoder
        raise EngineError("; ".join(self.reasons) or "there is no recogniser")

    def end(self) -> None:
        """Let another session in."""
        if self._has_slot:
            self._has_slot = False
            self._engines.free_slot()
