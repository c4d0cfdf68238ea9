#!/usr/bin/env bash
# moonshine-voice 0.0.73 (tiny-en, in the wheel): the lines of one speaker overlap; the end of a line is up to 0.22 s
# after the start of the next, and `audio_data` of both contains the audio between them.
# Observed 2026-11-30 on the recording in the wheel: 0.99 s to 4.93 s, then from 4.80 s; 6 of 12 neighbours overlap.
# Unexpected because the text of the lines does not overlap: captions with these times show two lines at once, and the
# concatenated audio of the lines is longer than the speech.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'moonshine-voice==0.0.73' 'soundfile==0.14.0' 'numpy==2.4.6'
"$work/venv/bin/python" - <<'PY'
import soundfile
from moonshine_voice import ModelArch, get_assets_path, get_model_path
from moonshine_voice.transcriber import Transcriber

sound, rate = soundfile.read(f"{get_assets_path()}/two_cities.wav", dtype="float32")
lines = Transcriber(str(get_model_path("tiny-en")), ModelArch.TINY).transcribe_without_streaming(sound, rate).lines
overlaps = [a.start_time + a.duration - b.start_time for a, b in zip(lines, lines[1:])]
for line, overlap in zip(lines, [*overlaps, None]):
    over = "" if overlap is None else f", over the next by {overlap:+.2f} s"
    print(f"{line.start_time:6.2f} s to {line.start_time + line.duration:6.2f} s{over}: {line.text}")
inside = sum(len(line.audio_data) for line in lines) / 16000
covered = sum(line.duration for line in lines) - sum(max(0, overlap) for overlap in overlaps)
print(f"{sum(o > 0.01 for o in overlaps)} of {len(overlaps)} overlap, by up to {max(overlaps):.2f} s")
print(f"the sound of all lines is {inside:.2f} s long, of {covered:.2f} s that they cover")
assert sum(overlap > 0.05 for overlap in overlaps) >= 3, "changed: lines do not overlap"
assert inside > covered + 0.3, "changed: the sound between two lines is in one of them only"
PY
