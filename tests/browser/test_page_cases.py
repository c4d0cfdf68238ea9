"""What public reports say goes wrong in a page with sound: contexts asleep, muted devices, late grants, moved cells."""

from __future__ import annotations

import numpy as np
import pytest

from smallest_nb import Clip
from tests.support.page_sound import align, rendered
from tests.support.page_state import until, wait_position

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
RATE = 8000
CELLS = (
    """
import time
import numpy as np, smallest_nb as snb
made = np.random.default_rng(11).normal(0, 6000, 8000 * 300)
smooth = np.convolve(made, np.ones(8) / 4, "same").clip(-30000, 30000).astype(np.int16)
def sound(seconds):
    return snb.Clip(smooth[: int(seconds * 8000)].tobytes(), 8000)
player = snb.Player(sound(30))
player""",
    "mic = snb.Microphone(controls=True)\nmic",
)
# What the browser does when it takes the sound away, and refuses to give it back without a press.
SUSPEND = """async (place) => {
  const context = window.__tap.contexts.at(place);
  context.resume = async () => {};
  await context.suspend();
}"""
ALLOW = "(place) => { delete window.__tap.contexts.at(place).resume; }"
NOW = "() => Number(document.querySelector('.snb-player-wave').getAttribute('aria-valuenow'))"
MUTE = """(on) => {
  const track = window.__tap.track();
  Object.defineProperty(track, 'muted', { value: on, configurable: true });
  track.dispatchEvent(new Event(on ? 'mute' : 'unmute'));
}"""


@pytest.fixture(scope="module")
def opened(lab):
    with lab.browse(lab.write_notebook("page-cases.ipynb", *CELLS)) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        notes.page.wait_for_selector(".snb-mic[data-ready='true']")
        yield notes


@pytest.fixture
def notes(opened):
    """The page with both at rest."""
    opened.do("player.loop = False; player.stop(); mic.stop(); mic.device = ''")
    state(opened, ".snb-player", "idle")
    state(opened, ".snb-mic", "idle")
    return opened


def state(notes, part, name):
    notes.page.wait_for_selector(f"{part}[data-state='{name}']")


def press(notes, name, part=".snb-mic"):
    notes.page.locator(part).get_by_role("button", name=name, exact=True).click()


def record(notes):
    press(notes, "Record")
    state(notes, ".snb-mic", "recording")
    until(notes, "mic.received > 4000")


def status(notes, part=".snb-mic"):
    return notes.page.locator(f"{part} .snb-status")


def test_P4_a_suspended_microphone_is_said_at_once_and_goes_on_with_a_press(notes):
    record(notes)
    notes.page.evaluate(SUSPEND, -1)
    status(notes).filter(has_text="holds the microphone's sound back").wait_for()
    before = notes.kernel("mic.received")
    notes.page.evaluate(ALLOW, -1)
    notes.page.mouse.click(5, 300)
    status(notes).filter(has_text="holds the microphone's sound back").wait_for(state="detached")
    until(notes, f"mic.received > {before} + 8000")
    press(notes, "Stop")
    state(notes, ".snb-mic", "idle")


def test_P4_a_context_that_the_browser_lets_go_on_goes_on_by_itself(notes):
    record(notes)
    notes.page.evaluate("() => window.__tap.contexts.at(-1).suspend()")
    before = notes.kernel("mic.received")
    until(notes, f"mic.received > {before} + 8000")
    assert notes.page.locator(".snb-mic").get_attribute("data-interrupted") == ""
    press(notes, "Stop")


def test_P4_a_muted_microphone_is_said_at_once_and_so_is_its_end(notes):
    record(notes)
    notes.page.evaluate(MUTE, True)
    status(notes).filter(has_text="The microphone is muted").wait_for()
    notes.page.evaluate(MUTE, False)
    status(notes).filter(has_text="The microphone is muted").wait_for(state="detached")
    press(notes, "Stop")
    state(notes, ".snb-mic", "idle")


