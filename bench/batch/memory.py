"""How much memory many transcribed files leave behind: `python -m bench.batch.memory URL COUNT FOLDER`."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

import smallest_nb as snb
from bench.batch.client import KEY

_WARM = 200


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Transcribe, and print how much memory is held more than after the first files."""
    url, count, out = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    folder = out / "sounds"
    folder.mkdir(parents=True)
    wav = snb.Clip.from_array(np.zeros(4000, np.int16), 16000).wav_bytes()
    for number in range(count + _WARM):
        (folder / f"{'warm' if number < _WARM else 'call'}{number:05d}.wav").write_bytes(wav)
    ask = {"api_key": KEY, "base_url": url, "units": 10}
    snb.transcribe_many(f"{folder}/warm*.wav", out=out / "warm", **ask)
    before, began = _resident_mb(), perf_counter()
    done = snb.transcribe_many(f"{folder}/call*.wav", out=out / "texts", **ask)
    grown = _resident_mb() - before
    print(json.dumps({"mb": grown, "failed": len(done.failed), "seconds": perf_counter() - began}))


if __name__ == "__main__":
    main()
