"""`snb.doctor()` in a real JupyterLab: every line is filled, by the kernel or by the page, and no key is anywhere."""

from __future__ import annotations

import json
import socket

import nbconvert
import nbformat
import pytest

from smallest_nb.notebook.doctor.page import _TITLES as PAGE_LINES
from tests.support.screenshots import contrast, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CANARY = "sk_canary_doctor_page_2e77"
SETTLED = """() => {
  const last = document.querySelector(".snb-doctor [data-check='page.down']");
  return last && last.dataset.status !== "unknown";
}"""
OPENINGS = """() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.__opened = 0;
  navigator.mediaDevices.getUserMedia = (wanted) => { window.__opened += 1; return open(wanted); };
}"""


def examined(lab, notes):
    notes.run_first()
    notes.page.wait_for_selector(".snb-doctor")
    notes.page.wait_for_function(SETTLED, timeout=60_000)


def lines(notes):
    return notes.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".snb-doctor tr[data-check]")].map(
          (row) => [row.dataset.check, [row.dataset.status, row.lastElementChild.textContent]]))"""
    )


def check_both_themes(notes, name: str, *selectors: str) -> None:
    """Keep a picture of the table in light and in dark, and check that what is there of some elements can be read."""
    for theme in ("light", "dark"):
        notes.set_theme(dark=theme == "dark")
        picture(notes, ".snb-doctor", f"{name}-{theme}.png")
        for selector in selectors:
            if notes.page.locator(selector).count():
                assert contrast(notes, f".snb-doctor {selector}") >= 4.5, f"{selector} in {theme}"


def test_every_line_is_filled_and_no_key_is_anywhere(lab, simulator):
    cell = "import smallest_nb as snb\ndoctor = snb.doctor()\ndoctor"
    name = lab.write_notebook("doctor.ipynb", cell)
    with lab.browse(name) as notes:
        # Not in the notebook and not in its history: the way a person sets a key before starting Jupyter.
        notes.do(f"import os; os.environ.update(SMALLEST_API_KEY={CANARY!r}, SMALLEST_BASE_URL={simulator.base_url!r})")
        notes.page.evaluate(OPENINGS)
        examined(lab, notes)
        found = lines(notes)
        assert set(PAGE_LINES) <= set(found)
        assert {name: line for name, line in found.items() if line[0] in ("unknown", "red")} == {}
        assert "***2e77, from environment SMALLEST_API_KEY" in found["service.key"][1]
        assert found["page.worklet"][1] == "loaded from a blob and ran"
        assert found["page.binary"][1] == "unchanged, both ways"
        assert found["page.secure"][1] == "yes"
        assert found["page.autoplay"][1] == "allowed"
        assert found["page.up"][1].startswith("100 messages in")
        assert found["page.down"][1].startswith("100 messages in")
        assert notes.page.evaluate("window.__opened") == 0
        report = json.loads(json.loads(json.dumps(notes.kernel("doctor.to_json()"))))
        assert {c["id"]: c["status"] for c in report["checks"]} == {k: v[0] for k, v in found.items()}
        check_both_themes(
            notes, "doctor", ".snb-doctor-summary", ".snb-doctor-group", "tr[data-status='amber'] .snb-doctor-fix"
        )
        # Half a second after the last change.
        notes.page.wait_for_function("() => document.querySelector('.snb-face').innerHTML.includes('100 messages in')")
        notes.save()
        shown = notes.page.content()
        state = notes.kernel("{k: str(v) for k, v in doctor.get_state().items()}")
    saved = (lab.notebooks / name).read_text()
    html, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.reads(saved, as_version=4))
    for text in (saved, html, shown, json.dumps(report), json.dumps(state), "\n".join(notes.console)):
        assert CANARY not in text
        assert "sk_canary" not in text
    assert "100 messages in" in saved, "the saved notebook has no static face"
    assert "Audio worklet" in html


def test_what_is_wrong_comes_with_what_to_do(lab):
    name = lab.write_notebook("doctor-wrong.ipynb", "import smallest_nb as snb\ndoctor = snb.doctor()\ndoctor")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{probe.getsockname()[1]}"
    with lab.browse(name, media="denied") as notes:
        notes.do(f"import os; os.environ.update(SMALLEST_API_KEY={CANARY!r}, SMALLEST_BASE_URL={url!r})")
        notes.page.evaluate("() => { AudioWorklet.prototype.addModule = async () => { throw new Error('blocked'); }; }")
        examined(lab, notes)
        found = lines(notes)
        wrong = {name for name, line in found.items() if line[0] == "red"}
        assert wrong == {"service.reached", "page.microphone", "page.worklet"}
        assert "Allow it in the address bar" in found["page.microphone"][1]
        assert "content security policy blocks audio worklets" in found["page.worklet"][1]
        assert found["service.websocket"][0] == "unknown"
        check_both_themes(
            notes, "doctor-wrong", "tr[data-status='red'] .snb-doctor-fix", "tr[data-status='unknown'] td:last-child"
        )

        notes.do("import os; del os.environ['SMALLEST_BASE_URL'], os.environ['SMALLEST_API_KEY']")
        notes.page.get_by_role("button", name="Check again").click()
        notes.page.wait_for_selector(".snb-doctor tr[data-check='service.websocket'][data-status='green']")
        assert "so the simulator answers" in lines(notes)["service.key"][1]
        notes.page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.__copied = text; }; }")
        notes.page.get_by_role("button", name="Copy report").click()
        notes.page.wait_for_function("window.__copied")
        copied = json.loads(notes.page.evaluate("window.__copied"))
        assert {c["id"] for c in copied["checks"]} == set(found)
        assert CANARY not in json.dumps(copied)


KERNELS = {
    "6.31.0": ("amber", "amber", "has ended"),
    "7.0.1": ("red", "green", "of their own"),
    "7.3.0": ("green", "green", "of their own"),
}


@pytest.mark.hosts
@pytest.mark.parametrize("ipykernel", KERNELS)
def test_other_kernels_are_judged_by_version_and_by_what_is_heard(lab, ipykernel):
    cell = "import smallest_nb as snb\ndoctor = snb.doctor()\ndoctor"
    name = lab.write_notebook(f"doctor-{ipykernel}.ipynb", cell, kernel=lab.add_kernel(ipykernel))
    with lab.browse(name) as notes:
        examined(lab, notes)
        found = lines(notes)
    version, busy, reason = KERNELS[ipykernel]
    assert found["python.ipykernel"][0] == version, found["python.ipykernel"]
    assert (found["page.busy"][0], reason in found["page.busy"][1]) == (busy, True), (
        found["page.busy"],
        found["page.thread"],
    )
    assert found["page.binary"][0] == "green"
    assert "smallest-nb[simulator]" in found["simulator.hearing"][1], "this environment was made without the extra"
