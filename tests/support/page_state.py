"""What tests wait for in a page with widgets, and how they open its parts."""

from __future__ import annotations

import re
from time import monotonic

from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect

from tests.support.lab import ROOT

AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"
OVERFLOWING = """() => [...document.querySelectorAll('.snb-frame *')].filter((e) => e.offsetParent).filter((e) => {
  const card = (e.parentElement.closest('.snb') ?? e.closest('.snb-frame')).getBoundingClientRect();
  return e.getBoundingClientRect().right > card.right + 1;
}).map((e) => e.outerHTML.slice(0, 80))"""
PLAYED = "() => document.querySelector('.snb-player').dataset.state === 'idle'"


def unfold(notes, title: str) -> None:
    """Open a part of the accordion, if it is not."""
    part = notes.page.locator(".jupyter-widget-Collapse", has=notes.page.get_by_text(title, exact=True)).last
    if "jupyter-widget-Collapse-open" not in (part.get_attribute("class") or ""):
        part.locator(".jupyter-widget-Collapse-header").first.click()
        expect(part).to_have_class(re.compile(r"\bjupyter-widget-Collapse-open\b"))


def what_stays(notes, find: str, arg=None) -> list[str]:
    """Return what a function of the page still finds once the layout has had time to settle."""
    try:
        notes.page.wait_for_function(f"(arg) => ({find})(arg).length === 0", arg=arg, timeout=3000)
    except PlaywrightTimeoutError:
        return notes.page.evaluate(find, arg)
    return []


def wait_position(notes, seconds: float) -> None:
    """Wait until the player has played so much."""
    notes.page.wait_for_function(
        "(seconds) => Number(document.querySelector('.snb-player-wave').getAttribute('aria-valuenow')) >= seconds",
        arg=seconds,
    )


def until(notes, expression: str, wanted=True) -> None:
    """Wait for the kernel, for 30 s at least.

    Each look is a request to the kernel, for which JupyterLab redraws its toolbar, so the looks become rarer.
    """
    deadline, pause_ms = monotonic() + 30, 30
    while True:
        if notes.kernel(expression) == wanted:
            return
        if monotonic() > deadline:
            break
        notes.page.wait_for_timeout(pause_ms)
        pause_ms = min(300, 1.5 * pause_ms)
    raise AssertionError(f"{expression} is {notes.kernel(expression)!r}, not {wanted!r}")
