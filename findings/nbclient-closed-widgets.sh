#!/usr/bin/env bash
# nbclient 0.11.0: a closed widget is still written to the saved notebook, with its last state and its binary traits;
# nbconvert --execute, papermill and jupyter execute save the same way.
# Observed 2026-11-29: after `widget.close()`, 200,000 bytes of audio are saved as 266,668 characters of base64 in the
# notebook.
# Unexpected because close() sends comm_close, after which no front end can show the model, and a front end that saves
# widget state omits it. Clear traits that must not be saved before closing.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'nbclient==0.11.0' 'anywidget==0.11.0' 'ipywidgets==8.1.9' 'ipykernel==7.4.0' 'nbformat==5.11.1'
"$work/venv/bin/python" -W ignore - 2>"$work/kernel.log" <<'PY'
import nbformat
from nbclient import NotebookClient

CLASS = """
import anywidget, traitlets
class Sound(anywidget.AnyWidget):
    _esm = "export default {}"
    samples = traitlets.Bytes().tag(sync=True)
"""


def kept(*cells):
    """Return the length of each binary trait in the saved notebook, as base64."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (CLASS, *cells)])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    return [len(b["data"]) for state in states if state["model_name"] == "AnyModel" for b in state.get("buffers", [])]


closed = kept("sound = Sound(samples=bytes(200_000))\nsound", "sound.close()")
cleared = kept("sound = Sound(samples=bytes(200_000))\nsound", "sound.samples = b''\nsound.close()")
print(f"closed: {closed}; cleared, then closed: {cleared}")
assert closed == [266668], "changed: a closed widget is left out"
assert cleared == [0]
PY
