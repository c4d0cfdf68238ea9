#!/usr/bin/env bash
# praat-parselmouth 0.4.7: Sound.extract_part() with times beyond the end of the sound returns silence of the requested
# length, without a warning: the intensity drops (nan if wholly outside), and the part's length does not reflect the
# sound's. Observed 2026-11-29, a sound of 2.0 s: 1.5 to 2.5 s -> 1.0 s, 3.0 dB weaker than 1.5 to 2.0; 2.5 to 3.0 s ->
# 0.5 s, nan. Unexpected because array slices are limited and Praat's own dialogs check their input. Recognisers return
# segments that end after the sound (see faster-whisper-silence.sh): levels and rates measured on these are wrong.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'praat-parselmouth==0.4.7' 'numpy==2.4.6'
"$work/venv/bin/python" - <<'PY'
import math

import numpy as np
import parselmouth

RATE = 16000
sound = parselmouth.Sound(0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE), RATE)
parts = {}
for start, end in ((1.5, 2.0), (1.5, 2.5), (2.5, 3.0)):
    part = sound.extract_part(start, end)
    parts[start, end] = part.duration, part.get_intensity()
    print(f"{start} to {end} s of {sound.duration} s: {part.duration:.2f} s long, {part.get_intensity():.1f} dB")
inside, across, outside = parts.values()
assert across[0] == 1.0 and outside[0] == 0.5, "changed: parts are cut at the end, or refused"
assert 2.9 < inside[1] - across[1] < 3.1
assert math.isnan(outside[1])
PY
