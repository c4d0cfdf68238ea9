"""The page about the structure names what is in the code."""

from __future__ import annotations

import re

from blocks import ROOT

PAGE = (ROOT / "docs" / "explanation" / "structure.md").read_text(encoding="utf-8")
PRODUCT = ROOT / "smallest_nb"


def test_each_lock_of_a_thread_is_in_the_table():
    sources = {
        str(path.relative_to(PRODUCT))
        for path in PRODUCT.rglob("*.py")
        if re.search(r"threading\.(R?Lock|Condition|Semaphore)\(", path.read_text(encoding="utf-8"))
    }
    table = PAGE[PAGE.index("| Lock in |") :]
    assert set(re.findall(r"`([\w/]+\.py)`", table)) == sources


def test_each_file_that_is_named_exists():
    named = set(re.findall(r"`((?:client|api|audio|notebook|results|testing|comm)/[\w/]+\.py)`", PAGE))
    assert len(named) > 10
    assert [n for n in named if not ((PRODUCT / n).exists() or (PRODUCT / "notebook" / n).exists())] == []
