"""A listening test in a real JupyterLab: each kind pressed through, and what the page really plays."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soxr

from smallest_nb.results.listening import Study
from tests.support.listening_sounds import voice_like
from tests.support.page_sound import align, rendered
from tests.support.page_state import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
VOICES = {"sophia": 0.03, "magnus": 0.5}
"""Levels: 24 dB apart."""
CELL = """
import sys
sys.path.insert(0, {root!r})
import smallest_nb as snb
from tests.support.listening_sounds import voice_like
takes = {{name: voice_like(n, {seconds} + 0.1 * n, level) for n, (name, level) in enumerate({voices!r}.items())}}
test = snb.ListeningTest(takes, {kind!r}, seed=8, **{options!r})
test
"""
LOADED = ".snb-listen[data-loaded='true'][data-trial='{}']"


def takes():
    return {name: voice_like(n, 1.0 + 0.1 * n, level) for n, (name, level) in enumerate(VOICES.items())}


def options_of(kind):
    few = {"trials": 2, "training": 1, "checks": 1} if kind != "mushra" else {"training": 1, "reference": "sophia"}
    return {**few, "listeners": ["Ada"]}


@pytest.fixture
def opened(lab, request):
    kind, options, seconds = (*request.param, 1.0)[:3]
    cell = CELL.format(root=str(ROOT), voices=VOICES, kind=kind, options=options, seconds=seconds)
    with lab.browse(lab.write_notebook(f"listening-{kind}.ipynb", cell)) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-listen[data-ready='true']")
        yield notes


def hear_all(notes):
    """Play every sound of the trial to its end."""
    plays = notes.page.locator(".snb-listen-play")
    for n in range(plays.count()):
        plays.nth(n).click()
        notes.page.wait_for_function(
            "(n) => document.querySelectorAll('.snb-listen-play')[n].textContent.includes('✓')", arg=n
        )


def begin_of(sound, heard):
    """Where a sound begins that is like itself a period later: where least is left of what was heard without it."""
    alike = np.correlate(heard, sound, "valid")
    energy = np.convolve(heard**2, np.ones(len(sound)), "valid")
    return int(np.argmin(energy - 2 * alike))


def sounds_of(kind, options, number):
    """The sounds of a trial, as the kernel makes them."""
    study = Study.make(takes(), kind, seed=8, **options)
    trial = study.session("Ada").trials[number]
    return trial, study.sounds(trial)


@pytest.mark.parametrize("opened", [(k, options_of(k)) for k in ("ab", "abx", "mos", "mushra")], indirect=True,
                         ids=["ab", "abx", "mos", "mushra"])  # fmt: skip
def test_each_kind_is_pressed_through(opened):
    page = opened.page
    kind = opened.kernel("test.study.design.kind")
    assert page.locator(".snb-listen p").count() == 2
    page.get_by_role("button", name="Begin").click()
    numbers = opened.kernel("[t.number for t in test.study.session('Ada').trials]")
    for number in numbers:
        page.wait_for_selector(LOADED.format(number))
        answers = page.locator(".snb-listen-choices button, .snb-listen input")
        for n in range(answers.count()):
            assert answers.nth(n).is_disabled(), "an answer before the sounds were heard"
        assert page.get_by_role("button", name="Next").is_disabled()
        hear_all(opened)
        names = page.evaluate("() => document.querySelector('.snb-listen').outerHTML")
        assert "sophia" not in names
        assert "magnus" not in names
        if kind == "mushra":
            for n in range(answers.count()):
                answers.nth(n).fill(str(20 * n + 7))
        else:
            answers.nth(number % 2).click()
        page.get_by_role("button", name="Next").click()
        until(opened, f"len(test.results) > {number}")
    page.wait_for_selector(".snb-listen[data-phase='done']")
    page.wait_for_function("() => !document.querySelector('.snb-listen-body').textContent.includes('Thank')")
    assert opened.kernel("test.done")
    assert page.locator(".snb-listen-bar").count() == opened.kernel("len(test.outcome['bars'])")
    given = opened.kernel("[list(a.given) for a in test.results]")
    if kind == "mushra":
        assert given == [[7, 27, 47]] * 2
    else:
        base = 1 if kind == "mos" else 0
        assert given == [[n % 2 + base] for n in numbers]
    assert all(opened.kernel("[a.seconds > 1 for a in test.results]"))
    shown = page.locator(".snb-listen-body").inner_text()
    assert opened.kernel("test.summary()").splitlines()[0] in shown


@pytest.mark.parametrize("opened", [("ab", options_of("ab"))], indirect=True, ids=["ab"])
def test_the_keyboard_is_enough(opened):
    page = opened.page
    page.get_by_role("button", name="Begin").focus()
    page.keyboard.press("Enter")
    for number in range(4):
        page.wait_for_selector(LOADED.format(number))
        assert page.evaluate("() => document.querySelector('.snb-listen').contains(document.activeElement)")
        for key, place in (("a", 0), ("b", 1)):
            page.keyboard.press(key)
            page.wait_for_function(
                "(n) => document.querySelectorAll('.snb-listen-play')[n].textContent.includes('✓')", arg=place
            )
        page.keyboard.press("2")
        page.wait_for_selector(".snb-listen-choices button[aria-pressed='true']")
        page.keyboard.press("Enter")
        until(opened, f"len(test.results) > {number}")
    assert opened.kernel("[a.given[0] for a in test.results]") == [1] * 4
    assert opened.kernel("[a.switches for a in test.results]") == [0] * 4


@pytest.mark.parametrize("opened", [("mushra", {**options_of("mushra"), "training": 0})], indirect=True, ids=["mushra"])
def test_what_the_page_plays_is_equally_loud(opened):
    """The voices were given 24 dB apart: all sounds of a trial are within 0.5 LU, and as loud as BS.1770 says."""
    page = opened.page
    page.get_by_role("button", name="Begin").click()
    page.wait_for_selector(LOADED.format(0))
    page.locator(".snb-listen-play").first.click()  # the first sound of a page is recorded from its middle on
    page.wait_for_selector(".snb-listen-play >> text=✓")
    _, sounds = sounds_of("mushra", {**options_of("mushra"), "training": 0}, 0)
    levels = []
    for place, sound in enumerate(sounds):
        rendered(opened)
        page.evaluate("() => window.__tap.clear()")
        page.locator(".snb-listen-play").nth(place).click()
        page.wait_for_function("() => document.querySelector('.snb-listen-stop').textContent === 'Stop'")
        page.wait_for_function("() => document.querySelector('.snb-listen-stop').textContent === 'Play'")
        heard, rate = rendered(opened)
        expected = soxr.resample(sound.samples / 32768, sound.sample_rate, rate)
        start = align(expected, heard)
        part = heard[start : start + len(expected)]
        assert np.corrcoef(part, expected[: len(part)])[0, 1] > 0.999
        levels.append(pyloudnorm.Meter(rate).integrated_loudness(part))
    assert max(levels) - min(levels) < 0.5, levels
    assert levels == pytest.approx([-23] * len(levels), abs=0.5)


# In the page: on a busy machine the sound is over before the test hears that a place of it was reached.
SWITCH = """async () => {
  const buttons = document.querySelectorAll('.snb-listen-play');
  const line = document.querySelector('.snb-listen-line');
  for (const [share, place] of [[0.25, 1], [0.5, 0], [0.75, 1]]) {
    while (!(parseFloat(line.style.inlineSize) > 100 * share)) await new Promise(requestAnimationFrame);
    buttons[place].click();
  }
}"""


@pytest.mark.parametrize("opened", [("ab", options_of("ab"))], indirect=True, ids=["ab"])
def test_a_switch_is_synchronous_and_without_a_click(opened):
    """What is heard is A, then B, at the same instant of both to the sample; each switch takes less than 10 ms."""
    page = opened.page
    page.get_by_role("button", name="Begin").click()
    page.wait_for_selector(LOADED.format(0))
    first = page.locator(".snb-listen-play").first
    first.click()
    page.wait_for_selector(".snb-listen-play >> text=✓")
    rendered(opened)
    page.evaluate("() => window.__tap.clear()")
    first.click()
    page.evaluate(SWITCH)
    page.wait_for_function("() => document.querySelector('.snb-listen-stop').textContent === 'Play'")
    heard, rate = rendered(opened)
    _, sounds = sounds_of("ab", options_of("ab"), 0)
    a, b = (soxr.resample(s.samples / 32768, s.sample_rate, rate) for s in sounds)
    start = begin_of(a[: len(a) // 4], heard)
    heard = heard[start : start + len(a)]
    pure = []  # windows of 5 ms, 1 ms apart, in which A alone or B alone is heard
    mixed = []  # those in which it is neither, though one can tell: both may be silent in a pause
    size = rate // 200
    for at in range(0, len(heard) - size, rate // 1000):
        part, *alone = (sound[at : at + size] for sound in (heard, a, b))
        left = [np.sqrt(np.mean((part - one) ** 2)) for one in alone]
        apart = np.sqrt(np.mean((alone[0] - alone[1]) ** 2))
        if apart <= 0.01:
            continue
        if min(left) < 0.1 * max(apart, np.sqrt(np.mean(part**2))):  # the one that is heard may be in a pause
            pure.append((at, "ab"[int(np.argmin(left))]))
        else:
            mixed.append(at)
    changes = [(one, other) for one, other in itertools.pairwise(pure) if one[1] != other[1]]
    assert "".join([pure[0][1], *(other[1] for _, other in changes)]) == "abab"
    for (before, _), (after, _) in changes:  # 0.010 s from the last sample of the one to the first of the other
        between = [at for at in mixed if before < at < after]
        assert not between or (between[-1] - between[0] + rate // 1000 - size) / rate < 0.010
    steps = np.abs(np.diff(heard))
    assert steps.max() <= 1.1 * max(np.abs(np.diff(a)).max(), np.abs(np.diff(b)).max()), "a click"


@pytest.mark.parametrize(
    "opened", [("ab", {**options_of("ab"), "listeners": ["Ada", "Ben"]})], indirect=True, ids=["ab"]
)
def test_a_page_that_is_loaded_again_goes_on_and_the_next_listener_follows(opened):
    page = opened.page
    page.get_by_role("button", name="Begin").click()
    for number in range(4):
        page.wait_for_selector(LOADED.format(number))
        hear_all(opened)
        page.locator(".snb-listen-choices button").first.click()
        page.get_by_role("button", name="Next").click()
        until(opened, f"len(test.results) > {number}")
        if number == 1:
            opened.save()
            opened.reload()
            page.wait_for_selector(".snb-listen[data-ready='true']")
    page.wait_for_selector(".snb-listen[data-phase='done']")
    assert "Now hand over to Ben." in page.locator(".snb-listen-body").inner_text()
    assert page.locator(".snb-listen-bar").count() == 0
    saved = json.dumps(opened.kernel("test.static_html()"))
    assert "sophia" not in saved
    page.get_by_role("button", name="Next: Ben").click()
    page.wait_for_selector(".snb-listen[data-phase='start']")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_selector(LOADED.format(0))
    assert opened.kernel("test.trial['listener']") == "Ben"


@pytest.mark.parametrize("opened", [("ab", options_of("ab"), 12.0)], indirect=True, ids=["ab"])
def test_one_of_two_tabs_sounds_and_both_go_on(opened):
    page = opened.page
    page.get_by_role("button", name="Begin").click()
    page.wait_for_selector(LOADED.format(0))
    opened.save()
    other = opened.second_tab()
    other.page.wait_for_selector(LOADED.format(0))
    page.bring_to_front()
    page.locator(".snb-listen-play").first.click()
    page.wait_for_function("() => document.querySelector('.snb-listen-stop').textContent === 'Stop'")
    other.page.bring_to_front()
    other.page.locator(".snb-listen-play").first.click()
    other.page.wait_for_function("() => document.querySelector('.snb-listen-stop').textContent === 'Stop'")
    page.wait_for_function("() => document.querySelector('.snb-listen-stop').textContent === 'Play'")
    stopped = page.evaluate("() => parseFloat(document.querySelector('.snb-listen-line').style.inlineSize)")
    assert 0 < stopped < 100, "it ended by itself"
    hear_all(other)
    other.page.locator(".snb-listen-choices button").first.click()
    other.page.get_by_role("button", name="Next").click()
    page.bring_to_front()
    page.wait_for_selector(LOADED.format(1))
    assert opened.kernel("len(test.results)") == 1
