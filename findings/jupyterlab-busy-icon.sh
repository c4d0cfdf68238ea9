#!/usr/bin/env bash
# JupyterLab 4.6.6 (ipykernel 7.4.0, anywidget 0.11.0, Chromium 156): each message of a widget to its kernel swaps the
# icon of the browser tab twice and redraws the toolbar, because every message makes the kernel "busy" for a moment.
# Observed 2026-12-01: 100 messages in 10 s change the icon's links 396 times and the toolbar 576 times and keep the page
# busy for 22 % of the time; without messages it is none, none and 1 %.
# Unexpected because each handler takes less than a millisecond, and nothing that a person could see has changed. A
# microphone or a slider that is dragged sends ten messages a second.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
chromium="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome-stable ||
    command -v google-chrome || true)}"
[ -n "$chromium" ] || { echo "set CHROMIUM to a Chromium" >&2; exit 2; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'jupyterlab==4.6.6' 'ipykernel==7.4.0' 'anywidget==0.11.0' 'playwright==1.65.2'
mkdir "$work/home"
export JUPYTER_CONFIG_DIR="$work/config" JUPYTER_DATA_DIR="$work/data" JUPYTER_RUNTIME_DIR="$work/runtime" \
    JUPYTERLAB_WORKSPACES_DIR="$work/workspaces" JUPYTERLAB_SETTINGS_DIR="$work/settings"
"$work/venv/bin/python" - "$chromium" "$work" 2>"$work/log" <<'PY'
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

chromium, work = sys.argv[1], Path(sys.argv[2])
SECONDS, A_SECOND = 10, 10
CELL = """import anywidget
class Sender(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { window.sender = model; el.className = 'sender'; el.append('-'); } }"
sender = Sender()
sender.on_msg(lambda *_: None)
sender"""
MEASURE = """async ([seconds, pause]) => {
  const counted = { icon: 0, toolbar: 0 };
  const count = (name) => new MutationObserver((records) => { counted[name] += records.length; });
  const icon = count("icon"), toolbar = count("toolbar");
  icon.observe(document.head, { subtree: true, attributes: true, attributeFilter: ["rel"] });
  toolbar.observe(document.querySelector(".jp-NotebookPanel-toolbar"),
    { subtree: true, childList: true, attributes: true, characterData: true });
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    if (pause) window.sender.send({ level: 0.5 });
    await new Promise((done) => setTimeout(done, pause || 100));
  }
  icon.disconnect();
  toolbar.disconnect();
  return counted;
}"""
cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [], "source": CELL}
spec = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}
notebook = {"cells": [cell], "metadata": spec, "nbformat": 4, "nbformat_minor": 5}
(work / "home" / "a.ipynb").write_text(json.dumps(notebook))
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = subprocess.Popen(
    [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
     f"--ServerApp.root_dir={work / 'home'}", "--IdentityProvider.token=t", "--LabApp.expose_app_in_browser=True"],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
)
try:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for _ in range(100):
            try:
                page.goto(f"http://127.0.0.1:{port}/doc/tree/a.ipynb?token=t")
                break
            except Exception:
                time.sleep(0.3)
        page.wait_for_function(
            """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === "idle" """,
            timeout=60_000,
        )
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_selector(".sender", timeout=60_000)
        page.wait_for_timeout(3000)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")

        def measure(pause):
            def work_secs():
                return next(m["value"] for m in devtools.send("Performance.getMetrics")["metrics"]
                            if m["name"] == "TaskDuration")
            before = work_secs()
            counted = page.evaluate(MEASURE, [SECONDS, pause])
            return counted["icon"], counted["toolbar"], 100 * (work_secs() - before) / SECONDS

        idle, sending = measure(0), measure(1000 // A_SECOND)
        browser.close()
finally:
    server.terminate()
    server.wait(30)
for name, (icon, toolbar, load) in {"no message": idle, f"{A_SECOND} messages a second": sending}.items():
    print(f"{name}, {SECONDS} s: icon links changed {icon} times, toolbar {toolbar} times, page busy for {load:.0f} %")
messages = SECONDS * A_SECOND
assert idle[0] == 0
assert sending[0] > 2 * messages, "the icon is no longer swapped for each message"
PY
