"""JupyterLab and Notebook 7."""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from cells import LIVE, TUNER
from host import Host, wait_for
from host_page import HostPage
from playwright.sync_api import BrowserContext, Page

from tests.support.lab import PANEL, NotebookPage

__all__ = ["JupyterLab", "JupyterPage", "Notebook7"]


class JupyterPage(HostPage):
    """A notebook in one of Jupyter's own front ends."""

    def __init__(self, host: Host, page: Page) -> None:
        super().__init__(host, page)
        self.notes = NotebookPage(page)

    def run_all(self) -> None:
        self.notes.run_all()

    def rerun(self) -> None:
        self.notes.run_all()

    def clear_outputs(self) -> None:
        self._command("notebook:clear-all-cell-outputs")

    def reload(self) -> None:
        self.notes.save()
        self.notes.reload()

    def restart(self) -> None:
        self.page.evaluate("async () => { await window.__panel().sessionContext.session.kernel.restart(); }")
        self.notes.wait_ready()

    def _command(self, name: str) -> None:
        self.page.evaluate("(name) => window.jupyterapp.commands.execute(name)", name)


class JupyterLab(Host):
    """The newest JupyterLab, in the project's own environment."""

    name = "jupyterlab"
    package = "jupyterlab"
    app = "lab"
    expose = "--LabApp.expose_app_in_browser=True"
    place = "doc/tree"

    @property
    def python(self) -> Path:
        return Path(sys.executable)

    def prepare(self) -> None:
        self.token = secrets.token_hex(16)
        settings = self.folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        quiet = {"fetchNews": "false", "checkForUpdates": False}
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
        self.write("both.ipynb", TUNER, LIVE)
        self.write("views.ipynb", TUNER, LIVE, "tuner")

    def write(self, name: str, *cells: str) -> None:
        """Write a notebook of code cells."""
        rows = [
            {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
            for n, cell in enumerate(cells)
        ]
        spec = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}
        text = json.dumps({"cells": rows, "metadata": spec, "nbformat": 4, "nbformat_minor": 5})
        (self.work / name).write_text(text)

    def command(self) -> list[str]:
        return [
            str(self.python), "-m", "jupyter", self.app, "--no-browser", "--allow-root", f"--port={self.port}",
            "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.work}", f"--IdentityProvider.token={self.token}",
            self.expose,
        ]  # fmt: skip

    def open(self, context: BrowserContext, notebook: str = "both") -> JupyterPage:
        """Open a notebook in a tab, and no more."""
        page = context.new_page()
        page.add_init_script(PANEL)
        page.goto(f"{self.url}/{self.place}/{notebook}.ipynb?reset&token={self.token}")
        shown = JupyterPage(self, page)
        shown.notes.wait_ready()
        return shown

    @contextlib.contextmanager
    def browse(self, microphone: Path | None = None, notebook: str = "both") -> Iterator[JupyterPage]:
        """Open the notebook, run it, and end its kernel at the end."""
        with self.browser(microphone) as context:
            shown = self.open(context, notebook)
            try:
                shown.run_all()
                yield shown
            finally:
                self.end_kernels()

    def api(self, path: str, method: str = "GET") -> bytes:
        """Ask the server's REST interface."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.read()

    def end_kernels(self) -> None:
        """End every kernel, and wait until they are gone."""
        for kernel in json.loads(self.api("kernels")):
            self.api(f"kernels/{kernel['id']}", "DELETE")
        wait_for("the kernels are gone", lambda: not self.kernels())


class Notebook7(JupyterLab):
    """The newest Notebook 7."""

    name = "notebook7"
    package = "notebook"
    app = "notebook"
    expose = "--JupyterNotebookApp.expose_app_in_browser=True"
    place = "notebooks"

    @property
    def python(self) -> Path:
        return Host.python.fget(self)
