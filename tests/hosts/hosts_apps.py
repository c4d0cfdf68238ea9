"""Voilà, marimo and Solara."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cells import LIVE, TUNER, marimo_notebook, solara_app
from host import Host
from host_page import HostPage
from hosts_jupyter import JupyterLab

__all__ = ["Marimo", "Solara", "Voila"]


class Voila(Host):
    """Voilà with one notebook: each visitor gets a kernel."""

    name = "voila"
    package = "voila"

    def prepare(self) -> None:
        JupyterLab.write(self, "both.ipynb", TUNER, LIVE)

    def command(self) -> list[str]:
        return [
            str(self.python), "-m", "voila", "both.ipynb", "--no-browser", f"--port={self.port}",
            "--Voila.port_retries=0", "--show_tracebacks=True",
        ]  # fmt: skip

    @contextlib.contextmanager
    def browse(self, microphone: Path | None = None) -> Iterator[HostPage]:
        """Visit it."""
        with self.browser(microphone) as context:
            page = context.new_page()
            page.goto(self.url)
            yield HostPage(self, page)


class MarimoPage(HostPage):
    """A notebook in marimo's editor."""

    def run_all(self) -> None:
        self.page.locator("#run-all-button, [data-testid=run-button]").last.click()

    def rerun(self) -> None:
        # The second cell uses what the first one imports, so it follows.
        cell = self.page.locator("[data-testid=cell-tray]").first
        cell.hover()
        cell.locator("[data-testid=run-button]").first.dispatch_event("click")


class Marimo(Host):
    """marimo's editor."""

    name = "marimo"
    package = "marimo"

    def prepare(self) -> None:
        (self.work / "both.py").write_text(marimo_notebook(TUNER, LIVE))

    def command(self) -> list[str]:
        return [
            str(self.python), "-m", "marimo", "edit", "both.py", "--headless", "--no-token", "--skip-update-check",
            f"--port={self.port}",
        ]  # fmt: skip

    @contextlib.contextmanager
    def browse(self, microphone: Path | None = None) -> Iterator[MarimoPage]:
        """Open the notebook and run it."""
        with self.browser(microphone) as context:
            page = context.new_page()
            page.goto(self.url)
            shown = MarimoPage(self, page)
            self._run_first(shown)
            yield shown

    def _run_first(self, shown: MarimoPage) -> None:
        """Press "run all" until it takes: marimo takes no press before its page has found its server."""
        for _ in range(20):
            shown.run_all()
            with contextlib.suppress(AssertionError):
                self.probe(2)
                return
        raise AssertionError("marimo did not run the notebook")


class Solara(Host):
    """A Solara app; all visitors share one process."""

    name = "solara"
    package = "solara"

    def prepare(self) -> None:
        (self.work / "app.py").write_text(solara_app())
        self.env["SOLARA_TELEMETRY_MIXPANEL_ENABLE"] = "false"

    def command(self) -> list[str]:
        return [
            str(self.python), "-m", "solara", "run", "app.py", "--no-open", "--production", "--host=127.0.0.1",
            f"--port={self.port}",
        ]  # fmt: skip

    @contextlib.contextmanager
    def browse(self, microphone: Path | None = None) -> Iterator[HostPage]:
        """Visit it."""
        with self.browser(microphone) as context:
            page = context.new_page()
            page.goto(self.url)
            yield HostPage(self, page)
