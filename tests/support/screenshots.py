"""Pictures of widgets in a page; `make screenshots` keeps them in docs/images."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.lab import ROOT

FOLDER = Path(os.environ.get("SNB_SCREENSHOTS") or ROOT / "test-output" / "images")


def picture(notes, selector: str, name: str) -> None:
    output = notes.page.locator(f".jp-OutputArea-child:has({selector})").first
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / name
    before = notes.page.viewport_size
    high = output.evaluate("(e) => e.getBoundingClientRect().height")
    notes.page.set_viewport_size({"width": before["width"], "height": max(before["height"], int(high) + 300)})
    if "SNB_SCREENSHOTS" in os.environ:
        notes.page.wait_for_timeout(200)  # what moves has come to rest in the pictures that are kept
    output.scroll_into_view_if_needed()
    output.screenshot(path=path)
    notes.page.set_viewport_size(before)
    assert path.stat().st_size > 2000


def contrast(notes, selector: str) -> float:
    """WCAG contrast of an element's text against our own background."""
    colours = notes.page.evaluate(
        """(selector) => {
          const element = document.querySelector(selector);
          const root = element.closest(".snb");
          return [getComputedStyle(element).color, getComputedStyle(root).backgroundColor];
        }""",
        selector,
    )

    def luminance(colour: str) -> float:
        parts = [float(p) / 255 for p in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((luminance(c) for c in colours), reverse=True)
    return (bright + 0.05) / (dim + 0.05)
