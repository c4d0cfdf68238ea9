"""The VoiceTuner in the page: by keyboard, in narrow outputs, for screen readers; pictures, comparing, copying."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.support.page_sound import rendered
from tests.support.page_state import AXE, PLAYED, until, what_stays
from tests.support.screenshots import FOLDER, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CELL = """import smallest_nb as snb
tuner = snb.VoiceTuner("Your table is booked for half past seven.", voice="liam", word_timestamps=True)
tuner"""


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request):
    return request.param


@pytest.fixture(scope="module")
def notes(lab, theme):
    """One page for this module's tests in each theme, with two takes."""
    name = lab.write_notebook(f"tuner-{theme}.ipynb", CELL)
    with lab.browse(name, dark=theme == "dark") as page:
        page.run_all()
        page.page.wait_for_selector(".snb-player[data-ready='true']")
        page.page.get_by_role("button", name="Speak").click()
        page.page.wait_for_function("() => document.querySelector('.snb-player').dataset.takes !== ''")
        page.page.wait_for_function(PLAYED)
        page.do("tuner.auto_play = False; tuner.settings = {'voice': 'magnus'}; t = tuner.audition(play=True)")
        page.page.wait_for_function(PLAYED)
        yield page


def rows(notes):
    return notes.page.locator(".snb-take")


def test_words_are_marked_as_they_sound(notes):
    notes.page.evaluate(
        """() => {
          window.__marked = [];
          new MutationObserver((changes) => {
            const marked = changes.map((change) => change.target).filter((word) => word.dataset.now !== undefined);
            window.__marked.push(...marked.map((word) => word.innerText));
          }).observe(document.querySelector(".snb-player"), { subtree: true, attributeFilter: ["data-now"] });
        }"""
    )
    before = notes.page.evaluate("() => document.querySelector('.snb-player').dataset.takes")
    notes.do("tuner.settings = {'voice': 'liam'}; t = tuner.audition(play=True)")
    notes.page.wait_for_function(
        f"(before) => document.querySelector('.snb-player').dataset.takes !== before && ({PLAYED})()", arg=before
    )
    assert {"table", "booked"} <= set(notes.page.evaluate("() => window.__marked"))
    about = notes.page.locator(".snb-waterfall summary").inner_text()
    assert "first sound after" in about
    assert "heard after" in about
    assert "estimated" not in about, "the service gave the times"


def test_the_spectrogram_shows_where_the_sound_is(notes, theme):
    button = notes.page.get_by_role("button", name="Spectrogram")
    button.click()
    levels = notes.page.wait_for_function(
        """() => {
          const canvas = document.querySelector('.snb-spectrum');
          if (!canvas?.width || !canvas.offsetParent) return null;
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const rows = [0, 0];
          for (let i = 0; i < data.length; i += 4) {
            const row = Math.floor(i / 4 / canvas.width) < canvas.height / 2 ? 0 : 1;
            rows[row] += Math.abs(data[i] - data[0]) + Math.abs(data[i + 1] - data[1]);
          }
          return rows[1] > 0 && rows;
        }"""
    ).json_value()
    assert levels[1] > 1.3 * levels[0], "speech has more below 4 kHz than above"
    picture(notes, ".snb-frame", f"voice-tuner-spectrogram-{theme}.png")
    button.click()


def test_the_waterfall_adds_up(notes):
    notes.page.locator(".snb-waterfall summary").click()
    steps = notes.page.locator(".snb-waterfall-ms").all_inner_texts()
    assert len(steps) >= 1
    total = sum(int(s.split()[0]) for s in steps)
    summary = notes.page.locator(".snb-waterfall summary").inner_text()
    said = int(re.search(r"(?:heard|first sound) after (\d+) ms(?!.*after)", summary)[1])
    assert abs(said - total) <= len(steps)
    notes.page.locator(".snb-waterfall summary").click()


def test_takes_by_keyboard_alone(notes, theme):
    count = rows(notes).count()
    assert count >= 2
    rows(notes).first.focus()
    notes.page.keyboard.press("ArrowDown")
    focused = notes.page.evaluate("() => document.activeElement.dataset.number")
    assert focused == rows(notes).nth(1).get_attribute("data-number")
    notes.page.keyboard.press("s")
    notes.page.wait_for_selector(f".snb-take[data-number='{focused}'] [aria-label='Unstar']")
    assert notes.kernel(f"tuner.takes.get({focused}).starred") is True
    assert notes.page.evaluate("() => document.activeElement.dataset.number") == focused, "the focus stays"
    before = notes.page.evaluate("() => document.querySelector('.snb-player').dataset.takes")
    notes.page.keyboard.press(" ")
    notes.page.wait_for_function(
        f"(before) => document.querySelector('.snb-player').dataset.takes !== before && ({PLAYED})()", arg=before
    )
    notes.page.wait_for_selector(f".snb-take[data-current][data-number='{focused}']")
    notes.page.keyboard.press("n")
    notes.page.keyboard.type("the warm one")
    notes.page.keyboard.press("Enter")
    until(notes, f"tuner.takes.get({focused}).note", "the warm one")
    assert notes.page.evaluate("() => document.activeElement.dataset.number") == focused
    notes.page.locator(f".snb-take[data-number='{focused}'] .snb-take-figures").get_by_text("the warm one").wait_for()
    picture(notes, ".snb-frame", f"voice-tuner-takes-{theme}.png")


