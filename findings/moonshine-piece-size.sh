#!/usr/bin/env bash
# moonshine-voice 0.0.73, streaming: the last word of a stream depends on the size of the pieces that were added; with
# small pieces, stop() omits the end of the audio.
# Observed 2026-11-29, 8 s that end in "it was the age of foolishness": pieces of 1 s "foolishness." (line of 1.57 s),
# 100 ms "foolish." (1.34 s), 20 ms "four or four" (1.18 s).
# Unexpected because stop() marks the audio as complete and all of it was added; microphones deliver small pieces. Half
# a second of silence before stop() keeps the word.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'moonshine-voice==0.0.73' 'soundfile==0.14.0' 'numpy==2.4.6'
"$work/venv/bin/python" - <<'PY'
from pathlib import Path

import moonshine_voice
import soundfile as sf
from moonshine_voice.transcriber import Transcriber

assets = Path(moonshine_voice.__file__).parent / "assets"
speech, rate = sf.read(assets / "two_cities.wav", dtype="float32", frames=8 * 48000)


def last_line(piece, padding=0.0):
    """Return the end, in seconds, and the text of the last line of a stream fed in pieces of so many samples."""
    transcriber = Transcriber(str(assets / "tiny-en"), moonshine_voice.ModelArch.TINY)
    stream = transcriber.create_stream()
    stream.start()
    sound = [*speech.tolist(), *[0.0] * int(padding * rate)]
    for at in range(0, len(sound), piece):
        stream.add_audio(sound[at : at + piece], rate)
    line = stream.stop().lines[-1]
    return round(line.start_time + line.duration, 2), line.text


ends = {}
for name, piece, padding in (
    ("1 s", rate, 0),
    ("100 ms", rate // 10, 0),
    ("20 ms", rate // 50, 0),
    ("20 ms, half a second of silence at the end", rate // 50, 0.5),
):
    ends[name], text = last_line(piece, padding)
    print(f"pieces of {name}: {text!r}, ends at {ends[name]} s")
whole, _, small, padded = ends.values()
assert small < whole - 0.2, "changed: small pieces keep the end"
assert padded > small + 0.2, "changed: silence before the end does not help"
PY