def test_P5_a_pause_that_ends_while_the_browser_holds_the_sound_back_says_so_and_goes_on(notes):
    notes.do("player.play(sound(30))")
    state(notes, ".snb-player", "playing")
    place = notes.page.evaluate("() => window.__tap.contexts.findIndex((one) => one.state === 'running')")
    press(notes, "Pause", ".snb-player")
    state(notes, ".snb-player", "paused")
    notes.page.evaluate(SUSPEND, place)
    press(notes, "Pause", ".snb-player")
    state(notes, ".snb-player", "blocked")
    held = notes.page.evaluate(NOW)
    notes.page.evaluate(ALLOW, place)
    press(notes, "Enable sound", ".snb-player")
    state(notes, ".snb-player", "playing")
    wait_position(notes, held + 0.5)


@pytest.mark.parametrize("how", ["moved", "cut and pasted"])
def test_P8_a_cell_that_is_moved_records_and_plays_on(notes, how):
    record(notes)
    notes.do("player.play(sound(30))")
    state(notes, ".snb-player", "playing")
    wait_position(notes, 0.3)
    for cell in (0, 1):
        notes.page.evaluate(
            """async ([cell, how]) => {
              const notebook = window.__panel().content;
              notebook.activeCellIndex = cell;
              notebook.deselectAll();
              const { commands } = window.jupyterapp;
              if (how === 'moved') {
                await commands.execute(cell ? 'notebook:move-cell-up' : 'notebook:move-cell-down');
              } else {
                await commands.execute('notebook:cut-cell');
                await commands.execute('notebook:paste-cell-below');
              }
            }""",
            [cell, how],
        )
    notes.page.wait_for_timeout(2500)  # longer than a page waits for a view that was moved
    state(notes, ".snb-player", "playing")
    state(notes, ".snb-mic", "recording")
    before = notes.kernel("mic.received")
    wait_position(notes, notes.page.evaluate(NOW) + 0.5)
    until(notes, f"mic.received > {before} + 8000")
    assert notes.kernel("(mic.dropped, player.underruns)") == [0, 0]
    press(notes, "Stop")
    state(notes, ".snb-mic", "idle")


def test_P10_forced_colours_leave_every_state_a_shape(notes):
    notes.do("player.loop = True; player.play(sound(3))")
    notes.do("player.show_words(player._latest, [('one', 0.0, 3.0), ('two', 3.0, 3.1)], estimated=False)")
    notes.page.emulate_media(forced_colors="active")
    try:
        notes.page.wait_for_selector(".snb-words [data-now]")
        style = """([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"""

        def look(selector, name="backgroundColor"):
            return notes.page.evaluate(style, [selector, name])

        assert look(".snb-mic-level") != look(".snb-mic-meter")
        assert look(".snb-mic-meter", "borderTopWidth") == "1px"
        assert look("[aria-label='Repeat']") != look("[aria-label='Pause']")
        assert look(".snb-words [data-now]") != look(".snb-words span:not([data-now])")
        accent = "() => getComputedStyle(document.querySelector('.snb-player')).getPropertyValue('--snb-accent')"
        assert notes.page.evaluate(accent).strip() == "Highlight"  # of the wave, which is drawn by script
    finally:
        notes.page.emulate_media(forced_colors="none")


def test_P11_hold_to_talk_keeps_to_its_pointer_and_closes_with_it(notes):
    talk = notes.page.get_by_role("button", name="Hold to talk")
    assert talk.evaluate("(e) => getComputedStyle(e).touchAction") == "none"
    asked = notes.page.evaluate("() => window.__tap.asked")
    talk.click(button="right")
    assert notes.page.evaluate("() => window.__tap.asked") == asked
    box = talk.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    notes.page.mouse.move(x, y)
    notes.page.mouse.down()
    state(notes, ".snb-mic", "recording")
    notes.page.mouse.move(x, y + 60, steps=6)
    until(notes, "mic.received > 6000")
    assert notes.page.locator(".snb-mic").get_attribute("data-state") == "recording"
    notes.page.mouse.up()
    state(notes, ".snb-mic", "idle")
    assert notes.page.evaluate("() => window.__tap.track().readyState") == "ended"
    assert notes.kernel("mic.state") == "idle"


