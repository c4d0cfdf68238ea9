"""The cassettes in the repository still play to the code that recorded them: neither format nor requests moved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import smallest_nb as snb

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from record_cassettes import FOLDER, RATE, SENTENCE, SPEEDS, transcribe_live  # noqa: E402


def test_the_audition():
    with snb.replay(FOLDER / "audition.cassette", speed="instant") as tape:
        clips = [
            snb.speak(SENTENCE, voice="avery", speed=speed, word_timestamps=True, sample_rate=RATE) for speed in SPEEDS
        ]
        assert tape.unused == []
    slow, normal, fast = (clip.duration for clip in clips)
    assert slow > normal > fast > 1


async def test_the_call():
    call = snb.Clip.from_wav(FOLDER / "call.wav")
    with snb.replay(FOLDER / "call.cassette", speed="instant") as tape:
        transcript = await transcribe_live(call)
        assert tape.unused == []
    assert transcript.text.startswith("I would like to book a table for seven people.")
    assert {segment.speaker for segment in transcript.segments} == {0, 1}
    assert all(word.end <= call.duration + 0.2 for segment in transcript.segments for word in segment.words)


def test_the_command_shows_them():
    for path in sorted(FOLDER.glob("*.cassette")):
        command = [sys.executable, "-m", "smallest_nb.cli", "cassette", "show", str(path)]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert shown.returncode == 0, shown.stderr
        assert "session(s)" in shown.stdout
