"""Starts a real JupyterLab and drives it in a real Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Error, Page

from tests.support.browser_evidence import watch_pages
from tests.support.chromiums import CHROMIUMS

ROOT = Path(__file__).resolve().parents[2]
TAP = Path(__file__).with_name("tap.js")
"""Records what a page's audio contexts render."""
# The notebook's panel, focused or not.
PANEL = "window.__panel = () => [...window.jupyterapp.shell.widgets('main')].find((w) => w.context) ?? null;"
THEMES = ("JupyterLab Light", "JupyterLab Dark")
READY = """async () => {
  const app = window.jupyterapp;
  if (!app) return false;
  await app.restored;
  const widget = window.__panel();
  if (!widget?.context) return false;
  await widget.context.ready;
  await widget.sessionContext.ready;
  const kernel = widget.sessionContext.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel?.status === "idle";
}"""


class Lab:
    """A running JupyterLab with its own folders.

    Args:
        folder: Where they are.
        options: More of its command line.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.notebooks = folder / "notebooks"
        self.recordings = folder / "recordings"
        shutil.copytree(ROOT / "notebooks", self.notebooks, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (folder / "jupyter.log").open("w")
        self._process = subprocess.Popen(self._command(), env=self._env(), stdout=self._log, stderr=subprocess.STDOUT)
        self._wait()

    def _command(self):
        settings = self.folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(
            json.dumps({"fetchNews": "false", "checkForUpdates": False})
        )
        return [
            sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={self.port}",
            "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.notebooks}",
            f"--IdentityProvider.token={self.token}", "--LabApp.expose_app_in_browser=True",
            *self.options,
        ]  # fmt: skip

    def write_notebook(self, name: str, *cells: str, kernel: str = "python3") -> str:
        """Put a notebook of code cells beside the tutorials and return its name."""
        rows = [
            {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
            for n, cell in enumerate(cells)
        ]
        spec = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
        text = json.dumps({"cells": rows, "metadata": spec, "nbformat": 4, "nbformat_minor": 5})
        (self.notebooks / name).write_text(text)
        return name

    def add_kernel(self, ipykernel: str) -> str:
        """Make an environment with another ipykernel and this project, once, and return its kernel's name."""
        name = f"ipykernel-{ipykernel}"
        env = self.folder / name
        spec = self.folder / "data" / "kernels" / name
        if spec.exists():
            return name
        uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
        python = env / "bin" / "python"
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(env)], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", str(python), f"ipykernel=={ipykernel}", "-e", str(ROOT)],
            check=True,
        )
        spec.mkdir(parents=True)
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}))
        return name

    def _env(self):
        own = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_DATA_DIR": "data",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "JUPYTERLAB_SETTINGS_DIR": "settings",
        }  # fmt: skip
        env = {**os.environ, **{name: str(self.folder / sub) for name, sub in own.items()}}
        return {**env, "SMALLEST_SIMULATOR_RECORD": str(self.recordings)}

    def _api(self, path, method="GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/{path}", data, method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.read()

    def _wait(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                self._api("status")
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "jupyter.log").read_text()[-3000:]) from None
                time.sleep(0.2)

    def end_kernels(self):
        for kernel in json.loads(self._api("kernels")):
            self._api(f"kernels/{kernel['id']}", "DELETE")

    def close(self):
        self.end_kernels()
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    @contextlib.contextmanager
    def browse(self, notebook: str, *, microphone: Path | None = None, media: str = "fake", dark: bool = False):
        """Open a notebook in a page of its own and wait until its kernel, a fresh one, is idle."""
        self.set_theme(dark=dark)
        scripts = (PANEL, TAP)
        test = os.environ.get("PYTEST_CURRENT_TEST")
        with (
            self._session(notebook),
            CHROMIUMS.borrow(viewport=(1100, 900), scripts=scripts, media=media, microphone=microphone) as context,
            watch_pages(context, self.folder / "jupyter.log", test=test),
        ):
            page = context.new_page()
            notes = NotebookPage(page)
            page.goto(f"{self.url}/doc/tree/{notebook}?reset&token={self.token}")
            notes.wait_ready()
            yield notes

    def set_theme(self, *, dark: bool) -> None:
        """Choose the theme of the pages that are opened from now on."""
        theme = self.folder / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
        theme.write_text(json.dumps({"theme": THEMES[dark]}))

    @contextlib.contextmanager
    def _session(self, notebook: str):
        """Start the notebook's kernel, while the browser loads its page, and end it."""
        spec = json.loads((self.notebooks / notebook).read_text())["metadata"]["kernelspec"]["name"]
        begun = {"path": notebook, "name": "", "type": "notebook", "kernel": {"name": spec}}
        session = json.loads(self._api("sessions", "POST", begun))
        try:
            yield
        finally:
            self._api(f"sessions/{session['id']}", "DELETE")