def test_P11_a_finger_that_slides_goes_on(notes):
    talk = notes.page.get_by_role("button", name="Hold to talk")
    box = talk.bounding_box()
    point = {"x": box["x"] + 20, "y": box["y"] + 10}
    devtools = notes.page.context.new_cdp_session(notes.page)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    state(notes, ".snb-mic", "recording")
    for step in range(1, 9):
        moved = {"x": point["x"], "y": point["y"] + 4 * step}
        devtools.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [moved]})
    until(notes, "mic.received > 6000")
    assert notes.page.locator(".snb-mic").get_attribute("data-state") == "recording"
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    state(notes, ".snb-mic", "idle")
    devtools.detach()


def test_P12_a_withdrawn_permission_is_not_an_unplugged_device(notes):
    record(notes)
    query = "navigator.permissions.query"
    notes.page.evaluate(f"() => {{ window.__query = {query}; {query} = async () => ({{ state: 'denied' }}); }}")
    notes.page.evaluate("() => { const track = window.__tap.track(); track.stop(); "
                        "track.dispatchEvent(new Event('ended')); }")  # fmt: skip
    error = notes.page.locator(".snb-mic .snb-error")
    error.filter(has_text="permission to use the microphone was withdrawn").wait_for()
    notes.page.evaluate(f"() => {{ {query} = window.__query; }}")
    state(notes, ".snb-mic", "idle")
    until(notes, "mic.problem is not None and 'withdrawn' in mic.problem")
    record(notes)
    notes.page.evaluate("() => window.__tap.unplug()")
    error.filter(has_text="was disconnected while recording").wait_for()


def test_P13_a_start_can_be_cancelled_while_the_browser_asks_and_a_late_grant_is_closed(notes):
    notes.page.evaluate(
        """() => {
          const media = navigator.mediaDevices;
          const open = media.getUserMedia;
          media.getUserMedia = async (wanted) => {
            await new Promise((resolve) => { window.__grant = resolve; });
            media.getUserMedia = open;
            return (window.__late = await open(wanted));
          };
        }"""
    )
    press(notes, "Record")
    state(notes, ".snb-mic", "starting")
    press(notes, "Cancel")
    state(notes, ".snb-mic", "idle")
    notes.page.evaluate("() => window.__grant()")
    notes.page.wait_for_function("() => window.__late?.getTracks()[0].readyState === 'ended'")
    until(notes, "mic.state", "idle")
    record(notes)
    press(notes, "Stop")
    state(notes, ".snb-mic", "idle")


def test_P13_a_context_that_never_resumes_holds_no_device_open(notes):
    notes.page.evaluate("() => { AudioContext.prototype.resume = () => new Promise(() => {}); }")
    press(notes, "Record")
    state(notes, ".snb-mic", "starting")
    notes.page.wait_for_function("(n) => window.__tap.asked >= n", arg=1)
    press(notes, "Cancel")
    state(notes, ".snb-mic", "idle")
    notes.page.wait_for_function("() => window.__tap.track().readyState === 'ended'")
    notes.page.evaluate("() => { delete AudioContext.prototype.resume; }")


def test_P15_a_headset_that_is_plugged_in_is_in_the_list(notes):
    notes.page.get_by_text("Microphone settings").click()
    options = notes.page.locator(".snb-mic-device option")
    options.filter(has_text="Fake Audio Input 1").wait_for(state="attached")
    change = """(on) => {
      const media = navigator.mediaDevices;
      const list = MediaDevices.prototype.enumerateDevices;
      const headset = { kind: 'audioinput', label: 'A headset', deviceId: 'h' };
      if (on) media.enumerateDevices = async () => [...(await list.call(media)), headset];
      else delete media.enumerateDevices;
      media.dispatchEvent(new Event('devicechange'));
    }"""
    notes.page.evaluate(change, True)
    options.filter(has_text="A headset").wait_for(state="attached")
    notes.page.evaluate(change, False)
    options.filter(has_text="A headset").wait_for(state="detached")
    notes.page.get_by_text("Microphone settings").click()


