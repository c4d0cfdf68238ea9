#!/usr/bin/env bash
# pydub 0.25.1 and audioread 3.1.0: WAV encodings are misread without a warning. pydub reads float samples in a
# WAVE_FORMAT_EXTENSIBLE file as 32-bit integers and mu-law as 8-bit samples; audioread reads unsigned 8-bit as signed.
# Observed 2026-11-29, a tone of RMS 0.354: pydub 0.500 (noise) and 0.581, audioread 0.699; soundfile 0.354 for all
# three.
# Unexpected because pydub rejects float in a plain header; after 0xFFFE it never checks the sub-format, which is where
# writers of 32-bit float and of more than two channels put it.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'pydub==0.25.1' 'audioread==3.1.0' 'soundfile==0.14.0' 'numpy==2.4.6' \
    "audioop-lts==0.2.2; python_version >= '3.13'" "standard-aifc==3.13.0; python_version >= '3.13'" \
    "standard-sunau==3.13.0; python_version >= '3.13'"
cd "$work"
venv/bin/python -W ignore - <<'PY'
import audioread
import numpy as np
import soundfile as sf
from pydub import AudioSegment

RATE = 16000
tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)


def rms(samples):
    return round(float(np.sqrt(np.mean(np.square(samples, dtype=float)))), 3)


def with_pydub(path):
    sound = AudioSegment.from_file(path, format="wav")
    return rms(np.array(sound.get_array_of_samples()) / 2.0 ** (8 * sound.sample_width - 1))


def with_audioread(path):
    with audioread.audio_open(path) as sound:
        return rms(np.frombuffer(b"".join(sound), "<i2") / 32768)


def with_soundfile(path):
    return rms(sf.read(path)[0])


seen = {}
for reader, format, subtype in (
    (with_pydub, "WAVEX", "FLOAT"),
    (with_pydub, "WAVEX", "ULAW"),
    (with_audioread, "WAV", "PCM_U8"),
):
    path = f"{format}-{subtype}.wav"
    sf.write(path, tone, RATE, format=format, subtype=subtype)
    seen[subtype] = reader(path)
    print(f"{path}: {reader.__name__} RMS {seen[subtype]}, with_soundfile {with_soundfile(path)}")
    assert abs(with_soundfile(path) - 0.354) < 0.003
    assert abs(seen[subtype] - 0.354) > 0.1, f"changed: {path} is read right"
PY
