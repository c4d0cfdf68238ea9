"""Records tests/cassettes again, from the simulator: `python scripts/record_cassettes.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import smallest_nb as snb

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "cassettes"
SENTENCE = "Your table is booked for half past seven."
SPEEDS = (0.8, 1.0, 1.3)
CALL = (
    ("magnus", "I would like to book a table for seven people tomorrow."),
    ("sophia", "Thank you for calling. The table is ready for you."),
)
KEYWORDS = {"book a table": 5.0, "seven people": 5.0, "tomorrow": 5.0, "thank you for calling": 5.0, "ready": 5.0}
RATE = 16000
STEP = RATE // 10


async def transcribe_live(call: snb.Clip, said: Callable[[snb.Segment], None] = lambda _: None) -> snb.Transcript:
    """Send a clip as a microphone would, end each turn by voice activity, and hand over each result as it comes."""

    async def read() -> None:
        async for segment in stt.segments():
            said(segment)

    settings = snb.SmallestSTTSettings(word_timestamps=True, diarize=True, keywords=KEYWORDS)
    async with snb.SmallestSTTService(settings=settings, vad=snb.VADParams(stop_secs=0.4)) as stt:
        reader = asyncio.create_task(read())
        began = monotonic()
        for at in range(0, len(call), STEP):
            await asyncio.sleep(began + at / RATE - monotonic())
            await stt.send(call.samples[at : at + STEP])
    await reader
    return stt.transcript


def main() -> None:
    """Record an audition of three speeds and a call of two people."""
    snb.use_simulator()
    with snb.record(FOLDER / "audition.cassette"):
        for speed in SPEEDS:
            snb.speak(SENTENCE, voice="avery", speed=speed, word_timestamps=True, sample_rate=RATE)
    first, second = (snb.speak(text, voice=voice, sample_rate=RATE) for voice, text in CALL)
    call = first.padded(0.3, 1.0) + second.padded(0.0, 1.0)
    call.to_wav(FOLDER / "call.wav")
    with snb.record(FOLDER / "call.cassette"):
        print(asyncio.run(transcribe_live(call)).to_srt())


if __name__ == "__main__":
    main()
