"""Where the page may not have a microphone: a tab of its own, and the way back; each with one press."""

from __future__ import annotations

import pytest

from tests.support.lab import Lab
from tests.support.page_state import until
from tests.support.screenshots import FOLDER
from tests.support.speech import SENTENCE, words

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CELL = "import smallest_nb as snb\nlive = snb.LiveTranscriber()\nlive"
FORBID = "--ServerApp.tornado_settings={'headers': {'Permissions-Policy': 'microphone=()'}}"


@pytest.fixture(scope="module")
def strict_lab(tmp_path_factory):
    """A JupyterLab whose pages get no microphone, as VS Code's webviews do not."""
    running = Lab(tmp_path_factory.mktemp("strict"), FORBID)
    yield running
    running.close()


@pytest.fixture(scope="module")
def notes(strict_lab, spoken):
    _, wav = spoken
    with strict_lab.browse(strict_lab.write_notebook("ways.ipynb", CELL), microphone=wav) as page:
        page.run_all()
        page.page.wait_for_selector(".snb-mic[data-ready='true']")
        yield page


def shot(locator, name):
    if FOLDER is not None:
        locator.screenshot(path=FOLDER / name)


def way(notes, name):
    return notes.page.locator(f".snb-mic-sources [data-source='{name}']")


def test_a_tab_of_its_own_hears_for_the_notebook(notes, spoken):
    clip, _ = spoken
    notes.page.get_by_role("button", name="Transcribe").click()
    assert "does not let outputs use the microphone" in notes.page.locator(".snb-mic .snb-error").inner_text()
    for theme in ("light", "dark"):
        notes.set_theme(dark=theme == "dark")
        shot(notes.page.locator(".snb-mic"), f"microphone-ways-{theme}.png")
    way(notes, "tab").click()
    link = notes.page.get_by_role("link", name="Open the microphone tab")
    address = link.get_attribute("href")
    with notes.page.context.expect_page() as opened:
        link.click()
    tab = opened.value
    tab.wait_for_selector(".snb-mic[data-ready='true']")
    assert "token" not in tab.url
    for theme in ("light", "dark"):
        tab.emulate_media(color_scheme=theme)
        shot(tab.locator("body"), f"microphone-tab-{theme}.png")
    assert notes.page.context.request.get(address).status == 403  # good for one load

    tab.get_by_role("button", name="Transcribe").click()
    tab.wait_for_selector(".snb-mic[data-state='recording']")
    notes.page.wait_for_selector(".snb-transcript-line[data-final='true']", timeout=int(clip.duration * 1000) + 10_000)
    notes.page.get_by_role("button", name="Stop").click()  # in the notebook
    tab.wait_for_selector(".snb-mic[data-state='idle']")
    heard = words(" ".join(notes.page.locator(".snb-transcript-text").all_inner_texts())).split()
    assert sum(word in heard for word in words(SENTENCE).split()) >= 6, heard

    tab.close()
    link.wait_for(state="detached")
    until(notes, "live.microphone.source_state['connected']", False)
    way(notes, "tab").click()
    link.wait_for()
    assert link.get_attribute("href") != address, "another one, with one press"
    notes.run_all()  # the way is remembered: the new widget offers the tab at once
    with notes.page.context.expect_page() as opened:
        link.click()
    tab = opened.value
    tab.get_by_role("button", name="Transcribe").click()
    tab.wait_for_selector(".snb-mic[data-state='recording']")
    notes.page.get_by_role("button", name="Stop").wait_for()
    way(notes, "page").click()  # while the tab records: that is over, and the tab with it
    tab.wait_for_selector("body[data-gone='true']")
    notes.page.get_by_role("button", name="Transcribe").wait_for()
    assert notes.kernel("(live.microphone.state, live.microphone.source_state['connected'])") == ["idle", False]
    link.wait_for(state="detached")


def test_a_file_is_one_press_away(notes):
    way(notes, "file").click()
    notes.page.get_by_text("Choose files", exact=True).wait_for()


def test_a_microphone_of_its_own_has_a_tab_too(strict_lab, spoken):
    cell = "import smallest_nb as snb\nmic = snb.Microphone()\nmic"
    with strict_lab.browse(strict_lab.write_notebook("microphone.ipynb", cell), microphone=spoken[1]) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-mic[data-ready='true']")
        way(notes, "tab").click()
        link = notes.page.get_by_role("link", name="Open the microphone tab")
        with notes.page.context.expect_page() as opened:
            link.click()
        tab = opened.value
        tab.wait_for_selector(".snb-mic[data-ready='true']")
        link.wait_for(state="detached")  # until it knows of the tab, the notebook's own page would record
        notes.page.get_by_role("button", name="Record").click()  # in the notebook, for the tab
        tab.wait_for_selector(".snb-mic[data-state='recording']")
        until(notes, "mic.received > 16000")
        tab.close()  # in mid-recording
        until(notes, "mic.state", "idle")
        notes.page.get_by_role("button", name="Record").wait_for()
