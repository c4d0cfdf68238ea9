"""The page of licences names what is asked for, as the installed packages say, and the bounds exclude known holes."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "licences.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SPELLED = {
    "MIT License": "MIT",
    "BSD 3-Clause License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Copyright (c) 2001-2002 Enthought, Inc. 2003, SciPy Developers.": "BSD-3-Clause",
    "OSI Approved :: MIT License": "MIT",
    "OSI Approved :: Python Software Foundation License": "PSF-2.0",
}
SAYS_NOTHING = {"espeakng-loader", "pocketsphinx"}
"""Their metadata names no licence, or a family of them; the files that they bring do."""
FIXED_IN = {
    "aiohttp": "3.14.4",
    "python-dotenv": "1.2.2",
    "websockets": "9.1",
    "numpy": "1.22",
    "soundfile": "0.12",
    "tqdm": "4.66.3",
}
"""The first versions without a vulnerability that is known of the package."""


def asked_for():
    """The packages and the extras that ask for each; those installed always have none."""
    found: dict[str, set[str]] = {}
    for line in PROJECT["dependencies"]:
        found.setdefault(canonicalize_name(Requirement(line).name), set())
    for extra, lines in PROJECT["optional-dependencies"].items():
        for line in lines:
            found.setdefault(canonicalize_name(Requirement(line).name), set()).add(extra)
    return found


def rows():
    cells = (
        re.findall(r"[^|]+", line) for line in PAGE.partition("## Lower bounds")[0].splitlines() if line[:1] == "|"
    )
    return {one[0].strip(): [c.strip() for c in one[1:]] for one in cells if one[0].strip() not in ("Package", "---")}


def test_K12_the_page_names_every_package_and_no_other():
    assert set(rows()) == set(asked_for())
    for name, extras in asked_for().items():
        cells = rows()[name]
        assert len(cells) == (3 if extras else 2)
        assert all(cells)
        if extras:
            assert set(cells[1].split(", ")) == extras


@pytest.mark.parametrize("name", sorted(set(asked_for()) - SAYS_NOTHING))
def test_K12_the_licence_is_the_one_that_the_package_says(name):
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    text = said.get("License-Expression") or (said.get("License") or "").split("\n")[0].strip()
    classified = [
        c.removeprefix("License :: ") for c in said.get_all("Classifier") or () if c.startswith("License :: ")
    ]
    spelled = {SPELLED.get(t, t) for t in (text, *classified)} | set(text.split(" AND "))
    assert rows()[name][0] in spelled


def test_K12_lgpl_and_gpl_are_mentioned_where_people_look():
    assert rows()["soxr"][0] == "LGPL-2.1-or-later"
    assert {n for n, cells in rows().items() if cells[0].startswith(("GPL", "AGPL"))} == {"espeakng-loader"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "soxr" in readme
    assert {n for n, cells in rows().items() if cells[0].startswith("MPL")} == {"tqdm"}
    assert "tqdm" in readme
    assert "LGPL" in readme
    assert "espeak-ng" in readme


@pytest.mark.parametrize("name", FIXED_IN)
def test_K12_bounds_exclude_known_vulnerabilities(name):
    lines = [*PROJECT["dependencies"], *(line for more in PROJECT["optional-dependencies"].values() for line in more)]
    bounds = [r.specifier for r in map(Requirement, lines) if canonicalize_name(r.name) == name]
    assert bounds
    older = [re.sub(r"\d+$", lambda m: str(int(m[0]) - 1), FIXED_IN[name]), "0.1"]
    assert not [v for v in older for bound in bounds if bound.contains(v)]


def test_K12_there_is_a_security_policy_in_the_source_distribution():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "Report a vulnerability" in text
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert "SECURITY.md" in tool["targets"]["sdist"]["include"]
