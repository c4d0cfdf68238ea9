"""From a press to the first sample that is heard, in a real JupyterLab and Chromium, and how often sound runs dry.

`python -m bench.press [--json] [--presses N] [--seconds N] [--before CHECKOUT] [--gradio]`; needs what `make test`
installs. A service answers after 3 ms and sends 100 ms of sound every 100 ms, or every 25 ms (`@4x`). The press and
the sample are both on the page's clock: the sample's time is when it leaves the loudspeaker, as the browser says.
`--before` measures another checkout with its own environment in the same run, `--gradio` a streaming `Audio` output of
Gradio with the same chunks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.environments import page_peer
from bench.page.open import BEFORE, OURS, Rows, print_rows
from bench.venvs import ROOT
from tests.support.chromiums import CHROMIUMS
from tests.support.lab import Lab, NotebookPage
from tests.support.page_state import until

PRESS_MS, PRESS_P95_MS, BEFORE_RATIO = 60.0, 90.0, 0.5
JITTERS = (0, 20, 50)
"""Milliseconds by which a piece is late at most."""
MOST_PER_MINUTE = {0: 0.0, 20: 0.0, 50: 1.0}
PACES = {"": 1.0, "@4x": 4.0}
"""How many times faster than real time the service sends."""
WAYS = {"sleeping": "import time; time.sleep({})", "awaiting": "import asyncio; await asyncio.sleep({})"}
_CELL = """
import asyncio, random, time
import numpy as np
import smallest_nb as snb
from smallest_nb.client import background_loop

RATE, PIECE = 24000, 2400
tone = (9000 * np.sin(2 * np.pi * 330 * np.arange(RATE * 64) / RATE)).astype("<i2")

async def speak(player, seconds, jitter, pace=1.0):
    # As a service sends: 100 ms of sound every 100 ms, or faster, each late by a random part of `jitter`.
    await asyncio.sleep(0.003)
    stream = player.open_stream(RATE)
    began = time.monotonic()
    for n in range(round(seconds * 10)):
        await asyncio.sleep(max(0.0, began + n / 10 / pace + random.uniform(0, jitter) - time.monotonic()))
        stream.write(tone[n * PIECE : (n + 1) * PIECE].tobytes())
    stream.end()
    return stream

