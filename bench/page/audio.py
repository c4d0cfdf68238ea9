"""The audio path in a real JupyterLab and a real Chromium: what is lost, how late it comes, what it costs.

`python -m bench.page.audio [--json] [--quick] [--seconds N]`; needs what `make test` installs, and less than four
minutes. Each figure is printed as soon as it is known, the rows at the end. The floor is a bare comm
message of the same size; beside it stand the naive ways, a whole clip in an `Audio` output and base64 in a trait.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from bench.page import audio_cells as cells
from bench.stats import Samples, table
from tests.support.lab import Lab, NotebookPage

OURS, FLOOR = "smallest_nb", "floor"
RATE = 24000
SIZES = (0, 2560, 9600, 64_000)
JITTERS = (0, 50, 100)
_LOST_JITTER = 20
"""The jitter of the runs that count lost samples, whose underruns are counted as well."""
BUSY = "end = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"
_STATE = "() => document.querySelector('.snb-player').dataset.state === '{}'"
_UNDERRUNS = "() => Number(document.querySelector('.snb-player').dataset.underruns)"
_PLAYED = """(before) => {
  const { state, takes } = document.querySelector('.snb-player').dataset;
  return takes !== before && state === 'idle';
}"""


class Bench:
    """One notebook with a player, a microphone and the naive ways."""

    def __init__(self, notes: NotebookPage, samples: Samples) -> None:
        self.notes = notes
        self.samples = samples
        self._before = ""

    def add(self, metric: str, unit: str, values: list[float], client: str = OURS, turn: int = 0) -> None:
        """Keep figures, and print each as it is known, before the table."""
        if values:
            print(f"{metric} {client}: {median(values):.4g} {unit}", file=sys.stderr, flush=True)
        self.samples.add(metric, unit, client, turn, [float(v) for v in values])

    def wait(self, state: str, seconds: float = 30) -> None:
        """Wait for the player's state."""
        self.notes.page.wait_for_function(_STATE.format(state), timeout=seconds * 1000)

    def round_trips(self, times: int) -> None:
        """Messages of several sizes to the kernel and back, ours and bare ones in turn."""
        comm = self.notes.kernel("mic.comm.comm_id")
        self.notes.page.evaluate("(page) => { window.__mic_page = page; }", self.page_id("mic"))
        for size, _round in itertools.product(SIZES, range(3)):
            for client, argument in ((FLOOR, [size, times]), ("ours", [size, times, comm])):
                trips = self.notes.page.evaluate(cells.PAGE[client], argument)
                name = OURS if client == "ours" else FLOOR
                self.add(f"round_trip_ms@{size}", "ms", trips, name, _round)

    def page_id(self, widget: str) -> str:
        """The id under which the page speaks for a widget."""
        return self.notes.kernel(f"list({widget}._channel.pages)[-1]")

    def finish(self, seconds: float = 30) -> None:
        """Wait until the stream that was started was played to its end."""
        self.notes.page.wait_for_function(_PLAYED, arg=self._before, timeout=seconds * 1000)

    def start_stream(self, seconds: float, jitter: float, body: str = "") -> None:
        """Stream in real time from the background loop, while a cell does `body`."""
        self._before = self.notes.page.evaluate("() => document.querySelector('.snb-player').dataset.takes")
        self.notes.do(f"future = runtime.submit(speak({seconds}, {jitter}))\n{body}")

    def first_samples(self, times: int, suffix: str, body: str = "") -> None:
        """From `write` to the first rendered sample."""
        waited, prebuffer = [], []
        for _ in range(times):
            self.start_stream(1.0, 0, body)
            self.finish()
            self.notes.page.wait_for_timeout(400)  # the page's last word
            times = self.notes.kernel("[future.result().latency.sent, future.result().latency.rendered]")
            prebuffer.append(self.notes.kernel("future.result().latency.prebuffer_ms"))
            if None not in times:
                waited.append(times[1] - times[0])
        self.add(f"send_to_first_sample_ms{suffix}", "ms", waited)
        self.add(f"prebuffer_ms{suffix}", "ms", prebuffer)

    def underruns(self, seconds: float, suffix: str, body: str = "") -> None:
        """Times the sound ran dry, by jitter; after the first second, and while a cell is busy in all."""
        for jitter in JITTERS:
            self._stream_through(seconds, jitter, suffix, body)

    def _stream_through(self, seconds: float, jitter: int, suffix: str, body: str) -> None:
        """Stream, and count how often the sound ran dry."""
        self.start_stream(seconds, jitter / 1000, body)
        early = 0
        if not body:
            self.wait("playing")
            self.notes.page.wait_for_timeout(1000)
            early = self.notes.page.evaluate(_UNDERRUNS)
        self.finish(seconds + 30)
        whole = self.notes.page.evaluate(_UNDERRUNS)
        self.add(f"underruns@jitter{jitter}{suffix}", "underruns", [whole - early])

    def lost_down(self, seconds: int, suffix: str, body: str = "") -> None:
        """Compare what was rendered with what was sent, every 50 ms; count how often it ran dry, too."""
        self.notes.page.evaluate("() => window.__tap.clear()")
        kernel, page = self.cpu("kernel"), self.cpu("page")
        self._stream_through(seconds, _LOST_JITTER, suffix, body)
        self.notes.page.wait_for_timeout(300)
        self.add(f"cpu_kernel{suffix}", "cores", [(self.cpu("kernel") - kernel) / seconds])
        self.add(f"cpu_page{suffix}", "cores", [(self.cpu("page") - page) / seconds])
        data = base64.b64decode(self.notes.page.evaluate("() => window.__tap.read()"))
        heard = np.frombuffer(data, "<f4").astype(float)
        self.add(f"samples_lost_down{suffix}", "samples", [_missing(heard, self.notes, seconds)])

    def lost_up(self, seconds: int, suffix: str, body: str = "") -> None:
        """Count what did not arrive, and how late the rest was."""
        self.notes.do("got.clear()")
        self.notes.page.get_by_role("button", name="Record").click()
        self.notes.page.wait_for_selector(".snb-mic[data-state='recording']")
        if body:
            self.notes.do(body)
        else:
            self.notes.page.wait_for_timeout(seconds * 1000)
        self.notes.page.get_by_role("button", name="Stop").last.click()
        self.notes.page.wait_for_selector(".snb-mic[data-state='idle']", timeout=60_000)
        # By the numbers that the audio thread gives its chunks. (What Chromium's fake device drops or puts in before,
        # where the machine is busy, is not ours; a browser test compares the sound itself.)
        chunks, received = self.notes.kernel("[mic._page._next, len(got)]")
        self.add(f"samples_lost_up{suffix}", "samples", [(chunks - received) * 1280])
        self.add(f"mic_to_kernel_ms{suffix}", "ms", self.notes.kernel("list(mic.latency_ms)"))

    def naive(self, times: int) -> None:
        """The same jobs as people do them without a package."""
        waited = []
        for _ in range(times):
            began = self.notes.page.evaluate(
                """() => {
                  document.querySelectorAll('.jp-OutputArea audio').forEach((audio) => audio.remove());
                  return performance.timeOrigin + performance.now();
                }"""
            )
            self.notes.page.evaluate(
                """(code) => { const future = window.__panel().sessionContext.session.kernel.requestExecute({ code });
                  future.onIOPub = (message) => {
                    const html = message.content?.data?.['text/html'];
                    if (!html) return;
                    document.querySelector('.jp-OutputArea').insertAdjacentHTML('beforeend', html);
                  };
                }""",
                cells.NAIVE_AUDIO,
            )
            waited.append(self.notes.page.evaluate(cells.PAGE["audio began"]) - began)
        self.add("send_to_first_sample_ms", "ms", waited, "naive_audio")
        self.notes.do(cells.SEND_TRAITS)
        self.notes.page.wait_for_timeout(1000)
        came = self.notes.page.evaluate("() => window.__naive.length")
        self.add("samples_lost_down", "samples", [(200 - came) * 2400], "naive_trait")

    def cpu(self, side: str) -> float:
        """CPU seconds so far of the kernel, or of all of the browser's processes."""
        if side == "kernel":
            return float(self.notes.kernel("sum(psutil.Process().cpu_times()[:2])"))
        mine = psutil.Process().children(recursive=True)
        return sum(sum(p.cpu_times()[:2]) for p in mine if "chrom" in p.name())


