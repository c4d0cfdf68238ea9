"""The scripts in findings/ have their form, and are where the index and the documentation say they are."""

from __future__ import annotations

import os
import re

import pytest
from blocks import ROOT

FOLDER = ROOT / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
PAGES = [ROOT / "docs" / "explanation" / f"{name}.md" for name in ("hosts", "other-clients", "libraries")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_form(script):
    lines = script.read_text(encoding="utf-8").splitlines()
    head = lines[1 : lines.index("set -euo pipefail")]
    assert lines[0] == "#!/usr/bin/env bash"
    assert 3 <= len(head) <= 6
    assert all(line.startswith("# ") for line in head)
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", " ".join(head)), "when it was seen"
    text = "\n".join(lines)
    assert "mktemp -d" in text
    assert "trap 'rm -rf \"$work\"' EXIT" in text
    assert "import smallest_nb" not in text
    installed = re.search(r"bin/pip\" install(.*?)\n(?=\S)", text, re.DOTALL)
    packages = re.findall(r"['\"]([a-z][\w.\[\],-]*)(==[^'\";]+)?(?:;[^'\"]*)?['\"]", installed[1])
    assert packages
    assert all(version for _, version in packages), packages
    assert os.access(script, os.X_OK)


def test_each_script_is_in_the_index_and_in_one_table_of_the_documentation():
    names = {script.name for script in SCRIPTS}
    listed = re.findall(r"`([\w-]+\.sh)`", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(names)
    assert {name for page in PAGES for name in re.findall(r"`([\w-]+\.sh)`", page.read_text("utf-8"))} == names