players, spoken, pace = [snb.Player() for _ in range(3)], [], 1.0
players[0].on_press(lambda _: spoken.append(asyncio.get_running_loop().create_task(speak(players[0], 1.0, 0.0, pace))))
"""
_SHOW = "from IPython.display import display\nfor player in players: display(player)"
_PRESSED = """() => addEventListener('click', () => {
  window.__pressed = performance.timeOrigin + performance.now();
}, { capture: true })"""
_TAKE = "() => document.querySelector('.snb-player').dataset.takes"
_PLAYED = """(before) => {
  const { state, takes } = document.querySelector('.snb-player').dataset;
  return takes !== before && state === 'idle';
}"""
_BEGAN = """() => {
  const audio = document.querySelector('audio');
  return audio && !audio.paused && audio.currentTime > 0
    && performance.timeOrigin + performance.now() - 1000 * audio.currentTime;
}"""


@contextmanager
def notebook() -> Iterator[NotebookPage]:
    """Three players in a notebook, ready."""
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        try:
            with lab.browse(lab.write_notebook("press.ipynb", _CELL, _SHOW)) as notes:
                notes.run_all()
                notes.page.wait_for_function("() => document.querySelectorAll('.snb-player').length === 3")
                notes.page.wait_for_timeout(3000)  # pings align the clocks
                yield notes
        finally:
            lab.close()


def press(notes: NotebookPage, times: int, pace: float) -> Iterator[float]:
    """Press Play, as often as is wanted; give the milliseconds to the first sample of each."""
    notes.do(f"pace, spoken[:] = {pace}, []")
    button = notes.page.locator(".snb-player").first.get_by_role("button", name="Play").first
    for turn in range(times + 1):
        before = notes.page.evaluate(_TAKE)
        notes.page.wait_for_timeout(1000)  # the page is at rest again
        button.click()
        notes.page.wait_for_function(_PLAYED, arg=before, polling=200)  # asking more often would hold it up
        until(notes, f"spoken[-1].done() and players[0].state == 'idle' and len(spoken) == {turn + 1}")
        if turn:  # the first press also opens the sound device
            to_epoch = notes.kernel("(time.time() - time.monotonic()) * 1000")
            rendered = notes.kernel("spoken[-1].result().latency.rendered")
            yield rendered + to_epoch - notes.page.evaluate("() => window.__pressed")


def underruns(notes: NotebookPage, seconds: float, code: str) -> list[int]:
    """Stream to three players at once, each with its jitter, while a cell runs; count how often each ran dry."""
    notes.do(
        f"began = [background_loop.submit(speak(player, {seconds}, jitter / 1000))"
        f" for player, jitter in zip(players, {JITTERS})]\n{code.format(seconds)}"
    )
    until(notes, "all(f.done() for f in began) and all(p.state == 'idle' for p in players)")
    return notes.kernel("[player.underruns for player in players]")


def measure(rows: Rows, presses: int, seconds: float) -> None:
    """Measure this project."""
    with notebook() as notes:
        notes.page.evaluate(_PRESSED)
        for suffix, pace in PACES.items():
            for value in press(notes, presses, pace):
                rows.add(f"press_to_sound_ms{suffix}", value, PRESS_MS)
        for way, code in WAYS.items() if seconds else ():
            for jitter, count in zip(JITTERS, underruns(notes, seconds, code), strict=True):
                rows.add(f"underruns_per_min@jitter{jitter}:{way}", count * 60 / seconds, MOST_PER_MINUTE[jitter])


def measure_gradio(rows: Rows, presses: int) -> None:
    """Measure a Gradio app: a button, and an `Audio` output that streams and plays by itself."""
    if shutil.which("ffprobe") is None:  # Gradio's streaming calls it, and does not install it
        sys.exit("Gradio needs ffmpeg to stream sound; install it, or leave --gradio out.")
    program = [str(page_peer("gradio")), str(Path(__file__).with_name("gradio_app.py"))]
    with tempfile.TemporaryDirectory() as name:
        server = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=name)
        try:
            address = next((line.strip() for line in server.stdout or () if line.startswith("http")), "")
            for _ in range(presses):
                with CHROMIUMS.borrow(viewport=(1000, 700)) as browser:
                    page = browser.new_page()
                    page.goto(address)
                    page.evaluate(_PRESSED)
                    page.get_by_role("button", name="Speak").click()
                    began = page.wait_for_function(_BEGAN, timeout=20_000).json_value()
                    rows.add("press_to_sound_ms", began - page.evaluate("() => window.__pressed"))
        finally:
            server.terminate()
            server.wait(10)


def former(checkout: Path, presses: int) -> list[dict[str, Any]]:
    """Measure another checkout: this bench, and that checkout's environment for server and kernel."""
    program = [str(checkout / ".venv" / "bin" / "python"), "-m", "bench.press"]
    runs = [*program, "--json", "--seconds=0", f"--presses={presses}"]
    env = {**os.environ, "SNB_OPEN_CLIENT": BEFORE}
    done = subprocess.run(runs, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return [{**row, "target": None, "ok": None} for row in json.loads(done.stdout)["rows"]]


def compare(rows: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the ratios to another checkout."""
    compared = []
    for suffix in PACES:
        metric = f"press_to_sound_ms{suffix}"
        ours, theirs = (next(r["median"] for r in found if r["metric"] == metric) for found in (rows, before))
        ratio = round(ours / theirs, 3)
        compared.append({"metric": f"press_to_sound_ratio{suffix}", "client": OURS, "median": ratio, "p95": ratio,
                         "target": BEFORE_RATIO, "ok": ratio <= BEFORE_RATIO})  # fmt: skip
    return compared


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.press", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--presses", type=int, default=15, help="how often Play is pressed (15)")
    parser.add_argument("--seconds", type=float, default=60, help="length of the streams that may run dry; 0 for none")
    parser.add_argument(
        "--before", type=Path, metavar="CHECKOUT", help="another checkout with a .venv, to compare with"
    )
    parser.add_argument("--gradio", action="store_true", help="also measure a Gradio app; installs it")
    options = parser.parse_args()
    found = Rows(os.environ.get("SNB_OPEN_CLIENT", OURS))
    measure(found, options.presses, options.seconds)
    rows = found.rows()
    for row in rows:
        if row["metric"].startswith("press_to_sound_ms"):
            row["ok"] = row["ok"] and row["p95"] <= PRESS_P95_MS
    if options.before is not None:
        before = former(options.before.resolve(), options.presses)
        rows += [*before, *compare(rows, before)]
    if options.gradio:
        peer = Rows("gradio")
        measure_gradio(peer, options.presses)
        rows += peer.rows()
    print_rows(rows, as_json=options.json)
    sys.exit(any(row["ok"] is False for row in rows))


if __name__ == "__main__":
    main()
