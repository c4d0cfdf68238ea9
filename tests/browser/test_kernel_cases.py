"""A page and its kernel: keys that stay in the widget, kernels that are gone, busy or unreachable."""

from __future__ import annotations

import os
import re
import signal

import pytest

from tests.support.page_state import until, wait_position

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
TUNER = """import smallest_nb as snb
tuner = snb.VoiceTuner("Your table is booked for half past seven.", auto_play=False)
tuner"""
LIVE = "import smallest_nb as snb\nlive = snb.LiveTranscriber()\nlive"
PLAYER = "import smallest_nb as snb\nplayer = snb.Player(snb.Clip(bytes(2 * 24000 * 5), 24000))\nplayer"
RESTART = "async () => { await window.__panel().sessionContext.session.kernel.restart(); }"
CELLS = """() => {
  const notebook = window.__panel().content;
  const cells = notebook.widgets.map((cell) => `${cell.model.type} ${cell.model.sharedModel.getSource().length}`);
  return JSON.stringify([cells, notebook.activeCellIndex, notebook.mode]);
}"""
FOCUSABLE = "button, input, select, textarea, summary, a[href], [tabindex]"
KEYS = ["m", "r", "1", "a", "b", "x", "v", "z", "c", "d", "d", "j", "k", "0", "0", "i", "i", "h", "l", "o", "s"]
ARROWS = ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "Home", "End", "PageDown", "Delete"]


def saved(notes):
    """Save with the widgets' state, as many people have JupyterLab do."""
    notes.page.evaluate(
        """async () => {
          const name = '@jupyter-widgets/jupyterlab-manager:saveWidgetState';
          const { commands } = window.jupyterapp;
          if (!commands.isToggled(name)) await commands.execute(name);
        }"""
    )
    notes.save()


def connection(notes, text):
    return notes.page.locator(".snb-connection").filter(has_text=text)


def settled_box(notes, selector):
    """Scroll an element to the top and return its box once it does not move any more."""
    box = None
    for _ in range(100):
        notes.page.locator(selector).evaluate("(element) => element.scrollIntoView({ block: 'start' })")
        notes.page.wait_for_timeout(100)
        before, box = box, notes.page.locator(selector).bounding_box()
        if box == before:
            return box
    raise AssertionError(f"{selector} moves: {before}, {box}")


@pytest.mark.parametrize("kind", ["tuner", "transcriber"])
def test_P1_no_key_that_is_pressed_in_a_widget_reaches_the_notebook(lab, kind):
    cells = ["before = 1", TUNER if kind == "tuner" else LIVE, "after = 1"]
    with lab.browse(lab.write_notebook(f"keys-{kind}.ipynb", *cells)) as notes:
        notes.run_all()
        root = f".snb-{kind}"
        notes.page.wait_for_selector(f"{root}[data-ready='true']")
        notes.page.evaluate("() => { window.__panel().content.activeCellIndex = 1; }")
        select = "() => window.__panel().content.activeCellIndex"
        notes.page.locator(".jp-InputPrompt").nth(1).click()
        notes.page.keyboard.press("ArrowDown")
        assert notes.page.evaluate(select) == 2, "the notebook's own keys work, and this test can fail"
        notes.page.keyboard.press("ArrowUp")

        # With the mouse, then a key: what cannot have the focus gives it to the widget.
        notes.page.evaluate("() => { window.__panel().content.activeCellIndex = 1; }")
        pressed = 0
        for place in ((0.5, 0.02), (0.03, 0.5), (0.97, 0.5), (0.5, 0.97)):
            box = settled_box(notes, root)  # the keys have scrolled the notebook
            height = min(box["height"], 880 - box["y"])  # what of it is in the window
            notes.page.mouse.click(box["x"] + place[0] * box["width"], box["y"] + place[1] * height)
            if notes.page.evaluate(f"() => document.activeElement.closest('{root}') === null"):
                continue  # the place lies outside of the window
            pressed += 1
            before = notes.page.evaluate(CELLS)
            for key in (*KEYS, *ARROWS):
                notes.page.keyboard.press(key)
            assert notes.page.evaluate(CELLS) == before, place
        assert pressed >= 2, (pressed, box)
        count = notes.page.evaluate(
            """([root, wanted]) => {
              for (const section of document.querySelectorAll(`${root} details`)) section.open = true;
              // One of each kind: 25 keys in each of a hundred controls take minutes on a busy machine.
              const kinds = new Map();
              for (const one of document.querySelectorAll(`${root} :is(${wanted})`)) {
                if (!one.offsetParent || one.disabled) continue;
                const kind = [one.tagName, one.type, one.className, one.getAttribute('role')].join(' ');
                if (!kinds.has(kind)) kinds.set(kind, one);
              }
              window.__controls = [...kinds.values()];
              return window.__controls.length;
            }""",
            [root, FOCUSABLE],
        )
        assert count > 10
        tried = 0
        for place in range(count):
            name = notes.page.evaluate(
                """(place) => {
                  const control = window.__controls[place];
                  if (!control.isConnected || !control.offsetParent) return '';
                  control.focus();
                  return document.activeElement === control ? control.outerHTML.slice(0, 80) : '';
                }""",
                place,
            )
            if not name:
                continue
            tried += 1
            before = notes.page.evaluate(CELLS)
            for key in (*KEYS, *ARROWS):
                notes.page.keyboard.press(key)
            assert notes.page.evaluate(CELLS) == before, name
            assert notes.page.locator(root).count() == 1, name
        assert tried > 7
        assert notes.page.locator(".jp-Dialog").count() == 0, "0 0 asks whether the kernel is to be restarted"