def test_P16_a_press_on_the_wave_of_an_enlarged_page_means_its_place(notes):
    notes.do("player.play(sound(30)); player.pause()")
    notes.page.locator(".snb-player").evaluate("(e) => { e.style.zoom = 1.5; }")
    wave = notes.page.locator(".snb-player-wave")
    # Half of the wave is half of what the page knows of, which is little until it has heard of the end.
    notes.page.wait_for_function(
        "() => Number(document.querySelector('.snb-player-wave').getAttribute('aria-valuemax')) > 29"
    )
    box = wave.bounding_box()
    notes.page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 10)
    notes.page.wait_for_function(f"() => Math.abs(({NOW})() - 15.2) < 0.5")
    notes.page.locator(".snb-player").evaluate("(e) => { e.style.zoom = ''; }")


def test_P18_a_place_whose_sound_still_comes_is_waited_for_and_said(notes):
    notes.page.evaluate("() => window.__tap.clear()")
    notes.page.evaluate(
        """() => {
          window.__said = [];
          const line = document.querySelector('.snb-player .snb-status');
          new MutationObserver(() => window.__said.push(line.textContent)).observe(line, { childList: true });
        }"""
    )
    notes.do("player.play(sound(300)); player.seek(240); time.sleep(1)")  # a busy kernel lets it wait
    wait_position(notes, 240.0)
    state(notes, ".snb-player", "playing")
    said = notes.page.evaluate("() => window.__said.filter((text) => text.startsWith('Waiting for the sound at 4:00'))")
    assert said, "it was not said that it waits"
    wait_position(notes, 241.5)
    assert notes.page.locator(".snb-player-time").inner_text().endswith("/ 5:00.0")
    until(notes, "240 < player.position < 250")
    assert_heard(notes, 300, 240)
    for place in (10, 290, 10):  # the kernel has what the page let go, or never had
        notes.page.evaluate("() => window.__tap.clear()")
        notes.do(f"player.seek({place})")
        wait_position(notes, place + 1.5)
        assert_heard(notes, 300, place)
    notes.do("player.stop()")
    state(notes, ".snb-player", "idle")


def assert_heard(notes, seconds, place):
    """Compare what was rendered with a second of the test's sound from a place on."""
    heard, rate = rendered(notes)
    made = np.random.default_rng(11).normal(0, 6000, RATE * seconds)
    smooth = np.convolve(made, np.ones(8) / 4, "same").clip(-30000, 30000).astype(np.int16)
    second = smooth[place * RATE : (place + 1) * RATE]
    expected = Clip(second.tobytes(), RATE).resample(rate).samples.astype(float) / 32768
    part = expected[rate // 20 :]
    start = align(part, heard)
    assert np.corrcoef(part, heard[start : start + len(part)])[0, 1] > 0.99


def test_P18_a_take_that_was_stopped_is_heard_again_to_its_end(notes):
    notes.do("ends = []; player.on_finished(lambda: ends.append(player.position))")
    notes.do("player.play(sound(16))")
    state(notes, ".snb-player", "playing")
    press(notes, "Stop", ".snb-player")
    state(notes, ".snb-player", "idle")
    notes.page.evaluate("() => window.__tap.settle()")
    notes.page.evaluate("() => window.__tap.clear()")
    press(notes, "Play it again, without asking the service", ".snb-player")
    wait_position(notes, 15.9)
    state(notes, ".snb-player", "idle")
    heard, rate = rendered(notes)
    loud = np.flatnonzero(np.abs(heard) > 1e-3)
    assert (loud[-1] - loud[0]) / rate == pytest.approx(16, abs=0.6)
    until(notes, "ends[-1]", 16.0)
