#!/usr/bin/env bash
# pyannote.core 6.1.0: of two speakers who speak at exactly the same times, `annotation[segment] = name` keeps the last.
# The diarisation error rate (pyannote.metrics 4.2.0) of the truth against itself is then one half, without a warning.
# Observed 2026-11-29: [('bob')] for anna and bob from 0 to 1 s; error rate 0.5 against the same two with separate
# tracks.
# Unexpected because speakers who partly overlap are both kept; only equal times collide, which happens if times are of
# whole utterances or rounded. A track name for each speaker, annotation[segment, n], keeps both.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pyannote.core==6.1.0' 'pyannote.metrics==4.2.0'
"$work/venv/bin/python" -W ignore - <<'PY'
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

plain, tracks, partly = Annotation(), Annotation(), Annotation()
for number, name in enumerate(("anna", "bob")):
    plain[Segment(0, 1)] = name
    tracks[Segment(0, 1), number] = name
    partly[Segment(0, 1 + number / 100)] = name
for title, annotation in (("same times", plain), ("with tracks", tracks), ("10 ms apart", partly)):
    print(f"{title}: {[label for _, _, label in annotation.itertracks(yield_label=True)]}")
rate = DiarizationErrorRate()(tracks, plain)
print("diarisation error rate of the same speech:", rate)
assert plain.labels() == ["bob"], "changed: both speakers are kept"
assert tracks.labels() == partly.labels() == ["anna", "bob"]
assert rate == 0.5
PY
