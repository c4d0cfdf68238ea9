"""What tests wait for in a page with widgets, and how they open its parts."""

from __future__ import annotations

from tests.support.lab import ROOT

AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"
PLAYED = "() => document.querySelector('.snb-player').dataset.state === 'idle'"


def unfold(notes, title: str) -> None:
    """Open a part of the accordion, if it is not."""
    part = notes.page.locator(".jupyter-widget-Collapse", has=notes.page.get_by_text(title, exact=True)).last
    if "jupyter-widget-Collapse-open" not in (part.get_attribute("class") or ""):
        part.locator(".jupyter-widget-Collapse-header").first.click()
        notes.page.wait_for_timeout(300)


def until(notes, expression: str, wanted=True) -> None:
    """Wait for the kernel."""
    for _ in range(200):
        if notes.kernel(expression) == wanted:
            return
        notes.page.wait_for_timeout(50)
    raise AssertionError(f"{expression} is {notes.kernel(expression)!r}, not {wanted!r}")