def _missing(heard: np.ndarray, notes: NotebookPage, seconds: int) -> int:
    import soxr  # noqa: PLC0415

    rate = notes.page.evaluate("() => window.__tap.rate")
    sent = np.frombuffer(bytes.fromhex(notes.kernel(f"smooth[:{seconds * RATE}].tobytes().hex()")), "<i2") / 32768
    expected = soxr.resample(sent, RATE, rate)
    size = 1 << (len(expected) + len(heard)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(expected, size)), size)
    start = int(np.argmax(match[: len(heard)]))
    part = np.zeros(len(expected))
    piece = heard[start : start + len(expected)]
    part[: len(piece)] = piece
    window = rate // 20
    bad = 0
    for at in range(0, len(expected) - window, window):
        a, b = part[at : at + window], expected[at : at + window]
        if np.dot(a, b) < 0.99 * np.linalg.norm(a) * np.linalg.norm(b) or not a.any():
            bad += window
    return bad


@contextmanager
def notebook() -> Iterator[NotebookPage]:
    """A JupyterLab with everything open and ready."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = Lab(folder)
        try:
            book = lab.write_notebook(
                "bench.ipynb", cells.WIDGETS, cells.RECORDER, cells.STREAM, cells.BARE_COMM, cells.NAIVE_TRAIT
            )
            with lab.browse(book) as notes:
                notes.run_all()
                notes.page.wait_for_selector(".snb-player[data-ready='true']")
                notes.page.wait_for_selector(".snb-mic[data-ready='true']")
                notes.page.wait_for_timeout(1000)  # three pings align the clocks
                yield notes
        finally:
            lab.close()


def run(seconds: int, *, quick: bool) -> list[dict[str, Any]]:
    """Measure everything and return the rows."""
    samples = Samples()
    with notebook() as notes:
        bench = Bench(notes, samples)
        bench.first_samples(3 if quick else 8, "")
        bench.round_trips(20 if quick else 50)
        bench.underruns(5 if quick else 10, "")
        bench.lost_down(seconds, "")
        bench.lost_up(min(seconds, 15), "")
        bench.naive(2 if quick else 5)
        bench.first_samples(2 if quick else 4, ":busy", BUSY.format(1.5))
        bench.underruns(5 if quick else 10, ":busy", BUSY.format(5 if quick else 10))
        bench.lost_down(seconds, ":busy", BUSY.format(seconds))
        bench.lost_up(min(seconds, 15), ":busy", BUSY.format(min(seconds, 15)))
    return samples.rows()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.page.audio", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="a check of two minutes")
    parser.add_argument(
        "--seconds", type=int, default=20, help="length of the runs that count lost samples (20), at most 60"
    )
    options = parser.parse_args()
    rows = run(min(60, 8 if options.quick else options.seconds), quick=options.quick)
    print(json.dumps({"rows": rows}, indent=1) if options.json else table(rows))


if __name__ == "__main__":
    main()
