"""Each check of the doctor, in the situation it is for."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import smallest_nb as snb
from smallest_nb.client import background_loop
from smallest_nb.notebook.doctor import front_end, kernel, python_checks
from smallest_nb.notebook.doctor.page import BURST, Burst, PageFacts, check_page
from smallest_nb.notebook.doctor.report import Check, Report

ROOT = Path(snb.__file__).resolve().parents[1]
CANARY = "sk_canary_checkup_77aa"


def by_id(checks):
    return {c.id: c for c in checks}


# The report.


def test_what_others_say_is_cut_and_does_nothing_to_a_terminal():
    check = Check("service.region", "Region", "green", "\x1b[31mred\x07\nline " + "long " * 1000)
    assert check.found.startswith("\\x1b[31mred\\x07 line long")
    assert len(check.found) == 400


def test_a_report_in_every_form():
    report = Report(
        [Check("page.host", "Host", "green", "here"), Check("python.version", "Python", "amber", "<3>", "do")]
    )
    assert [c.id for c in report.checks] == ["python.version", "page.host"]
    assert report.ok
    report = report.with_checks([Check("page.host", "Host", "red", f"refused {CANARY}", f"not {CANARY}")])
    assert not report.ok
    assert report["page.host"].found == "refused sk_***"
    assert report.summary() == "1 amber, 1 red"
    words = json.loads(report.to_json())
    assert [c["status"] for c in words["checks"]] == ["amber", "red"]
    assert "&lt;3&gt;" in report._repr_html_()
    text = report.to_text()
    assert text.index("Python") < text.index("-> do") < text.index("Page") < text.index("refused")
    for form in (text, report.to_json(), report._repr_html_(), repr(report)):
        assert CANARY not in form
    with pytest.raises(KeyError, match=r"page\.host"):
        report["page.nothing"]
    with pytest.raises(ValueError, match="is not a check"):
        Check("elsewhere.x", "X", "green", "")


# Python and packages.


def installed(monkeypatch, folder, **versions):
    """Packages whose metadata come first on the path."""
    for name, version in versions.items():
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(str(folder))


def test_this_environment_is_green():
    looked = by_id(python_checks.check_python())
    assert {i: c for i, c in looked.items() if c.status != "green"} == {}
    assert {"python.version", "python.ipykernel", "python.ipywidgets", "python.websockets", "python.anywidget"} <= set(
        looked
    )


@pytest.mark.parametrize(
    ("version", "status", "words"),
    [("6.17.1", "amber", "between cells"), ("6.31.0", "amber", "between cells"), ("7.0.1", "red", "LookupError"),
     ("7.0.0a1", "red", "broken for threads"), ("7.1.0", "green", "7.1.0"), ("7.10.2", "green", "7.10.2")],
)  # fmt: skip
def test_ipykernel_by_version(monkeypatch, tmp_path, version, status, words):
    installed(monkeypatch, tmp_path, ipykernel=version)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    check = by_id(python_checks.check_python())["python.ipykernel"]
    assert (check.status, words in check.found, bool(check.fix)) == (status, True, status != "green")


def test_packages_that_are_too_old_missing_or_not_yet_restarted(monkeypatch, tmp_path):
    import numpy as np

    monkeypatch.delitem(sys.modules, "ipywidgets", raising=False)
    installed(monkeypatch, tmp_path, websockets="12.0", soxr="0.4", numpy="99.1", ipywidgets="7.7.1")
    looked = by_id(python_checks.check_python())
    assert looked["python.websockets"].status == looked["python.soxr"].status == "red"
    assert 'pip install "websockets>=15"' in looked["python.websockets"].fix
    assert (looked["python.numpy"].status, looked["python.numpy"].fix) == ("amber", "Restart the kernel.")
    assert np.__version__ in looked["python.numpy"].found
    assert looked["python.ipywidgets"].status == "amber"
    assert "JupyterLab" in looked["python.ipywidgets"].found


# The front end.


@pytest.fixture
def clone(tmp_path):
    shutil.copytree(ROOT / "smallest_nb" / "notebook" / "static", tmp_path / "smallest_nb" / "notebook" / "static")
    shutil.copytree(ROOT / "js" / "src", tmp_path / "js" / "src")
    for name in ("build.mjs", "package.json"):
        shutil.copy(ROOT / "js" / name, tmp_path / "js" / name)
    return tmp_path


def test_the_front_end_as_it_was_built(clone):
    static = clone / "smallest_nb" / "notebook" / "static"
    looked = front_end.check_front_end(static)
    assert [c.status for c in looked] == ["green", "green"]
    assert json.loads((static / "manifest.json").read_text())["build"] in looked[0].found
    (clone / "js" / "src" / "dom.ts").open("a").write("// changed\n")
    assert front_end.check_front_end(static)[1].status == "amber"
    shutil.rmtree(clone / "js")  # as in a wheel
    assert [c.status for c in front_end.check_front_end(static)] == ["green", "green"]
    (static / "player.js").open("a").write("\n")
    (static / "tuner.css").unlink()
    damaged = front_end.check_front_end(static)[1]
    assert (damaged.status, damaged.found) == ("red", "missing or changed: player.js, tuner.css")
    (static / "manifest.json").write_text("{}")
    assert front_end.check_front_end(static)[0].status == "red"
    (static / "manifest.json").unlink()
    assert front_end.check_front_end(static)[0].status == "amber"
    shutil.rmtree(static)
    assert (front_end.check_front_end(static)[0].found, front_end.check_front_end(static)[0].status) == (
        "not built",
        "red",
    )


def test_sources_are_hashed_as_by_who_builds_them():
    sys.path.insert(0, str(ROOT))
    try:
        from hatch_build import source_hash
    finally:
        sys.path.remove(str(ROOT))
    assert front_end.source_hash(ROOT / "js") == source_hash(ROOT / "js")


# The kernel.


def test_a_loop_that_is_blocked_is_red(monkeypatch):
    assert by_id(kernel.check_kernel())["kernel.loop"].status == "green"
    monkeypatch.setattr(kernel, "_LOOP_SECS", 0.2)
    background_loop.post(time.sleep, 1.0)
    assert by_id(kernel.check_kernel())["kernel.loop"].status == "red"
    time.sleep(1.0)
    assert by_id(kernel.check_kernel())["kernel.loop"].status == "green"


def test_what_a_press_meets_while_a_cell_runs():
    words = [kernel.busy_behaviour(v, on_main=m) for v, m in [("6.17.1", True), ("7.3.0", False), ("7.4.0", True)]]
    assert ["ended" in words[0], "of their own" in words[1], "awaits" in words[2]] == [True] * 3


# The page.

HELLO = {"build": "b1", "host": "jupyter", "secure": True, "microphone": "ask", "worklet": True, "pull": False}
REPORTED = {
    "browser": "Firefox 140",
    "permission": "prompt",
    "devices": 1,
    "worklet": "blob",
    "autoplay": "running",
    "rate": 48000,
    "trips": [4.0, 5.0, 6.0],
    "binary": True,
    "burst_up": BURST,
    "burst_down": [BURST, 900.0],
}


def page(hello=(), reported=(), threads=("subshell",), burst=None, **kwargs):
    facts = PageFacts({**HELLO, **dict(hello)}, kwargs.pop("binary", True), {**REPORTED, **dict(reported)},
                      Counter(threads), burst or Burst(count=BURST, took_ms=800.0))  # fmt: skip
    return by_id(check_page(facts, build="b1", ipykernel=kwargs.pop("ipykernel", "7.4.0")))


def test_without_a_page_every_line_says_so():
    looked = check_page(None, build="b1", ipykernel=None)
    assert {(c.status, c.found) for c in looked} == {("unknown", "no page has answered yet")}
    assert {c.id for c in looked} == set(page())


def test_a_good_page_is_green():
    assert {i: c for i, c in page().items() if c.status != "green"} == {}
    assert page()["page.trip"].found == "5 ms (median of 3, 4 to 6)"


@pytest.mark.parametrize(
    ("line", "status", "words", "given"),
    [
        ("page.build", "red", "the kernel's is b1", {"hello": {"build": "b0"}}),
        ("page.secure", "red", "neither microphone", {"hello": {"secure": False}}),
        ("page.microphone", "red", "not secure", {"hello": {"microphone": "insecure"}}),
        ("page.microphone", "red", "does not let outputs use", {"hello": {"microphone": "forbidden"}}),
        ("page.microphone", "red", "does not support", {"hello": {"microphone": "missing"}}),
        ("page.microphone", "red", "refused in the browser", {"reported": {"permission": "denied"}}),
        ("page.devices", "amber", "none", {"reported": {"devices": 0}}),
        ("page.devices", "unknown", "not known", {"reported": {"devices": None}}),
        ("page.worklet", "green", "data URL", {"reported": {"worklet": "data"}}),
        ("page.worklet", "red", "blocks audio worklets", {"reported": {"worklet": "a policy blocks audio worklets"}}),
        ("page.autoplay", "amber", "suspended", {"reported": {"autoplay": "suspended"}}),
        ("page.rate", "unknown", "not known", {"reported": {"rate": None}}),
        ("page.binary", "red", "to the kernel", {"binary": False}),
        ("page.binary", "red", "to the page", {"reported": {"binary": False}}),
        ("page.trip", "amber", "300 ms", {"reported": {"trips": [300.0]}}),
        ("page.trip", "amber", "48 ms", {"reported": {"trips": [48.0, 47.0, 52.0]}}),
        ("page.trip", "green", "48 ms", {"reported": {"trips": [48.0, 9.0, 52.0]}}),
        ("page.trip", "green", "48 ms", {"reported": {"trips": [48.0, 47.0, 52.0]}, "hello": {"host": "vscode"}}),
        ("page.trip", "amber", "busy", {"reported": {"trips": []}}),
        ("page.thread", "unknown", "no message", {"threads": ()}),
        ("page.up", "red", "97 of 100", {"burst": Burst(count=97, took_ms=800.0)}),
        ("page.up", "amber", "7000 ms", {"burst": Burst(count=BURST, took_ms=7000.0)}),
        ("page.down", "red", "3 of 100", {"reported": {"burst_down": [3, 10.0]}}),
        ("page.down", "unknown", "not known", {"reported": {"burst_down": None}}),
        ("page.busy", "amber", "has ended", {"threads": ("main",), "ipykernel": "6.17.1"}),
        ("page.busy", "green", "while a cell awaits", {"threads": ("main",), "ipykernel": "7.4.0"}),
        ("page.busy", "green", "whatever a cell does", {"threads": ("subshell",), "ipykernel": "7.3.0"}),
    ],
)
def test_what_a_page_lacks_is_said(line, status, words, given):
    check = page(**given)[line]
    assert (check.status, words in check.found) == (status, True), check
    assert bool(check.fix) == (status in ("red", "amber")), check


def test_a_burst_is_counted_in_whatever_order_it_comes():
    burst = Burst()
    for run, numbers in ((1, [0, 1, 2]), (2, [1, 0, 3, 2, 4])):
        for number in numbers:
            burst.add(run, number, 10.0 + number / 100)
    assert (burst.count, burst.late, round(burst.took_ms)) == (5, 2, 30)
    check = page(burst=Burst(count=BURST, late=3, took_ms=20.0))["page.up"]
    assert (check.status, check.found) == ("amber", "100 messages in 20 ms, 3 out of order")


def test_facts_of_the_wrong_kind_are_no_facts():
    for odd in ("odd", ["x", None], {}, -1):
        assert {c.id for c in page(reported=dict.fromkeys(REPORTED, odd)).values()} == set(page())
    assert check_page(PageFacts(HELLO, binary=True), build="b1", ipykernel=None)[0].status == "green"
