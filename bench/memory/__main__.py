"""Memory beside the sound itself: takes of a tuner, long files, long recordings.

`python -m bench.memory [--json] [--rounds N]`; Linux only. Each job runs in a process of its own against a service in
another one. Peak and kept are what the process holds beyond what it held before the job, after a short one of the same
kind; ratios are to the sound as PCM16. The page is in a real JupyterLab and Chromium. The exit code is 1 if a target
is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from bench.child import Child, environment
from bench.environments import ROOT
from bench.memory.client import SENTENCE_CHUNKS
from bench.memory.page import measure_page
from bench.memory.rows import Rows

_JOB_SECS = 400.0
_HOUR = 3600.0
_MB = 1e6
_TEN_MINUTES = 600.0
_SERVER_LOG = ROOT / ".bench" / "logs" / "memory-server.log"


def run_job(job: str, url: str, seconds: float) -> dict[str, Any]:
    """Run a job in a process of its own and return its figures.

    Raises:
        RuntimeError: It failed.
    """
    command = [sys.executable, "-m", "bench.memory.client", job, url, str(seconds)]
    # Without the allocator's fixed thresholds of the other benches: users have none.
    env = {name: value for name, value in environment().items() if not name.startswith("MALLOC_")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=_JOB_SECS)
    if done.returncode:
        raise RuntimeError(f"{job} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measure_takes(rows: Rows, url: str, rounds: int) -> None:
    """Speak ten minutes and an hour in one take each."""
    for _ in range(rounds):
        found = run_job("tuner", url, _TEN_MINUTES)
        rows.add("peak_ratio:tuner 10 min", found["peak"] / found["pcm"])
        rows.add("kept_ratio:tuner 10 min", found["kept"] / found["pcm"])
    found = run_job("tuner", url, _HOUR)
    rows.add("peak_mb:tuner 1 h", found["peak"] / _MB)
    rows.add("kept_ratio:tuner 1 h", found["kept"] / found["pcm"])


def measure_transcriptions(rows: Rows, url: str) -> None:
    """Transcribe a file of two hours, and record three."""
    found = run_job("transcribe", url, 2 * _HOUR)
    rows.add("peak_ratio:transcribe 2 h", found["peak"] / found["pcm"])
    rows.add("kept_ratio:transcribe 2 h", found["kept"] / found["pcm"])
    found = run_job("live", url, 3 * _HOUR)
    if found["error"] or abs(found["seconds"] - 3 * _HOUR) > 5:
        raise RuntimeError(f"{found['seconds']:.0f} s of three hours were recorded: {found['error']}")
    rows.add("peak_beyond_bound_mb:live 3 h", (found["peak"] - found["bound"]) / _MB)
    for ratio in found["cost_ratios"]:
        rows.add("cost_of_a_minute_to_first_hour:live 3 h", ratio)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--rounds", type=int, default=3, help="how often the take of ten minutes is made (3)")
    parser.add_argument("--only", choices=("takes", "transcriptions", "page"), help="a part of it")
    options = parser.parse_args()
    rows = Rows()
    with Child(sys.executable, "bench.services.server", _SERVER_LOG) as server:
        url = f"ws://127.0.0.1:{server.hello['port']}"
        server.call({"do": "plan", "plan": {"chunks": SENTENCE_CHUNKS, "first_audio_s": 0.0, "complete_s": 0.0}}, 5)
        if options.only in (None, "takes"):
            measure_takes(rows, url, options.rounds)
        if options.only in (None, "transcriptions"):
            measure_transcriptions(rows, url)
    if options.only in (None, "page"):
        measure_page(rows)
    found = rows.rows()
    if options.json:
        print(json.dumps({"rows": found}, indent=1))
    else:
        for row in found:
            verdict = {True: "ok", False: "MISSED", None: ""}[row["ok"]]
            target = "" if row["target"] is None else f"<= {row['target']:g}"
            print(f"{row['metric']:36} {row['client']:12} {row['median']:>10.4g} {target:>12} {verdict}")
    sys.exit(any(row["ok"] is False for row in found))


if __name__ == "__main__":
    main()
