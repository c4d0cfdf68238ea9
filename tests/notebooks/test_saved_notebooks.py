"""What a notebook keeps: small, without widget state of ours in git, and without the key in any state that is saved."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KEY = "sk_canary_in_the_notebook_41d0"
MAX_BYTES = 300_000
MAX_STATE_BYTES = 700_000
"""Of a tuner and a transcriber together: three front ends of at most 60 kB each, per model, and the controls."""
SECRETS = re.compile(r"sk_(?!any|simulator)[A-Za-z0-9]{8,}|Bearer (?!\*)[A-Za-z0-9_]{8,}")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_kept_notebooks_are_small_and_hold_no_state_path_or_secret(path):
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert len(text.encode()) < MAX_BYTES
    assert "widgets" not in notebook["metadata"]
    assert not SECRETS.search(text)
    assert not re.search(r"/(home|root|Users|work)/\w", text)
    assert [c["id"] for c in notebook["cells"]] == [f"{path.stem[:2]}-{n:02d}" for n in range(len(notebook["cells"]))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_widget_has_a_face_without_a_kernel(path):
    """GitHub and nbconvert show no widget; beside each view there is a picture or a table that they do show."""
    for cell in nbformat.read(path, as_version=4).cells:
        outputs = cell.get("outputs", [])
        if any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs):
            faces = ["".join(o["data"].get("text/html", "")) for o in outputs if "data" in o]
            assert any(len(face) > 100 for face in faces), cell.id


def test_saved_state_is_bounded_and_holds_no_key(simulator, monkeypatch):
    """A notebook with a key in its kernel, used and saved with its widgets' state."""
    monkeypatch.setenv("SMALLEST_API_KEY", KEY)
    monkeypatch.setenv("SMALLEST_BASE_URL", simulator.base_url)
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(source)
            for source in (
                "import smallest_nb as snb\ntuner = snb.VoiceTuner('Hello there.')\ntuner",
                "take = tuner.audition()\nlive = snb.LiveTranscriber(word_timestamps=True)\nlive",
                "live.feed(take.clip.padded(0.2, 0.5), pace=5)\ntuner.code('curl')",
                "tuner, live, tuner.takes, tuner.settings",
            )
        ]
    )
    NotebookClient(notebook, timeout=60, store_widget_state=True, kernel_name="python3").execute()
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert any("_esm" in model["state"] for model in state.values())
    assert len(json.dumps(state)) < MAX_STATE_BYTES
    assert KEY not in json.dumps(notebook)
    assert KEY[3:] not in json.dumps(notebook)
