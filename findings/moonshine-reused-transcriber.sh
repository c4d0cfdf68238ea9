#!/usr/bin/env bash
# moonshine-voice 0.0.73: a Transcriber carries the end of one sound over into the next. Silence that is transcribed
# after a sound that was cut off in mid-speech yields a line; the same silence before it, and again after it, yields
# none.
# Observed 2026-11-29: lines of 5 s of zeros: [] when fresh, [(0.0, 0.29, 'You')] after 8 s of speech, [] again.
# Unexpected because transcribe_without_streaming() takes a whole sound and keeps no stream open; its voice activity
# detector continues from the state of the previous call. In a batch of files, words appear that belong to no file.
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
silence = [0.0] * (5 * rate)
transcriber = Transcriber(str(assets / "tiny-en"), moonshine_voice.ModelArch.TINY)


def lines(sound):
    found = transcriber.transcribe_without_streaming(list(sound), rate).lines
    return [(round(line.start_time, 2), round(line.duration, 2), line.text) for line in found]


fresh = lines(silence)
spoken = lines(speech.tolist())
after = lines(silence)
again = lines(silence)
print(f"silence: {fresh}\nspeech: {spoken}\nsilence after it: {after}\nsilence again: {again}")
assert spoken and not fresh and not again, "the control run failed"
assert after, "changed: silence after speech has no words"
PY
