#!/usr/bin/env bash
# nbclient 0.11.0 with ipywidgets 8.1.9: lines written with `Output.append_stdout` are lost as soon as `with out:` is
# used again, from the kernel's own `out.outputs` as well, so a notebook that runs in CI shows another log than one run
# by hand.
# Observed 2026-11-29: append "one", then `with out: print("two")`, then append "three": ['two', 'three'].
# Unexpected because both are documented ways to write to the same list; while it captures, nbclient keeps its own copy,
# does not see what the kernel appended in between, and sends the copy back to the kernel.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'nbclient==0.11.0' 'ipywidgets==8.1.9' 'ipykernel==7.4.0' 'nbformat==5.11.1'
"$work/venv/bin/python" -W ignore - 2>"$work/kernel.log" <<'PY'
import ast

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError

cells = [
    "import ipywidgets\nout = ipywidgets.Output()\nout",
    "out.append_stdout('one\\n')",
    "with out:\n    print('two')",
    "out.append_stdout('three\\n')",
    "print([piece['text'].strip() for piece in out.outputs])",
]
for last_attempt in (False, False, True):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    try:
        NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
        break
    except CellTimeoutError:  # once in a while a cell that uses the widget does not end
        if last_attempt:
            raise
in_kernel = ast.literal_eval(notebook.cells[-1].outputs[0].text)
states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
(kept,) = ([o["text"].strip() for o in s["state"]["outputs"]] for s in states if s["model_name"] == "OutputModel")
print("in the kernel:", in_kernel)
print("in the saved notebook:", kept)
assert in_kernel == kept == ["two", "three"], "changed: nothing is lost"
PY
