#!/usr/bin/env bash
# soxr 1.1.0: resampling int16 samples adds dither, so digital silence becomes noise; float32 samples of the same audio
# stay silent.
# Observed 2026-11-29, one second of zeros from 24 to 16 kHz: of 16,000 samples 23.3 % are 1 or -1 as int16, none as
# float32.
# Unexpected because the two types are documented as equal inputs, and filtered zeros are zeros. Silence detectors that
# search for zeros, and tests that compare pieces with the whole, then fail.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'soxr==1.1.0' 'numpy==2.4.6'
"$work/venv/bin/python" - <<'PY'
import numpy as np
import soxr

shares = {}
for kind in (np.float32, np.int16):
    out = soxr.resample(np.zeros(24000, kind), 24000, 16000)
    shares[kind.__name__] = np.count_nonzero(out) / len(out)
    print(f"{kind.__name__}: {shares[kind.__name__]:.1%} of the samples are not 0, largest {np.abs(out).max()}")
assert shares["float32"] == 0
assert shares["int16"] > 0.1, "changed: int16 silence stays silence"
PY