def test_P2_a_widget_whose_kernel_is_gone_says_so_at_once_and_opens_no_microphone(lab):
    with lab.browse(lab.write_notebook("no-kernel.ipynb", TUNER, LIVE)) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-transcriber[data-ready='true']")
        saved(notes)
        notes.page.evaluate(RESTART)
        notes.wait_ready()
        notes.reload()
        notes.page.wait_for_selector(".snb-transcriber .snb-mic-row")
        connection(notes, "run the cell again").nth(1).wait_for()
        for _ in range(2):
            notes.page.get_by_role("button", name="Transcribe").click()
            notes.page.wait_for_selector(".snb-mic[data-state='idle']")
        notes.page.get_by_role("button", name="Speak", exact=True).click()
        assert connection(notes, "run the cell again").count() == 2
        assert notes.page.evaluate("() => window.__tap.asked") == 0
        assert "busy" not in notes.page.locator(".snb-transcriber").inner_text()


def test_P3_after_a_restart_no_press_records_for_a_kernel_that_is_gone(lab):
    with lab.browse(lab.write_notebook("restarted.ipynb", LIVE)) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-transcriber[data-ready='true']")
        notes.page.evaluate(RESTART)
        notes.wait_ready()
        connection(notes, "run the cell again").wait_for()
        for _ in range(3):
            notes.page.get_by_role("button", name="Transcribe").click()
            notes.page.wait_for_timeout(300)
            assert notes.page.locator(".snb-mic").get_attribute("data-state") == "idle"
        assert notes.page.evaluate("() => window.__tap.asked") == 0
        assert "busy" not in notes.page.locator(".snb-transcriber").inner_text()
        notes.run_all()
        notes.page.wait_for_selector(".snb-transcriber[data-ready='true']")
        notes.page.get_by_role("button", name="Transcribe").click()
        notes.page.wait_for_selector(".snb-mic[data-state='recording']")


def test_P14_a_press_is_seen_at_once_and_says_after_two_seconds_what_it_waits_for(lab):
    with lab.browse(lab.write_notebook("busy.ipynb", PLAYER)) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        button = notes.page.locator(".snb-player .snb-primary")
        # Once it has said that it is busy, no thread of the kernel runs: it answers nothing.
        notes.page.evaluate(
            """() => new Promise((resolve) => {
              const code = "import ctypes, time; print('busy', flush=True); time.sleep(1); "
                + "ctypes.PyDLL(None).usleep(12_000_000)";
              const future = window.__panel().sessionContext.session.kernel.requestExecute({ code });
              future.onIOPub = (message) => message.header.msg_type === 'stream' && resolve();
            })"""
        )
        notes.page.wait_for_timeout(1500)
        button.click()
        assert button.get_attribute("data-waiting") == "true"
        # A ping that a subshell answers while the cell runs leaves JupyterLab with a kernel that it calls idle; the
        # page then knows only that it gets no answer. Which of the two it says is tested in js/tests.
        connection(notes, re.compile(r"(busy with a cell \(|has not answered for )[2468] s")).wait_for()
        spoken = notes.page.locator(".snb-connection + .snb-spoken")  # read out, without seconds that are counted
        spoken.filter(has_text=re.compile(r"(busy with a cell\.|does not answer)")).wait_for(state="attached")
        notes.page.wait_for_selector(".snb-player[data-state='playing']")
        notes.page.locator(".snb-connection").wait_for(state="hidden")
        assert button.get_attribute("data-waiting") == "false"


def test_P14_a_network_that_is_away_is_no_busy_kernel(lab):
    with lab.browse(lab.write_notebook("away.ipynb", PLAYER)) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        notes.page.context.set_offline(True)
        try:
            notes.page.evaluate("() => { window.__panel().sessionContext.session.kernel._ws.close(); }")
            notes.page.evaluate("() => { window.__panel().sessionContext.session.kernel._reconnect(); }")
            connection(notes, "connection to the notebook server is lost").wait_for()
            notes.page.get_by_role("button", name="Play", exact=True).click()
            notes.page.wait_for_timeout(2500)
            assert "busy" not in notes.page.locator(".snb-connection").inner_text()
        finally:
            notes.page.context.set_offline(False)
        notes.page.wait_for_selector(".snb-player[data-state='playing']", timeout=60_000)
        notes.page.locator(".snb-connection").wait_for(state="hidden")
        wait_position(notes, 0.3)
        until(notes, "player.position > 0.3")


def test_P14_a_kernel_that_died_is_gone(lab):
    with lab.browse(lab.write_notebook("died.ipynb", PLAYER)) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        os.kill(notes.kernel("__import__('os').getpid()"), signal.SIGKILL)
        connection(notes, "run the cell again").wait_for()
