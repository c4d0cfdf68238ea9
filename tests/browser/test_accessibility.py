"""axe-core finds nothing wrong with any widget, folded and unfolded, light and dark; nothing is cut off."""

from __future__ import annotations

import pytest

from tests.support.lab import ROOT
from tests.support.page_state import AXE, what_stays
from tests.support.screenshots import picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
MADE = {
    "tuner": "snb.VoiceTuner('Good evening.', auto_play=False)",
    "transcriber": "snb.LiveTranscriber()",
    "conversation": "snb.Conversation(lambda text: 'Yes.')",
    "listening": "snb.ListeningTest({'a': voice_like(0, 1.0, 0.2), 'b': voice_like(1, 1.0, 0.2)}, 'ab', seed=8)",
    "doctor": "snb.doctor()",
    "player": "snb.Player(snb.Clip(bytes(2 * 24000 * 2), 24000))",
    "microphone": "snb.Microphone()",
    "settings": "snb.SettingsPanel(snb.SmallestTTSSettings.complete())",
    "transcript-view": "snb.TranscriptView(lines)",
}
# Those of a composite's parts are none of their own.
ROOTS_OF = {
    "listening": ".snb-listen", "player": ".snb-card.snb-player", "microphone": ".snb-card.snb-mic",
    "settings": ".snb-card.snb-settings", "transcript-view": ".snb-card.snb-transcript",
}  # fmt: skip
IMPORTS = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
import smallest_nb as snb
from tests.support.listening_sounds import voice_like
from smallest_nb.results.transcript import Segment, Transcript
lines = Transcript()
lines.apply(Segment('Good evening.', True, 0.0, 1.0, (), (), 0))"""
ROOTS = "[...document.querySelectorAll('.snb')].filter((e) => e.offsetParent && !e.parentElement.closest('.snb'))"
VIOLATIONS = """async (number) => {
  const box = document.querySelectorAll('.jp-CodeCell')[number + 1].querySelector('.snb');
  return (await axe.run(box)).violations
    .map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '));
}"""
OPEN = """(number) => {
  const box = document.querySelectorAll('.jp-CodeCell')[number + 1].querySelector('.snb');
  for (const one of box.querySelectorAll('details:not([open]) > summary')) if (one.offsetParent) one.click();
}"""
# What stands over the edge of its widget, and text that is cut off beside it.
CUT = """() => [...document.querySelectorAll('.snb *')].filter((e) => e.offsetParent).filter((e) => {
  let root = e.closest('.snb');
  while (root.parentElement.closest('.snb')) root = root.parentElement.closest('.snb');
  const scrolls = e.closest('pre, .snb-voices, .snb-takes, .snb-doctor-table, table');
  return !scrolls && e.getBoundingClientRect().right > root.getBoundingClientRect().right + 1;
}).map((e) => e.outerHTML.slice(0, 100))"""
# A control that is hidden has no place, whatever else its style says.
HIDDEN = """() => [...document.querySelectorAll('.snb [hidden]')]
  .filter((e) => getComputedStyle(e).display !== 'none').map((e) => e.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="module")
def notes(lab):
    cells = [IMPORTS, *MADE.values()]
    with lab.browse(lab.write_notebook("every-widget.ipynb", *cells)) as page:
        page.run_all()
        page.page.wait_for_function(f"(count) => {ROOTS}.length >= count", arg=len(MADE))
        page.page.wait_for_function(
            "() => [...document.querySelectorAll('.snb [data-ready], .snb[data-ready]')]"
            ".every((e) => e.dataset.ready === 'true')"
        )
        page.page.add_script_tag(path=AXE)
        yield page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", MADE)
def test_a_screen_reader_finds_nothing_wrong_with_any_widget(notes, kind, theme):
    number = list(MADE).index(kind)
    notes.set_theme(dark=theme == "dark")
    folded = notes.page.evaluate(VIOLATIONS, number)
    notes.page.evaluate(OPEN, number)
    opened = notes.page.evaluate(VIOLATIONS, number)
    picture(notes, ROOTS_OF.get(kind, f".snb-{kind}"), f"every-{kind}-{theme}.png")
    assert (folded, opened) == ([], [])


def test_what_is_hidden_is_not_shown(notes):
    assert notes.page.evaluate(HIDDEN) == []


@pytest.mark.parametrize(("width", "zoom"), [(360, 1), (860, 1), (860, 2)], ids=["360", "860", "200-percent"])
def test_no_widget_is_cut_off(notes, width, zoom):
    style = (
        "(css) => { for (const box of document.querySelectorAll('.jp-OutputArea-output')) box.style.cssText = css; }"
    )
    notes.page.evaluate(style, f"max-width: {width}px; zoom: {zoom}")
    found = what_stays(notes, CUT)
    notes.page.evaluate(style, "")
    assert found == []