class NotebookPage:
    """A notebook that is open in the browser."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console: list[str] = []
        page.on("console", lambda m: self.console.append(f"{m.type}: {m.text}"))

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until the notebook is open and its kernel idle."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(Error):  # JupyterLab may navigate once more
                if self.page.evaluate(READY):
                    return
            assert time.monotonic() < deadline, "JupyterLab did not become ready"
            time.sleep(0.1)

    def run_all(self, timeout_ms: int = 90_000) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(
            """() => window.__panel().content.model.cells.length > 0 &&
              [...window.__panel().content.widgets].every(
                (c) => c.model.type !== 'code' || c.model.executionCount)""",
            timeout=timeout_ms,
        )
        self.wait_ready()
        errors = self.page.evaluate(
            """() => window.__panel().content.widgets.flatMap(
              (c) => (c.model.outputs?.toJSON() ?? []).filter((o) => o.output_type === 'error').map((o) => o.evalue))"""
        )
        assert errors == [], errors

    def second_tab(self) -> NotebookPage:
        """Open the same notebook, on the same kernel, in another tab."""
        page = self.page.context.new_page()
        page.goto(self.page.url)
        other = NotebookPage(page)
        other.wait_ready()
        return other

    def set_theme(self, *, dark: bool) -> None:
        """Change JupyterLab's theme and wait until our boxes have followed."""
        change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        self.page.evaluate(change, THEMES[dark])
        self.page.wait_for_function(
            "(theme) => [...document.querySelectorAll('.snb')].every((box) => box.dataset.theme === theme)",
            arg="dark" if dark else "light",
        )

    def save(self) -> None:
        """Save the notebook, so that a reload finds its outputs."""
        self.page.evaluate("async () => { await window.__panel().context.save(); }")

    def reload(self) -> None:
        """Reload the page; the kernel lives on."""
        self.page.reload()
        self.wait_ready()

    def run_first(self) -> None:
        """Run the first code cell only."""
        self.page.evaluate(
            """async () => {
              const notebook = window.__panel().content;
              notebook.activeCellIndex = notebook.widgets.findIndex((c) => c.model.type === 'code');
              await window.jupyterapp.commands.execute('notebook:run-cell');
            }"""
        )

    def kernel(self, expression: str):
        """Evaluate an expression in the kernel; it must give JSON data."""
        reply = self.page.evaluate(
            """async (code) => {
              const kernel = window.__panel().sessionContext.session.kernel;
              const future = kernel.requestExecute({ code: 'import json', user_expressions: { value: code } });
              return (await future.done).content.user_expressions.value;
            }""",
            f"json.dumps({expression})",
        )
        assert reply["status"] == "ok", reply
        return json.loads(eval(reply["data"]["text/plain"]))

    def do(self, code: str) -> None:
        """Run code in the kernel."""
        reply = self.page.evaluate(
            """async (code) => {
              const kernel = window.__panel().sessionContext.session.kernel;
              return (await kernel.requestExecute({ code }).done).content;
            }""",
            code,
        )
        assert reply["status"] == "ok", reply