def test_P6_the_list_keeps_the_persons_place(notes):
    for text in ("The first of three.", "The second of three.", "The third of three."):
        notes.do(f"t = tuner.audition({text!r}, play=True)")
    newest = "(text) => document.querySelector('.snb-take-text').textContent.includes(text)"
    notes.page.wait_for_function(newest, arg="third")
    active = "() => document.activeElement.closest('li')?.dataset.number + ' ' + document.activeElement.tagName"
    second = rows(notes).nth(1)
    number = int(second.get_attribute("data-number"))
    second.get_by_role("button", name="More about take").click()
    second.locator(".snb-take-note").click()
    notes.page.keyboard.type("warm, ke")
    notes.do("t = tuner.audition('Another one comes meanwhile.', play=True)")
    notes.page.wait_for_function(newest, arg="meanwhile")
    notes.page.keyboard.type("ep")
    assert notes.page.evaluate(active) == f"{number} INPUT"
    notes.page.keyboard.press("Enter")
    until(notes, f"tuner.takes.get({number}).note", "warm, keep")
    notes.page.locator(f".snb-take[data-number='{number}']").focus()
    notes.page.keyboard.press("Control+s")
    notes.page.keyboard.press("Delete")
    notes.page.wait_for_selector(f".snb-take[data-number='{number}']", state="detached")
    assert notes.page.evaluate(active) == f"{number - 1} LI", "the next one, not the newest"
    assert not notes.kernel("any(t.starred for t in tuner.takes if t.number > 3)")


def test_UX10_two_takes_switch_at_the_same_instant(notes, theme):
    notes.page.evaluate("() => window.__tap.clear()")
    notes.page.get_by_role("button", name="Compare take 2 as B").click()
    notes.page.get_by_text("Press A on another take to compare it with take 2.").first.wait_for()
    notes.page.get_by_role("button", name="Compare take 1 as A").click()
    compare = notes.page.locator(".snb-takes-box .snb-compare")
    compare.wait_for()
    notes.page.wait_for_selector(".snb-player[data-state='playing']")
    notes.page.wait_for_function("() => document.querySelector('.snb-player').dataset.takes === 'compare-a'")
    assert "X switches." in compare.inner_text()
    assert notes.page.locator(".snb-player .snb-compare").is_hidden(), "it stands with the takes, and nowhere else"
    notes.page.wait_for_function("() => document.querySelector('.snb-player-wave').getAttribute('aria-valuenow') > 0.5")
    at = "() => Number(document.querySelector('.snb-player-wave').getAttribute('aria-valuenow'))"
    began, before = time.monotonic(), notes.page.evaluate(at)
    notes.page.keyboard.press("x")
    notes.page.wait_for_function("() => document.querySelector('.snb-player').dataset.takes === 'compare-b'")
    after = notes.page.evaluate(at)
    assert 0 <= after - before < time.monotonic() - began + 0.6
    picture(notes, ".snb-frame", f"voice-tuner-compare-{theme}.png")
    notes.page.wait_for_function(PLAYED)
    heard, _ = rendered(notes)
    assert np.abs(np.diff(heard)).max() < 0.35, "switching clicks"
    notes.do("t = tuner.audition('A take that comes meanwhile.', play=False)")
    pressed = notes.page.locator(".snb-take [data-slot][aria-pressed='true']")
    assert [row.get_attribute("aria-label") for row in pressed.all()] == ["Compare take 2 as B", "Compare take 1 as A"]
    notes.page.get_by_role("button", name="Stop comparing").click()
    notes.page.wait_for_selector(".snb-compare", state="hidden")


def test_space_plays_and_command_mode_hears_nothing_of_it(notes):
    cells = notes.page.evaluate("() => window.__panel().content.model.cells.length")
    notes.page.locator(".snb-player-wave").focus()
    before = notes.page.evaluate("() => document.querySelector('.snb-player').dataset.takes")
    for key in ("a", "b", "x", "d", "d"):
        notes.page.keyboard.press(key)
    notes.page.keyboard.press(" ")
    notes.page.wait_for_function(
        f"(before) => document.querySelector('.snb-player').dataset.takes !== before && ({PLAYED})()", arg=before
    )
    assert notes.page.evaluate("() => window.__panel().content.model.cells.length") == cells


