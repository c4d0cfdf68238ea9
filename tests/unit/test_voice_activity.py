"""The detector of voice activity costs what one thread costs, and leaves the environment as it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os
from smallest_nb.audio.vad import FRAME_SAMPLES, SileroVad
before = dict(os.environ)
vad = SileroVad()
assert dict(os.environ) == before, "the environment was changed"
threads = len(os.listdir("/proc/self/task"))
for number in range(20):
    assert 0 <= vad.probability(bytes(2 * FRAME_SAMPLES)) <= 1
print(len(os.listdir("/proc/self/task")) - threads)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("limit", [None, "3"])
def test_no_threads_are_started_for_a_frame(limit):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    if limit is not None:
        environment["OMP_THREAD_LIMIT"] = limit
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")
