"""Runs the notebooks in place against the simulator and keeps their outputs, without widget state.

Saved widget state would carry every widget's whole front end; GitHub refuses some forms of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

KEEP = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}}  # fmt: skip
ROOT = Path(__file__).resolve().parent.parent


def main(names: list[str]) -> None:
    """Execute the named notebooks, or all."""
    os.environ.pop("SMALLEST_API_KEY", None)
    os.environ["SMALLEST_KEY_SOURCES"] = "environment"  # no keyring and no .env file
    for path in [Path(n) for n in names] or sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(notebook, timeout=120, store_widget_state=False,
                                resources={"metadata": {"path": str(path.parent)}})  # fmt: skip
        client.execute()
        notebook.metadata = nbformat.from_dict(KEEP)
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
