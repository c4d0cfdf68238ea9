"""What the documentation gives to its readers."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import subprocess
import sys
import zlib
from urllib.parse import unquote, urlsplit

import nbformat
import pages
import pytest
from blocks import ROOT

import smallest_nb
from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.simulator.faults import Behaviour

BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
"""The one picture that may come from elsewhere: where it does not, its text stands there."""
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def built(site):
    return {path: pages.read(path) for path in sorted(site.rglob("*.html"))}


def documented(site):
    """Return the names of Sphinx's own list of what is documented."""
    body = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split(" py:")[0] for line in zlib.decompress(body).decode().splitlines() if " py:" in line}


def test_every_public_name_is_in_the_reference(site):
    assert {f"smallest_nb.{name}" for name in smallest_nb.__all__} <= documented(site)


def rows(path):
    """Return the text of each row of a page's tables, with the quotes that the code has."""
    text = html.unescape(path.read_text(encoding="utf-8")).replace("\u2019", "'")
    return [" ".join(re.sub(r"<[^>]+>", "", row).split()) for row in re.findall(r"<tr.*?</tr>", text, re.DOTALL)]


@pytest.mark.parametrize("settings", [SmallestTTSSettings, SmallestSTTSettings])
def test_every_setting_has_a_row(settings, site):
    shown = rows(site / "reference" / "settings.html")
    for name, spec in settings.specs().items():
        (row,) = [r for r in shown if r.startswith(f"{name} ") and spec.help in r]
        assert spec.wire == name or f"on the wire {spec.wire}" in row
        for number in (spec.minimum, spec.maximum, spec.step):
            assert number is None or f"{number:g}" in row
        assert all(model in row for model in spec.models or ["all"])


def test_every_switch_of_the_simulator_has_a_row(site):
    shown = rows(site / "reference" / "simulator.html")
    for knob in dataclasses.fields(Behaviour):
        assert [r for r in shown if r.startswith(f"{knob.name} {knob.metadata['description']}")], knob.name


def test_every_command_and_option_is_there(site):
    text = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-m", "smallest_nb.cli", "--help"], capture_output=True, text=True, timeout=30
    )
    commands = re.search(r"{([\w,-]+)}", finished.stdout).group(1).split(",")
    assert {"demo", "simulate"} <= set(commands)
    for command in commands:
        assert f'<span class="pre">smallest-nb</span> <span class="pre">{command}' in text, command
    shown = rows(site / "reference" / "command-line.html")
    for option in ("--no-browser", "--concurrency", "--record"):
        assert any(row.startswith(option) for row in shown), option


def test_every_link_inside_the_site_leads_somewhere(site, built):
    assert len(built) > 25
    broken = []
    for path, page in built.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            there = not parts.fragment or target not in built or unquote(parts.fragment) in built[target].ids
            if not (target.is_file() and there):
                broken.append((path.relative_to(site), link))
    assert broken == []


def test_nothing_is_fetched_from_elsewhere(site, built):
    loaded = {(path.name, url) for path, page in built.items() for url in page.loads}
    loaded |= {(path.name, url) for path in site.rglob("*.css") for url in pages.urls_of_styles(path)}
    assert len(loaded) > 50
    assert {(name, url) for name, url in loaded if urlsplit(url).netloc and url != BADGE} == set()
    for path, page in built.items():
        assert "http" not in page.scripts.replace("http://www.w3.org/", ""), path


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_each_notebook_shows_its_widgets_faces(notebook, site, built):
    cells = [cell for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code"]
    outputs = [o for cell in cells for o in cell.outputs]
    meant_to_run = [cell for cell in cells if "nbval-skip" not in cell.metadata.get("tags", [])]
    assert outputs or not meant_to_run, "it was saved without outputs: run `make notebooks`"
    faces = sum('class="snb-face"' in o.get("data", {}).get("text/html", "") for o in outputs)
    page = built[site / "tutorials" / f"{notebook.stem}.html"]
    assert page.classes.count("snb-face") == faces
    if any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs):
        assert faces > 0, "it shows a widget, and nothing is seen of it without a kernel"


def test_what_is_searched_for_is_found(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    terms = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))["terms"]
    assert {"prebuff", "caption"} <= set(terms) or {"prebuffer", "caption"} <= set(terms)
