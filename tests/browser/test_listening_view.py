"""How a listening test looks, and what a screen reader makes of each part: light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.page_state import AXE, until, what_stays
from tests.support.screenshots import picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[2]
CELL = """
import sys
sys.path.insert(0, {root!r})
import smallest_nb as snb
from tests.support.listening_sounds import voice_like
takes = {{name: voice_like(n, 1.0, 0.1) for n, name in enumerate(("sophia", "magnus", "olivia"))}}
test = snb.ListeningTest(takes, {kind!r}, seed=8, training=0, checks=0, **{options!r})
test
"""
OPTIONS = {"ab": {"trials": 1}, "abx": {"trials": 1}, "mos": {"trials": 1}, "mushra": {"reference": "sophia"}}
VIOLATIONS = """async () => (await axe.run(document.querySelector('.snb-listen'))).violations
  .map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '))"""
OVERFLOWING = """() => [...document.querySelectorAll('.snb-listen *')].filter((e) => e.offsetParent).filter((e) =>
  e.getBoundingClientRect().right > document.querySelector('.snb-listen').getBoundingClientRect().right + 1
  || (e.matches('button') && e.scrollWidth > e.clientWidth))
  .map((e) => e.outerHTML.slice(0, 80))"""
BOX = "document.querySelector('.jp-OutputArea-child:has(.snb-listen) .jp-OutputArea-output')"


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request):
    return request.param


def look(notes, kind, part, theme):
    """Ask axe-core, make pictures, and see that nothing is cut off."""
    found = {"axe": notes.page.evaluate(VIOLATIONS), "cut off": what_stays(notes, OVERFLOWING)}
    if part == "trial":
        picture(notes, ".snb-listen", f"listening-test-{kind}-{part}-{theme}.png")
    notes.page.evaluate(f"() => {{ {BOX}.style.maxWidth = '360px'; }}")
    found["cut off at 360 px"] = what_stays(notes, OVERFLOWING)
    if part == "trial":
        picture(notes, ".snb-listen", f"listening-test-{kind}-{part}-360-{theme}.png")
    notes.page.evaluate(f"() => {{ {BOX}.style.maxWidth = ''; }}")
    return {f"{part}: {name}": what for name, what in found.items() if what}


@pytest.mark.parametrize("kind", ["ab", "abx", "mos", "mushra"])
def test_a_screen_reader_finds_nothing_wrong_and_nothing_is_cut_off(lab, theme, kind):
    cell = CELL.format(root=str(ROOT), kind=kind, options={**OPTIONS[kind], "listeners": ["Ada"]})
    with lab.browse(lab.write_notebook(f"listening-view-{kind}-{theme}.ipynb", cell), dark=theme == "dark") as notes:
        page = notes.page
        notes.run_all()
        page.wait_for_selector(".snb-listen[data-ready='true']")
        page.add_script_tag(path=AXE)
        wrong = look(notes, kind, "start", theme)
        page.get_by_role("button", name="Begin").click()
        trials = notes.kernel("len(test.study.session('Ada').trials)")
        for number in range(trials):
            page.wait_for_selector(f".snb-listen[data-loaded='true'][data-trial='{number}']")
            plays = page.locator(".snb-listen-play")
            for n in range(plays.count()):
                plays.nth(n).click()
                page.wait_for_function(
                    "(n) => document.querySelectorAll('.snb-listen-play')[n].textContent.includes('✓')", arg=n
                )
            answers = page.locator(".snb-listen-choices button, .snb-listen input")
            if kind == "mushra":
                for n in range(answers.count()):
                    answers.nth(n).fill(str(90 - 25 * n))
            else:
                answers.first.click()
            if number == 0:
                wrong |= look(notes, kind, "trial", theme)
            page.get_by_role("button", name="Next").click()
            until(notes, f"len(test.results) > {number}")
        page.wait_for_selector(".snb-listen[data-phase='done']")
        page.wait_for_selector(".snb-listen-bar, .snb-listen-body p")
        wrong |= look(notes, kind, "done", theme)
        assert wrong == {}
