"""Voilà, marimo and Solara."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cells import LIVE, TUNER, VISITOR, marimo_notebook, solara_app
from host import Host, wait_for
from host_page import HostPage
from hosts_jupyter import JupyterLab
from playwright.sync_api import expect

__all__ = ["Marimo", "MarimoApp", "Solara", "Voila"]


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
        # marimo takes no press before its page has found its server.
        wait_for("the notebook runs", self._press_run, 60)

    def _press_run(self) -> bool:
        self.page.locator("[data-testid=run-button]").last.click()
        with contextlib.suppress(AssertionError):
            expect(self.player).to_be_visible(timeout=4000)
            return True
        return False

    def restart(self) -> None:
        self.host.api("kernel/restart_session", {})
        self.page.reload()

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
        (self.work / "views.py").write_text(marimo_notebook(TUNER, LIVE, "tuner"))

    def command(self) -> list[str]:
        return [
            str(self.python), "-m", "marimo", "edit", ".", "--headless", "--no-token", "--no-skew-protection",
            "--skip-update-check", f"--port={self.port}",
        ]  # fmt: skip

    @contextlib.contextmanager
    def browse(self, microphone: Path | None = None, notebook: str = "both") -> Iterator[MarimoPage]:
        """Open the notebook and run it."""
        with self.browser(microphone) as context:
            page = context.new_page()
            page.goto(f"{self.url}/?file={notebook}.py")
            shown = MarimoPage(self, page)
            try:
                shown.run_all()
                yield shown
            finally:
                for session in self.sessions():
                    self.api("home/shutdown_session", {"sessionId": session})
                wait_for("the kernel is gone", lambda: not self.kernels())

    def sessions(self) -> list[str]:
        """Return the ids of the sessions that run."""
        return [notebook["sessionId"] for notebook in self.api("home/running_notebooks", {})["files"]]

    def api(self, path: str, body: dict[str, str]) -> Any:
        """Ask the server; what is about a kernel is about the only session."""
        headers = {"Content-Type": "application/json"}
        if path.startswith("kernel/"):
            headers["Marimo-Session-Id"] = self.sessions()[0]
        request = urllib.request.Request(f"{self.url}/api/{path}", data=json.dumps(body).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())


class MarimoApp(Host):
    """A marimo notebook as an app: each visitor gets a session, and all of them share one process."""

    name = "marimo"
    package = "marimo"

    def prepare(self) -> None:
        (self.work / "app.py").write_text(marimo_notebook(VISITOR, LIVE))

    def command(self) -> list[str]:
        return [
            str(self.python), "-m", "marimo", "run", "app.py", "--headless", "--no-token",
            f"--port={self.port}",
        ]  # fmt: skip


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
