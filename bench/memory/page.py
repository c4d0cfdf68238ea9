"""What a page holds of a long take, and how soon another place of it sounds: a real JupyterLab and a real Chromium."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.memory.rows import Rows
from tests.support.lab import Lab, NotebookPage

_MB = 1e6
_SECONDS = 600
_PLACES = (0.5, 0.05, 0.95, 0.3, 0.7, 0.1, 0.98)
"""Parts of the take that are pressed, one after the other: ahead of what has come, and behind what is kept."""
_MOST_MS = 60_000
_CELL = f"""import numpy as np, smallest_nb as snb
take = snb.Clip.from_array(np.random.default_rng(5).integers(-900, 900, 24000 * {_SECONDS}).astype(np.int16), 24000)
player = snb.Player()
player"""
# The take, and not the short clip before it.
_PLAYS = f"""() => {{
  const player = document.querySelector('.snb-player');
  const whole = player.querySelector('.snb-player-wave').getAttribute('aria-valuemax');
  return player.dataset.state === 'playing' && Number(whole) === {_SECONDS};
}}"""
# Milliseconds from a press on the picture until the place under it sounds; the pointer has whole pixels.
_SEEK = """async ([part, most]) => {
  const player = document.querySelector('.snb-player');
  const wave = player.querySelector('.snb-player-wave');
  const box = wave.getBoundingClientRect();
  const whole = Number(wave.getAttribute('aria-valuemax'));
  const x = Math.round(box.left + part * box.width);
  const place = ((x - box.left) / box.width) * whole;
  const began = performance.now();
  wave.dispatchEvent(new MouseEvent('click', { clientX: x, bubbles: true }));
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  while (performance.now() - began < most) {
    await frame();
    const off = Number(wave.getAttribute('aria-valuenow')) - place;
    if (player.dataset.state === 'playing' && off > -0.1 && off < 3) return performance.now() - began;
  }
  throw new Error(`${part} of the take did not sound`);
}"""


def measure_page(rows: Rows) -> None:
    """Play a take of ten minutes and press places all over it."""
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        try:
            with lab.browse(lab.write_notebook("memory.ipynb", _CELL)) as notes:
                notes.run_all()
                notes.page.wait_for_selector(".snb-player[data-ready='true']")
                notes.do("player.play(snb.Clip(take.pcm[:48000], 24000))")
                notes.page.wait_for_timeout(2000)
                before = _held(notes)
                notes.do("player.play(take)")
                notes.page.wait_for_function(_PLAYS)
                most = 0.0
                for part in _PLACES:
                    rows.add("seek_ms:page", notes.page.evaluate(_SEEK, [part, _MOST_MS]))
                    notes.page.wait_for_timeout(1500)
                    most = max(most, _held(notes) - before)
                rows.add("held_mb:page 10 min", most / _MB)
        finally:
            lab.close()


def _held(notes: NotebookPage) -> float:
    """Return the bytes of the page's objects and array buffers, garbage not counted."""
    session = notes.page.context.new_cdp_session(notes.page)
    try:
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        usage = session.send("Runtime.getHeapUsage")
    finally:
        session.detach()
    return float(usage["usedSize"] + usage["backingStorageSize"])
