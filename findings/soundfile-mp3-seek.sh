#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2): an MP3 read from the middle, shortly before a word that follows digital silence,
# lacks the beginning of that word; read from the start of the file, the same samples are correct.
# Observed 2026-11-29: nine words, each read from 20 ms before its onset: every one lacks 12 to 43 ms at 24 kHz.
# Unexpected because seeking is sample exact (it is, in FLAC, Vorbis, Opus, and after noise instead of silence); only
# here the frame borrows bits from frames before the seek point, as speech after a synthetic pause does.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'soundfile==0.14.0' 'numpy==2.4.6'
cd "$work"
venv/bin/python - 2>decoder.log <<'PY'
import numpy as np
import soundfile as sf

RATE = 24000
WORDS = range(1, 10)


def speech(pause_level):
    """Nine buzzing words of 0.4 s, one a second."""
    time = np.arange(10 * RATE) / RATE
    sound = pause_level * np.random.default_rng(1).standard_normal(len(time))
    for start in WORDS:
        inside = (time >= start) & (time < start + 0.4)
        own = time[inside] - start
        buzz = sum(np.sin(2 * np.pi * 150 * h * own) / h for h in range(1, 20))
        sound[inside] += 0.18 * buzz * np.minimum(1, own / 0.005)
    return sound


def missing_ms(path):
    """Milliseconds of each word that differ between a read from the middle and a read of the whole."""
    whole, _ = sf.read(path)
    found = []
    for start in WORDS:
        first = int((start - 0.02) * RATE)
        part, _ = sf.read(path, start=first, frames=RATE // 10)
        wrong = np.flatnonzero(np.abs(part - whole[first : first + len(part)]) > 0.02)
        found.append(round(1000 * (wrong[-1] - wrong[0] + 1) / RATE) if len(wrong) else 0)
    return found


print("libsndfile", sf.__libsndfile_version__)
results = {}
for name, level in (("digital silence", 0.0), ("noise at -70 dB", 3e-4)):
    for format, subtype in (("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16")):
        path = f"words.{format.lower()}"
        sf.write(path, speech(level), RATE, format=format, subtype=subtype)
        results[name, subtype] = missing_ms(path)
        print(f"{subtype:15} pauses of {name}: ms wrong at the onset of each word: {results[name, subtype]}")
assert min(results["digital silence", "MPEG_LAYER_III"]) > 5, "changed: MP3 onsets are whole after a seek"
assert not any(sum(found) for (name, subtype), found in results.items() if "MPEG" not in subtype)
assert sum(results["noise at -70 dB", "MPEG_LAYER_III"]) == 0
PY
