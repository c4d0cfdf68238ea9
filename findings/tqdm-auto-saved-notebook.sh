#!/usr/bin/env bash
# tqdm 4.70.1 in a notebook (tqdm.auto): the bar's text in the saved notebook is its first state, 0 %, however far it
# advanced; only the widget, which GitHub, Markdown, LaTeX and plain viewers do not draw, says 100 %.
# Observed 2026-11-29 (nbclient 0.11.0, nbconvert 7.17.2): "0%|          | 0/3" in the Markdown of a finished notebook.
# Unexpected because outputs with a display id are updated in place, and the bar in a terminal ends at 100 %; the
# widget's text form is created once, when it is displayed. A finished batch of recordings looks as if it never started.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'tqdm==4.70.1' 'nbclient==0.11.0' \
    'nbconvert==7.17.2' 'ipywidgets==8.1.9' 'ipykernel==7.4.0' 'nbformat==5.11.1'
"$work/venv/bin/python" -W ignore - 2>"$work/kernel.log" <<'PY'
import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

cell = "from tqdm.auto import tqdm\nfor name in tqdm(['a.wav', 'b.wav', 'c.wav']):\n    pass"
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
text, _ = MarkdownExporter().from_notebook_node(notebook)
(bar,) = [line.strip() for line in text.splitlines() if "0/3" in line or "3/3" in line]
states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
(value,) = [state["state"]["value"] for state in states if state["model_name"] == "FloatProgressModel"]
print("in Markdown:", bar)
print("in the widget's state:", value, "of 3")
assert bar.startswith("0%") and value == 3, "changed: the text shows how far the bar came"
PY