def test_code_is_copied(notes, theme):
    notes.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notes.page.locator(".snb-tab[data-target='curl']").click()
    notes.page.wait_for_function("() => document.querySelector('.snb-code').textContent.startsWith('curl')")
    notes.page.get_by_role("button", name="Copy", exact=True).click()
    notes.page.get_by_text("Copied.").first.wait_for()
    assert notes.page.evaluate("() => navigator.clipboard.readText()") == notes.kernel("tuner.code('curl')")
    assert notes.page.locator(".snb-code").evaluate("(e) => parseInt(getComputedStyle(e).paddingLeft)") >= 8
    picture(notes, ".snb-frame", f"voice-tuner-code-{theme}.png")
    notes.page.locator(".snb-tab[data-target='pipecat']").click()
    assert notes.page.get_by_text("Copied.").count() == 0, "of another target"


def turn_all(notes, *, opened):
    """Open what is folded away, or close it."""
    closed = "details:not([open]) > summary, button[aria-expanded=false]:not(.snb-tab), .snb-tab:first-child"
    found = closed if opened else "details[open] > summary, button[aria-expanded=true]"
    notes.page.evaluate(
        """(found) => {
          const all = [...document.querySelector('.snb-frame').querySelectorAll(found)];
          for (const control of all) if (control.offsetParent) control.click();
        }""",
        found,
    )


@pytest.mark.parametrize("opened", [False, True], ids=["closed", "open"])
def test_a_screen_reader_finds_nothing_wrong(notes, theme, opened):
    if opened:
        turn_all(notes, opened=True)
        notes.page.locator(".snb-voices").wait_for()
    notes.page.add_script_tag(path=AXE)
    found = notes.page.evaluate(
        "async () => (await axe.run(document.querySelector('.snb-frame'))).violations"
        ".map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '))"
    )
    if opened:
        picture(notes, ".snb-frame", f"voice-tuner-open-{theme}.png")
        turn_all(notes, opened=False)
    assert found == []


@pytest.mark.parametrize("width", [360, 550])
def test_narrow_outputs_need_no_sideways_scrolling(notes, theme, width):
    notes.page.evaluate(
        """(width) => {
          const box = document.querySelector('.jp-OutputArea-child:has(.snb-player) .jp-OutputArea-output');
          box.style.maxWidth = width + 'px';
        }""",
        width,
    )
    too_wide = what_stays(
        notes,
        """(width) => [...document.querySelectorAll('.snb, .snb *')]
          .filter((e) => e.offsetParent && e.getBoundingClientRect().width > width + 1)
          .map((e) => e.className + ' ' + e.getBoundingClientRect().width)""",
        width,
    )
    bars = notes.page.evaluate(
        """() => [...document.querySelectorAll('.snb *')]
          .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1)
          .filter((e) => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
          .map((e) => e.className)"""
    )
    picture(notes, ".snb-frame", f"voice-tuner-{width}-{theme}.png")
    notes.page.evaluate(
        "() => { document.querySelector('.jp-OutputArea-child:has(.snb-player) .jp-OutputArea-output')"
        ".style.maxWidth = ''; }"
    )
    assert too_wide == []
    assert bars == [], "a horizontal scroll bar"


def test_the_notebook_keeps_what_was_last_shown(notes, lab, theme):
    number = notes.kernel("tuner.audition('Kept for those without a kernel.', fresh=True).number")
    face = notes.page.locator(".snb-face")
    notes.page.wait_for_function(
        "(take) => document.querySelector('.snb-face').innerHTML.includes(take)", arg=f"Take {number}"
    )
    assert not face.first.is_visible(), "beside a working widget it would show everything twice"
    notes.save()
    path = lab.notebooks / f"tuner-{theme}.ipynb"
    exported = subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(path)],
        capture_output=True, check=True, timeout=60,
    ).stdout.decode()  # fmt: skip
    page = notes.page.context.new_page()
    page.set_content(exported, wait_until="domcontentloaded")  # the rest comes from the internet
    assert page.locator(".snb-face").get_by_text("Kept for those without a kernel.").first.is_visible()
    assert page.locator(".snb-face svg").first.is_visible()
    assert page.locator("audio").count() == 0, "sound was saved without a request for it"
    page.screenshot(path=FOLDER / f"voice-tuner-static-{theme}.png")
    page.close()


def test_an_error_is_shown_beside_its_cause_and_the_tuner_still_works(notes, theme):
    notes.do(
        "from smallest_nb.notebook import session; session.simulator().behaviour.retired = frozenset({'lightning-v2'})"
    )
    notes.do("tuner.settings = {'model': 'lightning-v2', 'voice': 'emily'}")
    notes.page.get_by_role("button", name="Speak").click()
    notes.page.get_by_role("alert").get_by_text("lightning-v2 is no longer served.").wait_for()
    assert notes.page.get_by_role("button", name="Use lightning-v3.1-pro").is_visible()
    picture(notes, ".snb-frame", f"voice-tuner-error-{theme}.png")
    notes.do("tuner.settings = {'model': 'lightning-v3.1', 'voice': 'magnus', 'speed': 1.1}")
    notes.page.get_by_role("button", name="Speak").click()
    notes.page.wait_for_function("() => document.querySelector('.snb-player .snb-error').textContent === ''")
    notes.page.wait_for_function(PLAYED)
    assert [line for line in notes.console if "[smallest_nb]" in line] == []
