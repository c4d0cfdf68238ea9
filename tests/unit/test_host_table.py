"""The README's table of hosts is what the tests' results say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import host_table  # noqa: E402


def test_the_readme_shows_the_results():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == host_table.with_table(readme), "run `python scripts/host_table.py`"


def test_a_failure_is_reported(monkeypatch, tmp_path):
    (tmp_path / "results.json").write_text(
        '[{"host": "A", "version": "1", "audition": false, "transcription": null, "notes": "",'
        ' "lifecycle": {"a page that is reloaded": false, "two views": true}}]'
    )
    (tmp_path / "unreachable.json").write_text('[{"host": "B", "reason": "no way", "expect": "unknown"}]')
    monkeypatch.setattr(host_table, "HOSTS", tmp_path)
    assert "| A 1 | **fails** | not run | **fails**: a page that is reloaded |  |" in host_table.table()
    assert "| B | untested | untested | untested | no way. Unknown. |" in host_table.table()


def test_a_readme_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="no place for the table"):
        host_table.with_table("# Nothing")
