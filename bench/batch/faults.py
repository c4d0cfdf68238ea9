"""What faults cost: killed processes, killed workers, a storm of refusals. Counted in items."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import wave
from pathlib import Path

from bench.batch.client import KEY, sentences
from bench.environments import ROOT

__all__ = ["Losses", "killed_processes", "killed_workers", "refusals"]

_RUN = """
import json, sys
import smallest_nb as snb
from bench.batch.client import KEY, sentences
snb.speak_many(sentences(int(sys.argv[1])), out=sys.argv[2], units=10, api_key=KEY, base_url=sys.argv[3])
"""
Losses = dict[str, int]
"""How many items were lost, spoken again although they were finished, or are half a file."""


def _sounds(folder: Path) -> tuple[dict[str, int], int]:
    """Return when each sound was written, and how many are not whole."""
    times, half = {}, 0
    for path in folder.glob("*.wav"):
        with wave.open(str(path), "rb") as file:
            half += file.getnframes() * 2 != path.stat().st_size - 44
        times[path.name] = path.stat().st_mtime_ns
    return times, half


def _wait_for(folder: Path, lines: int, process: subprocess.Popen[bytes]) -> None:
    manifest = folder / "manifest.jsonl"
    while process.poll() is None and (not manifest.exists() or manifest.read_bytes().count(b"\n") < lines):
        select.select([], [], [], 0.02)


def killed_processes(url: str, count: int, folder: Path) -> Losses:
    """Kill the process three times on its way, and start it again."""
    finished: dict[str, int] = {}
    half = again = 0
    for part in (0.2, 0.5, 0.8, 2.0):
        process = subprocess.Popen([sys.executable, "-c", _RUN, str(count), str(folder), url], cwd=ROOT)
        _wait_for(folder, round(part * count), process)
        if part < 1:
            process.kill()
        process.wait()
        there, broken = _sounds(folder)
        half += broken
        again += sum(there.get(name) != at for name, at in finished.items())
        finished = there
    return {"lost": count - len(finished), "spoken twice": again, "half files": half}


def killed_workers(url: str, count: int, folder: Path) -> Losses:
    """Kill a worker of three, three times."""
    import threading  # noqa: PLC0415

    from distributed import Client, LocalCluster  # noqa: PLC0415 - an extra

    import smallest_nb as snb  # noqa: PLC0415

    os.environ["SMALLEST_API_KEY"] = KEY
    before: dict[str, int] = {}
    half = again = 0
    options = {"n_workers": 3, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        failed: list[int] = []

        def run() -> None:
            done = snb.speak_many(sentences(count), out=folder, units=10, client=client, base_url=url)
            failed.append(len(done.failed))

        thread = threading.Thread(target=run)
        thread.start()
        for part in (0.2, 0.4, 0.6):
            manifest = folder / "manifest.jsonl"
            while thread.is_alive() and (not manifest.exists() or manifest.read_bytes().count(b"\n") < part * count):
                select.select([], [], [], 0.02)
            there, broken = _sounds(folder)
            half += broken
            again += sum(there.get(name) != at for name, at in before.items())
            before = there
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        thread.join()
    there, broken = _sounds(folder)
    again += sum(there.get(name) != at for name, at in before.items())
    return {"lost": count - len(there), "spoken twice": again, "half files": half + broken}


def refusals(url: str, count: int, folder: Path) -> Losses:
    """Ask for thirty at once where ten are allowed."""
    code = _RUN.replace("units=10", "units=30") + "\nprint(1)"
    process = subprocess.run(
        [sys.executable, "-c", code, str(count), str(folder), url], cwd=ROOT, capture_output=True, check=False
    )
    there, half = _sounds(folder)
    finished = process.returncode == 0 and process.stdout.strip() == b"1"
    return {"lost": count - len(there) if finished else count, "half files": half}
