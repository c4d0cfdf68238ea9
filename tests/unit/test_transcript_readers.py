"""The table of the documentation says what the installed readers really keep of our exports."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from pathlib import Path

import pytest

from bench import readers

ROOT = Path(__file__).resolve().parents[2]
TABLE = {
    (r["format"], r["reader"]): r for r in json.loads((ROOT / "docs/_ext/readers.json").read_text(encoding="utf-8"))
}
HEAVY = {"meeteval", "parselmouth"}  # built from source, 36 MB: `bench/readers.py` says how to have them


def test_every_reader_has_a_row():
    assert set(TABLE) == {(kind, package) for kind, package, *_ in readers.READERS}
    installed = {module for _, _, module, _ in readers.READERS if importlib.util.find_spec(module)}
    assert {module for _, _, module, _ in readers.READERS} - installed <= HEAVY


@pytest.mark.parametrize(
    ("kind", "package", "module", "read"), readers.READERS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_row_says_what_its_reader_keeps(tmp_path, kind, package, module, read):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{package} is not installed")
    kept = TABLE[kind, package]
    if kept["version"] and importlib.metadata.version(package) != kept["version"]:
        pytest.skip(f"the table is of {package} {kept['version']}")
    assert readers.row(kind, package, module, read, tmp_path) == kept


@pytest.mark.parametrize("kind", [k for k in readers.HOLDS if k != "csv"])
def test_what_we_write_we_read(kind):
    ours = TABLE[kind, "Transcript.load"]
    assert {a for a in readers.ASPECTS if ours[a] == "no"} <= {"settings"}
