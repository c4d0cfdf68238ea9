"""What a line costs at 100 to 100,000 words: in the kernel, and in the real front end in a real Chromium.

`python -m bench.page.transcript [--json] [--quick]`. Ten words are a line. In the kernel a line is folded in and sent;
in the page it arrives and is laid out, with the list scrolled to its end. Memory is what the transcript adds to the
process, and to the page's heap. The page's part is left out where no Chromium is found (CHROMIUM, or on the PATH).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import statistics
import tracemalloc
from time import perf_counter
from typing import Any

from bench.environments import ROOT
from smallest_nb.notebook.widgets.assets import build_hash
from smallest_nb.notebook.widgets.transcript_view import TranscriptView
from smallest_nb.results.transcript import Segment, Word

SIZES = (100, 1_000, 10_000, 100_000)
STATIC = ROOT / "smallest_nb" / "notebook" / "static"
_PER_LINE = 10
_SAMPLES = 60
_TEXT = "ten words that somebody has said in one such line"
_PAGE = """async ([module, sizes, perLine, samples, text]) => {
  const url = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
  const { default: make } = await import(url);
  const handlers = {};
  const values = { names: {}, captions: false, audible: true, placeholder: "", error: "", live: false };
  let page = null;
  const model = {
    get: (name) => values[name], set: () => {}, save_changes: () => {}, off: () => {},
    on: (name, fn) => { handlers[name] = fn; },
    send: (message) => { page ??= message.page; },
  };
  const widget = make();
  widget.initialize({ model });
  widget.render({ model, el: document.querySelector("#here") });
  let seq = 0;
  const say = (message, n = seq++) => handlers["msg:custom"]({ v: 1, seq: n, to: null, ...message }, []);
  say({ type: "welcome", page, start: 0, owner: page, problem: null }, null);
  const words = text.split(" ");
  const line = (i) => ({ i, final: true, text: words.join(" "), start: i * 4, end: i * 4 + 3.9, speaker: i % 2,
    language: null, words: words.map((w, k) => [w, i * 4 + k * 0.39, i * 4 + k * 0.39 + 0.3, 0.9]) });
  const list = document.querySelector(".snb-transcript-lines");
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => resolve()));
  const rows = [];
  let count = 0;
  for (const size of sizes) {
    while (count < size / perLine) {
      const lines = [];
      while (lines.length < 200 && count < size / perLine) lines.push(line(count++));
      say({ type: "lines", reset: false, lines });
      await frame();
    }
    const times = [];
    for (let n = 0; n < samples; n++) {
      const at = performance.now();
      say({ type: "lines", reset: false, lines: [line(count++)] });
      void list.scrollHeight;
      times.push(performance.now() - at);
      await frame();
    }
    if (list.querySelectorAll(".snb-transcript-line").length !== count) throw new Error("a line is missing");
    if (list.scrollHeight - list.scrollTop - list.clientHeight > 24) throw new Error("the end is not in sight");
    rows.push({ words: size, ms: times.sort((a, b) => a - b)[samples >> 1], heap: performance.memory.usedJSHeapSize });
  }
  return rows;
}"""


def said(number: int) -> Segment:
    """Return a final line of ten words."""
    start = number * 4.0
    words = tuple(Word(w, start + 0.39 * i, start + 0.39 * i + 0.3, 0.9, number % 2)
                  for i, w in enumerate(_TEXT.split()))  # fmt: skip
    return Segment(_TEXT, True, start, start + 3.9, words, (), number % 2)


def kernel(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Measure the kernel's part."""
    view = TranscriptView()
    sent: list[int] = []

    def send(data: dict[str, Any], **_: Any) -> None:
        if data["method"] == "custom":
            sent.append(len(json.dumps(data["content"])))

    view.comm.send = send
    hello = {"v": 1, "type": "hello", "page": "p", "ack": -1, "build": build_hash(), "host": "bench", "secure": True,
             "microphone": "ask", "worklet": True, "pull": False, "parts": [""]}  # fmt: skip
    view.comm.handle_msg({"content": {"data": {"method": "custom", "content": hello}}, "buffers": []})
    rows = []
    tracemalloc.start()
    empty = tracemalloc.get_traced_memory()[0]
    for size in sizes:
        while len(view.transcript) < size // _PER_LINE:
            view.transcript.apply(said(len(view.transcript)))
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - empty
        tracemalloc.stop()
        times = []
        for _ in range(_SAMPLES):
            line = said(len(view.transcript))
            begun = perf_counter()
            view.apply(line)
            times.append((perf_counter() - begun) * 1e6)
        tracemalloc.start()
        empty = tracemalloc.get_traced_memory()[0] - held
        rows.append({"words": size, "kernel_us": round(statistics.median(times), 1), "message_bytes": sent[-1] if sent
                     else None, "kernel_mb": round(held / 1e6, 2)})  # fmt: skip
    tracemalloc.stop()
    return rows


def page(sizes: tuple[int, ...]) -> list[dict[str, Any]] | None:
    """Measure the page's part, or return None where there is no Chromium."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        return None
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a dependency of this part only

    module = (STATIC / "transcript-view.js").read_text(encoding="utf-8")
    style = (STATIC / "transcript-view.css").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
        )
        tab = browser.new_page()
        tab.set_default_timeout(300_000)
        tab.set_content(f"<style>{style}</style><div id=here style='width:800px'></div>")
        rows: list[dict[str, Any]] = tab.evaluate(_PAGE, [module, list(sizes), _PER_LINE, _SAMPLES, _TEXT])
        browser.close()
    return rows


def run(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Measure both and return one row per size."""
    rows = kernel(sizes)
    for row, drawn in zip(rows, page(sizes) or [], strict=False):
        row["page_ms"] = round(drawn["ms"], 2)
        row["page_heap_mb"] = round(drawn["heap"] / 1e6, 1)
    for row in rows:
        row["kernel_ratio"] = round(row["kernel_us"] / rows[0]["kernel_us"], 2)
        if "page_ms" in row:
            row["page_ratio"] = round(row["page_ms"] / max(0.01, rows[0]["page_ms"]), 2)
    return rows


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.page.transcript", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="up to 10,000 words")
    options = parser.parse_args()
    rows = run(SIZES[:3] if options.quick else SIZES)
    if options.json:
        print(json.dumps({"rows": rows}, indent=1))
        return
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
