"""What came of the tests, for the README's table; written only with SNB_HOSTS_RESULTS=1 (`make hosts` sets it)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["FILE", "Results"]

FILE = Path(__file__).with_name("results.json")
NAMES = {
    "jupyterlab": "JupyterLab",
    "notebook7": "Notebook 7",
    "voila": "Voilà",
    "marimo": "marimo",
    "solara": "Solara",
    "colab": "Google Colab, emulated",
    "vscode": "VS Code, emulated",
}
EMULATED = {
    "test_colab": ("colab", "with ipykernel 6.17.1"),
    "test_vscode": ("vscode", "with ipykernel 6.31"),
}
"""Test files that are about a host which the tests imitate, and what of it is real."""
NOTES = {
    "voila": "a closed page cannot report it, and Voilà's request to shut its kernel down is refused (403): the kernel "
    "keeps its sockets for five minutes and then keeps running; set a cull timeout",
    "marimo": "drawn as any anywidget is",
    "solara": "close the widgets when the visitor leaves: `solara.use_effect`",
    "colab": "emulated: its Python, packages and kernel, and a page with its rules for frames and messages; the tests "
    "cannot reach Colab itself. If the microphone stays silent: `smallest_nb.colab.enable_mic()`",
    "vscode": "emulated: its rules for frames and messages; the tests do not run the editor itself. Its outputs get no "
    "microphone; the button says so and offers a separate tab, the kernel's device, or a file",
}
FIXED = {"vscode": {"transcription": "fallback"}}
"""What no test can find, because the host rules it out."""
COLUMNS = {
    "test_a_voice_is_heard": "audition",
    "test_an_audition_sounds": "audition",
    "test_speech_becomes_text": "transcription",
}


class Results:
    """Gathers a row per host."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}

    def add(self, host: str, version: str, test: str, *, passed: bool) -> None:
        """Note what came of one test in a host."""
        row = self._rows.setdefault(
            host, {"host": NAMES[host], "version": version, "audition": None, "transcription": None, "lifecycle": {}}
        )
        row |= FIXED.get(host, {})
        column = next((column for begin, column in COLUMNS.items() if test.startswith(begin)), None)
        place, name = (row, column) if column else (row["lifecycle"], test.removeprefix("test_").replace("_", " "))
        place[name] = passed and place.get(name) is not False  # a test may run more than once, in several ways

    def write(self) -> None:
        """Write what there is; hosts that were not run keep what they had."""
        if not self._rows or not os.environ.get("SNB_HOSTS_RESULTS"):
            return
        old = {row["host"]: row for row in json.loads(FILE.read_text())} if FILE.exists() else {}
        for host, row in self._rows.items():
            former = old.get(row["host"], {})
            for column in ("audition", "transcription"):
                if row[column] is None:
                    row[column] = former.get(column)
            row["lifecycle"] = {**former.get("lifecycle", {}), **row["lifecycle"]}
            row["notes"] = NOTES.get(host, "")
            old[row["host"]] = row
        rows = [old[name] for name in NAMES.values() if name in old]
        FILE.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
