"""Listen and play for hours in a real JupyterLab and Chromium, with everything that happens meanwhile.

`python -m bench.soak [--hours 3] [--json]`. A microphone hears a recording of 200 different words round and round, so
that each lost or doubled word shows; another notebook plays speech, whose words are read out of what was rendered.
Meanwhile, by the minute: the network between kernel and service is cut, the kernel computes, the page is hidden, the
browser reports other devices. Without a graphics card it uses most of one processor, nearly all of it in the browser,
where JupyterLab redraws its toolbar and its icon for each message of the microphone. Every half an hour the report so
far goes to stderr.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import string
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import BrowserContext, CDPSession
from playwright.sync_api import TimeoutError as PageTimeout

import smallest_nb as snb
from bench.soak import cells
from bench.soak.judge import Heard, count_errors
from bench.soak.network import CuttableNetwork
from bench.stats import quantile
from smallest_nb.simulator import Behaviour, Simulator
from tests.support.chromiums import CHROMIUM_FLAGS, CHROMIUMS, MEDIA_FLAGS
from tests.support.lab import PANEL, TAP, Lab, NotebookPage

KEPT_SECS = 600
CYCLE_SECS = 60
PAUSE_SECS = 0.8
CUT_SECS = 3.0
BUSY_SECS = 8
WORD_PAUSE_SECS, GAP_SECS = 0.08, 0.12
MOST_GAPS = 3
UNREADABLE = "[inaudible]"
REPORT_MINUTES = 30
TARGETS = {"drift_ms": 50.0, "growth_mb_per_hour": 12.0, "cpu_ratio": 1.3}
BYTES_PER_WORD = 1500  # a word with its times, speaker and confidence, and its line in the page


@dataclass(frozen=True)
class Event:
    """What happens in every `every`th minute, beginning with the `first`."""

    name: str
    every: int
    first: int


EVENTS = (
    Event("network", 4, 1), Event("busy kernel", 3, 2), Event("hidden page", 5, 3), Event("other devices", 7, 4),
)  # fmt: skip


def words(count: int = 200) -> list[str]:
    """Return different words of three letters, none of which is a prefix of another."""
    all_of_them = itertools.product(string.ascii_lowercase, repeat=3)
    return ["".join(letters) for letters in itertools.islice(all_of_them, count)]


def write_recording(path: Path, said: list[str], url: str) -> None:
    """Write one round of the words, with a pause after each tenth, as a WAV file of 48 kHz."""
    clips = [
        snb.speak(" ".join(said[n : n + 10]), base_url=url, api_key="sk_soak", language="en")
        for n in range(0, len(said), 10)
    ]
    rate = clips[0].sample_rate
    pause = bytes(2 * round(PAUSE_SECS * rate))
    snb.Clip(b"".join(clip.pcm + pause for clip in clips), rate).resample(48000).to_wav(path)


def read_words(samples: np.ndarray, rate: int, url: str) -> list[str]:
    """Return the words in what a page rendered."""
    clip = snb.Clip.from_array(samples, rate).resample(16000)
    text = snb.transcribe(clip, base_url=url, api_key="sk_soak", language="en").text
    return [word.strip(".").lower() for word in text.split()]


def split_at_gaps(samples: np.ndarray, rate: int) -> list[np.ndarray]:
    """Return what lies between silences that are longer than those between words."""
    sounding = np.flatnonzero(samples)
    gaps = np.flatnonzero(np.diff(sounding) > GAP_SECS * rate)
    begins = [*sounding[:1], *sounding[gaps + 1]]
    ends = [*sounding[gaps], *sounding[-1:]]
    return [samples[begin : end + 1] for begin, end in zip(begins, ends, strict=True)]


def read_played(samples: np.ndarray, rate: int, url: str) -> list[str]:
    """Return the words in what a page rendered.

    A player runs dry between two words or in the middle of one: it is read in both ways, and a word is whole in one of
    them unless a part of it is missing or there twice.
    """
    parts = split_at_gaps(samples, rate)
    pause = np.zeros(round(WORD_PAUSE_SECS * rate))
    readings = []
    for pauses in itertools.product((False, True), repeat=min(len(parts) - 1, MOST_GAPS)):
        pieces = parts[:1]
        for part, is_pause in itertools.zip_longest(parts[1:], pauses, fillvalue=False):
            pieces += [pause, part] if is_pause else [part]
        readings.append(read_words(np.concatenate(pieces), rate, url))
    return min(readings, key=lambda words: words.count(UNREADABLE))


class Soak:
    """Two notebooks in one browser.

    Args:
        lab: A running JupyterLab.
        context: The browser's.
        url: The service behind the network that is cut.
        direct: The service itself.
    """

    def __init__(self, lab: Lab, context: BrowserContext, url: str, direct: str) -> None:
        self.direct = direct
        self.heard = Heard()
        self.played: list[str] = []
        self.gaps = 0
        self.happened: dict[str, int] = {}
        self._before = ""
        self._lab, self._context = lab, context
        more = '"words": len(live.transcript.words)'
        self.listen = self._open(
            "soak-listen.ipynb", cells.LISTEN.format(url=url, kept=KEPT_SECS), cells.NEW_WORDS,
            cells.STATE.format(more=more),
        )  # fmt: skip
        self.play = self._open("soak-play.ipynb", cells.PLAY.format(url=url), cells.STATE.format(more='"words": 0'))
        self._devtools = {page: context.new_cdp_session(page.page) for page in (self.listen, self.play)}

    def _open(self, name: str, *code: str) -> NotebookPage:
        notes = NotebookPage(self._context.new_page())
        self._lab.write_notebook(name, *code)
        notes.page.goto(f"{self._lab.url}/doc/tree/{name}?reset&token={self._lab.token}")
        notes.wait_ready()
        notes.run_all()
        return notes

    def start(self) -> None:
        """Press the microphone's button."""
        self.listen.page.bring_to_front()
        self.listen.page.get_by_role("button", name="Transcribe").click()
        self.listen.page.wait_for_selector(".snb-mic[data-state='recording']")

    def stop(self) -> None:
        """Press Stop and take the last words."""
        self.listen.page.bring_to_front()
        self.listen.page.locator(".snb-mic").get_by_role("button", name="Stop").click()
        self.listen.page.wait_for_selector(".snb-mic[data-state='idle']", timeout=60_000)
        self.look()

    def look(self) -> None:
        """Take what is new."""
        self.heard.words += [tuple(word) for word in self.listen.kernel("new_words()")]
        self.heard.states["listen"].append(self.listen.kernel("state()"))
        self.heard.states["play"].append(self.play.kernel("state()"))
        heap = sum(_heap_mb(session) for session in self._devtools.values())
        self.heard.states["page"].append({"time": time.time(), "heap_mb": heap})

    def begin_speech(self, text: str) -> None:
        """Let the other notebook ask for a text and play it."""
        page = self.play.page
        page.evaluate("() => window.__tap.clear()")
        self._before = page.evaluate("() => document.querySelector('.snb-player').dataset.takes")
        self.play.do(cells.SPEAK.format(text=text))

    def end_speech(self) -> None:
        """Wait until it was played, and read its words out of what the page rendered."""
        page = self.play.page
        try:
            page.wait_for_function(
                """(before) => { const { takes, state } = document.querySelector('.snb-player').dataset;
                  return takes !== before && state === 'idle'; }""",
                arg=self._before, timeout=120_000,
            )  # fmt: skip
        except PageTimeout as error:
            raise RuntimeError(f"The speech was not played: {self.play.kernel('repr(future)')}") from error
        page.evaluate("() => window.__tap.settle()")
        samples = np.frombuffer(base64.b64decode(page.evaluate("() => window.__tap.read()")), "<f4").astype(float)
        page.evaluate("() => window.__tap.clear()")
        self.gaps += int(page.evaluate("() => document.querySelector('.snb-player').dataset.underruns"))
        self.played += read_played(samples, page.evaluate("() => window.__tap.rate"), self.direct)

    def disturb(self, event: str, network: CuttableNetwork) -> None:
        """Let one thing happen."""
        self.happened[event] = self.happened.get(event, 0) + 1
        page = self.listen.page
        if event == "network":
            network.cut(CUT_SECS)
        elif event == "busy kernel":
            self.listen.do(f"time.sleep({BUSY_SECS})")
        elif event == "other devices":
            page.evaluate("() => navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
        else:
            with _hidden(self._devtools[self.listen]):
                page.wait_for_timeout(20_000)


@contextmanager
def _hidden(session: CDPSession) -> Iterator[None]:
    window = session.send("Browser.getWindowForTarget")["windowId"]
    session.send("Browser.setWindowBounds", {"windowId": window, "bounds": {"windowState": "minimized"}})
    try:
        yield
    finally:
        session.send("Browser.setWindowBounds", {"windowId": window, "bounds": {"windowState": "normal"}})


def _heap_mb(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def report(soak: Soak, said: list[str], spoken: list[str]) -> list[dict[str, Any]]:
    """Return one row a metric."""
    # The first word may have begun before the button was pressed, and the last one goes on behind it.
    heard, transcribed = soak.heard, count_errors(said, [word[0] for word in soak.heard.words[1:-1]])
    played = count_errors(spoken, soak.played)
    drift = heard.drift_ms()
    hours = (heard.states["listen"][-1]["time"] - heard.states["listen"][0]["time"]) / 3600
    per_hour = len(heard.words) * BYTES_PER_WORD / 1e6 / max(hours, 1e-9)

    def row(metric: str, value: float, p95: float | None, target: float | None, **more: list[str]) -> dict[str, Any]:
        ok = target is None or (value if p95 is None else p95) <= target
        figures = {"median": round(value, 3), "p95": p95, "target": target, "ok": ok}
        return {"metric": metric, "client": "smallest_nb", **figures, **{name: w for name, w in more.items() if w}}

    rows = [
        row("words_transcribed", transcribed.right, None, None),
        row("words_played", played.right, None, None),
        row("player_ran_dry", soak.gaps, None, 2 * soak.happened.get("network", 0)),
    ]
    for name, errors in (("transcribed", transcribed), ("played", played)):
        for kind in ("lost", "doubled", "wrong"):
            which = getattr(errors, kind)
            rows.append(row(f"{name}_{kind}", len(which), None, 0, which=which[:10]))
    if drift:
        rows.append(row("word_to_sound_ms", quantile(drift, 0.5), round(quantile(drift, 1.0), 1), TARGETS["drift_ms"]))
    settled = KEPT_SECS + 2 * CYCLE_SECS
    most = TARGETS["growth_mb_per_hour"]
    rows += [
        row("kernel_growth_mb_per_hour@listen", heard.growth("listen", "rss_mb", settled), None, most + per_hour),
        row("kernel_growth_mb_per_hour@play", heard.growth("play", "rss_mb", settled), None, most),
        row("page_growth_mb_per_hour", heard.growth("page", "heap_mb", settled), None, most + per_hour),
        row("cpu_ratio_late_to_early@listen", heard.cpu_ratio("listen"), None, TARGETS["cpu_ratio"]),
        row("threads@listen", heard.states["listen"][-1]["tasks"], None, heard.states["listen"][0]["tasks"] + 2),
        row("files@listen", heard.states["listen"][-1]["files"], None, heard.states["listen"][0]["files"] + 4),
    ]
    return rows


def run(hours: float) -> dict[str, Any]:
    """Run for some hours and return the report."""
    said = words()
    sentences = [said[n : n + 60] for n in range(0, 180, 60)]
    spoken = [word for sentence in sentences for word in sentence]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True)))
        simulator = stack.enter_context(Simulator(behaviour=Behaviour(engine="signal")))
        network = stack.enter_context(CuttableNetwork(simulator.port))
        write_recording(folder / "round.wav", said, simulator.base_url)
        (folder / "lab").mkdir()
        lab = Lab(folder / "lab")
        stack.callback(lab.close)
        stack.callback(CHROMIUMS.close)
        flags = [*CHROMIUM_FLAGS, *MEDIA_FLAGS["fake"], f"--use-file-for-fake-audio-capture={folder / 'round.wav'}"]
        browser = CHROMIUMS.launch(*flags)
        stack.callback(browser.close)
        context = browser.new_context(viewport={"width": 1100, "height": 900}, permissions=["microphone"])
        context.set_default_timeout(60_000)
        context.add_init_script(PANEL)
        context.add_init_script(path=TAP)
        soak = Soak(lab, context, f"ws://127.0.0.1:{network.port}", simulator.base_url)
        soak.start()
        began = time.monotonic()
        for minute in itertools.count():
            cycle = began + minute * CYCLE_SECS
            if cycle - began >= hours * 3600:
                break
            soak.begin_speech(" ".join(sentences[minute % len(sentences)]))
            for event in EVENTS:
                if minute % event.every == event.first % event.every:
                    soak.disturb(event.name, network)
            soak.end_speech()
            soak.look()
            seen = {"minute": minute, "words": len(soak.heard.words), **soak.heard.states["listen"][-1]}
            print(json.dumps(seen), file=sys.stderr, flush=True)
            if (minute + 1) % REPORT_MINUTES == 0:
                so_far = {"minutes": minute + 1, "rows": report(soak, said, spoken)}
                print(json.dumps(so_far), file=sys.stderr, flush=True)
            soak.listen.page.wait_for_timeout(max(0.0, cycle + CYCLE_SECS - time.monotonic()) * 1000)
        soak.stop()
        rows = report(soak, said, spoken)
        return {"hours": hours, "events": soak.happened, "rows": rows}


def main() -> None:
    """Run and print the report; exit with 1 if a row misses its target."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    given = parser.parse_args()
    found = run(given.hours)
    if given.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{found['hours']:g} h; {', '.join(f'{name}: {count}' for name, count in found['events'].items())}")
        for row in found["rows"]:
            mark = "ok" if row["ok"] else "MISSED"
            figures = [*(row[key] for key in ("metric", "median", "p95", "target")), mark, *row.get("which", ())]
            print(*("-" if figure is None else figure for figure in figures))
    sys.exit(not all(row["ok"] for row in found["rows"]))


if __name__ == "__main__":
    main()
