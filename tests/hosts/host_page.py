"""What a person does with the widgets in a page, the same in every host."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from host import Host, Probe
from playwright.sync_api import Page, expect

__all__ = ["HostPage"]


class HostPage:
    """A page of a host that shows a VoiceTuner and a LiveTranscriber.

    Playwright's CSS locators look into open shadow roots, where marimo keeps its widgets.
    """

    def __init__(self, host: Host, page: Page) -> None:
        self.host = host
        self.page = page
        self.console: list[str] = []
        page.on("console", lambda m: self.console.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: self.console.append(f"pageerror: {e}"))
        self.player = page.locator(".snb-player").first
        self.mic = page.locator(".snb-mic").first
        self.lines = page.locator(".snb-transcript-line[data-final='true']")

    @property
    def kernel(self) -> Probe:
        """The kernel behind it."""
        return self.host.probe()

    def complaints(self) -> list[str]:
        """Return the lines that our own code wrote to the console."""
        return [line for line in self.console if "[smallest_nb]" in line]

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until both widgets have been answered by the kernel."""
        for part in (self.player, self.mic):
            expect(part).to_have_attribute("data-ready", "true", timeout=seconds * 1000)

    def press(self, name: str) -> None:
        """Press the tuner's or the transcriber's main button: "Speak", "Transcribe" or "Stop transcribing"."""
        part = self.player if name == "Speak" else self.mic
        part.get_by_role("button", name=name.partition(" ")[0], exact=True).click()

    def wait_state(self, part: Any, state: str, seconds: float = 30) -> None:
        """Wait until the player or the microphone is in a state."""
        expect(part).to_have_attribute("data-state", state, timeout=seconds * 1000)

    def audition(self) -> None:
        """Press "Speak" and wait until the new take was played to its end."""
        before = self.player.get_attribute("data-takes")
        self.clear_tap()
        self.press("Speak")
        expect(self.player).not_to_have_attribute("data-takes", before or "", timeout=30_000)
        self.wait_state(self.player, "playing")
        self.wait_state(self.player, "idle")

    def clear_tap(self) -> None:
        """Forget what was rendered."""
        self.page.evaluate("() => window.__tap.clear()")

    def rendered(self) -> tuple[np.ndarray, int]:
        """Return what this page has really rendered up to now, and its rate."""
        self.page.evaluate("() => window.__tap.settle()")
        data = base64.b64decode(self.page.evaluate("() => window.__tap.read()"))
        return np.frombuffer(data, "<f4").astype(float), self.page.evaluate("() => window.__tap.rate")

    def page_census(self) -> dict[str, int]:
        """Count the page's open audio contexts and live microphone tracks."""
        return self.page.evaluate("() => window.__census()")

    def transcript(self) -> str:
        """The final text that the page shows."""
        return " ".join(self.lines.locator(".snb-transcript-text").all_inner_texts())

    def reload(self) -> None:
        """Reload the page."""
        self.page.reload()

    def rerun(self) -> None:
        """Run both cells again."""
        raise NotImplementedError

    def clear_outputs(self) -> None:
        """Clear every output."""
        raise NotImplementedError

    def restart(self) -> None:
        """Restart the kernel, and no more."""
        raise NotImplementedError

    def run_all(self) -> None:
        """Run every cell."""
        raise NotImplementedError
