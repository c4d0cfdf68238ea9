"""What it costs to ask: first sound and transcript, where messages are pushed and where they are asked for.

`python -m bench.page.pull [--json] [--rounds N] [--trip MS]`; needs what the host tests need (`tests/hosts`). The host
is the emulated Colab, with its versions, in a real Chromium: once with every message delivered, once with those that
threads send dropped.
`--trip` adds a network's round trip between page and kernel.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.venvs import ROOT

sys.path.insert(0, str(ROOT / "tests" / "hosts"))
from colab.acts import MIC, hear, press, shown, state
from colab.notebook import COLAB, Browsers, Notebook
from colab.server import NotebookServer
from environments import interpreter

SENTENCE = "The weather will be cold and cloudy this morning."
TUNER = """import smallest_nb as snb
tuner = snb.VoiceTuner("Good evening.", voice="sophia", auto_play=False)
tuner"""
SPOKEN = "snb.speak({!r}, voice='magnus').padded(0.7, 2.0).to_wav({!r})"
LIVE = """import time
live = snb.LiveTranscriber()
said = []
live.on_interim(lambda segment: said.append((time.time() * 1000, segment.text)))
live.on_final(lambda segment: said.append((time.time() * 1000, segment.text)))
live"""
# When each text was first seen in the page, on the clock that the kernel uses too: they share a machine.
WATCH = """() => {
  window.__seen = [];
  new MutationObserver(() => {
    for (const line of document.querySelectorAll(".snb-transcript-text")) {
      if (!window.__seen.some(([, text]) => text === line.textContent)) {
        window.__seen.push([performance.timeOrigin + performance.now(), line.textContent]);
      }
    }
  }).observe(document.querySelector(".snb-transcript-lines"), { childList: true, subtree: true, characterData: true });
}"""
# Milliseconds from the press to the first sample that is not silence, as the player tells them.
FIRST = """() => {
  window.__pressed = null;
  window.__first = null;
  document.querySelector(".snb-player .snb-primary").addEventListener("click", () => {
    window.__pressed = performance.now();
    window.__first = null;
  }, { capture: true });
  const player = document.querySelector(".snb-player");
  new MutationObserver(() => {
    if (player.dataset.state === "playing" && window.__first === null && window.__pressed !== null) {
      window.__first = performance.now() - window.__pressed;
    }
  }).observe(player, { attributes: true });
}"""


def first_sound(notes: Notebook, rounds: int) -> list[float]:
    """Return the milliseconds from each press to the player's start."""
    notes.run(TUNER)
    frame = shown(notes)
    frame.evaluate(FIRST)
    found = []
    for n in range(rounds + 1):
        notes.run(f"tuner.text = 'Sentence number {n} is said once.'")
        hear(frame, lambda: press(frame, "Speak"))
        found.append(frame.evaluate("() => window.__first"))
    return found[1:]  # the first one opens the audio device


def transcript_delay(server: NotebookServer, notes: Notebook) -> list[float]:
    """Return the milliseconds from each result in the kernel to its text in the page."""
    notes.run("import smallest_nb as snb\n" + LIVE)
    frame = notes.frame()
    frame.wait_for_selector(f"{MIC}[data-ready='true']")
    frame.evaluate(WATCH)
    press(frame, "Transcribe")
    state(frame, MIC, "recording")
    frame.wait_for_selector(".snb-transcript-line[data-final='true']")
    press(frame, "Stop")
    state(frame, MIC, "idle")
    seen = {text: at for at, text in reversed(frame.evaluate("() => window.__seen"))}
    said = {text: at for at, text in reversed(server.eval("said"))}
    return [seen[text] - at for text, at in said.items() if text in seen]


def figures(found: list[float]) -> dict[str, float]:
    """Return the middle and the worst, ms."""
    return {"n": len(found), "median_ms": round(median(found), 1), "worst_ms": round(max(found), 1)}


def measure(rounds: int, trip: float) -> dict[str, Any]:
    """Measure both ways in one kernel and one browser."""
    figures: dict[str, Any] = {"trip_ms": trip}
    server, browsers = NotebookServer(interpreter("colab"), trip=trip / 1000), Browsers()
    try:
        with tempfile.TemporaryDirectory() as folder:
            wav = str(Path(folder) / "spoken.wav")
            server.eval("exec('import smallest_nb as snb') or str(" + SPOKEN.format(SENTENCE, wav) + ")")
            for name, rules in (("push", {"late": "push", "colab": ""}), ("pull", {"late": "drop"})):
                with browsers.browse(server, COLAB, **rules) as notes:
                    sound, polls = first_sound(notes, rounds), notes.sent("poll")
                with browsers.browse(server, COLAB, microphone=Path(wav), **rules) as notes:
                    texts = transcript_delay(server, notes)
                    chunks, mic_polls = notes.sent("mic-chunk"), notes.sent("poll")
                figures[name] = {
                    "first_sound": figures(sound),
                    "polls_per_audition": round(polls / (rounds + 1), 1),
                    "transcript": figures(texts),
                    "polls_per_100_chunks": round(100 * mic_polls / chunks, 1),
                }
    finally:
        browsers.close()
        server.close()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.page.pull", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--rounds", type=int, default=10, help="auditions each way")
    parser.add_argument("--trip", type=float, default=0.0, help="ms of round trip between page and kernel")
    options = parser.parse_args()
    figures = measure(options.rounds, options.trip)
    print(json.dumps(figures) if options.json else json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
