"""A cell with a tuner that is run again and again, as people do, on a plan of one unit."""

from __future__ import annotations

import contextlib
import json

import nbformat
import pytest
from nbclient import NotebookClient

from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour

COUNT = """
import gc, json
from ipywidgets.widgets import widget
for _ in range(3):
    gc.collect()
watched = snb.client.background_loop.running_loop()._selector.get_map()
print(json.dumps([len(widget._instances), len(watched)]))
"""
CELLS = {
    "named": "tuner = snb.VoiceTuner('Hi.')\ntuner.audition()\ntuner",
    "displayed": "display(snb.VoiceTuner('Hi.'))\ntuner = snb.VoiceTuner('Hi.')\ntuner.audition();",
    "unnamed": "snb.VoiceTuner('Hi.')",
}


@pytest.fixture(scope="module")
def small_plan():
    with Simulator(behaviour=Behaviour(engine="signal", concurrency=1)) as simulator:
        yield simulator


@contextlib.contextmanager
def running(small_plan, patch):
    patch.setenv("SMALLEST_API_KEY", "sk_plan")
    patch.setenv("SMALLEST_BASE_URL", small_plan.base_url)
    client = NotebookClient(nbformat.v4.new_notebook(), timeout=60)
    with client.setup_kernel():
        yield client


def run(client, source):
    cell = nbformat.v4.new_code_cell(source)
    client.nb.cells.append(cell)
    client.execute_cell(cell, len(client.nb.cells) - 1)
    return "".join(o.get("text", "") for o in cell.outputs)


@pytest.mark.parametrize("kind", CELLS)
def test_K6_a_tuner_cell_that_is_run_again(small_plan, monkeypatch, kind):
    with running(small_plan, monkeypatch) as client:
        run(client, "import smallest_nb as snb; snb.list_voices();")
        counts = []
        for _ in range(7):
            run(client, CELLS[kind])
            counts.append(json.loads(run(client, COUNT)))
        widgets, sockets = zip(*counts[1:], strict=True)
        assert len(set(widgets)) == 1, "a widget is left of each run"
        assert max(sockets) - min(sockets) < 6, (
            "a socket is left of each run"
        )  # a spare one opens and closes in between


def test_K6_what_a_cell_has_put_out_lives_while_others_run(small_plan, monkeypatch):
    with running(small_plan, monkeypatch) as client:
        run(client, "import smallest_nb as snb, gc, weakref; from ipywidgets.widgets import widget")
        run(client, "display(snb.VoiceTuner('Hi.'))")
        run(client, "tuner = snb.VoiceTuner('Another.'); tuner")
        run(client, "known = weakref.ref(tuner); del tuner; gc.collect()")
        run(client, "gc.collect(); kept = [w for w in widget._instances.values() if isinstance(w, snb.VoiceTuner)]")
        assert run(client, "print(len(kept), known() is not None)") == "2 True\n"
