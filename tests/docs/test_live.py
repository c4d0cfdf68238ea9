"""The live boxes of the built pages, in a real Chromium: real widgets that sound and write, with no kernel."""

from __future__ import annotations

import functools
import http.server
import json
import sys
import threading
from types import SimpleNamespace

import pytest
from blocks import ROOT
from playwright.sync_api import expect

import smallest_nb as snb
from tests.support.chromiums import CHROMIUM_FLAGS, CHROMIUMS
from tests.support.lab import TAP
from tests.support.page_sound import assert_same_sound, rendered

sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

from record_cassettes import FOLDER, RATE, SENTENCE, SPEEDS
from taping import Taping

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
FLAGS = [flag for flag in CHROMIUM_FLAGS if "autoplay" not in flag]  # a reader's browser wants a click first
PEAKS = """() => {
  const connect = AudioNode.prototype.connect;
  const meters = [];
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      const meter = new AnalyserNode(this.context, { fftSize: 8192 });
      connect.call(this, meter);
      meters.push(meter);
    }
    return connect.call(this, target, ...rest);
  };
  window.__peaks = () => meters.map((meter) => {
    const samples = new Float32Array(meter.fftSize);
    meter.getFloatTimeDomainData(samples);
    return Math.max(...samples.map(Math.abs));
  });
}"""
"""The loudest of the last fifth of a second, of each player that was pressed, in the order of their first press."""
HISTORY = """() => {
  window.__history = [];
  new MutationObserver(() => {
    const lines = [...document.querySelectorAll(".snb-transcript-line")];
    const text = (line) => line.querySelector(".snb-transcript-text").innerText;
    window.__history.push(lines.map((line) => [line.dataset.final === "true", text(line)]));
  }).observe(document.querySelector(".snb-transcript"), { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def served(site):
    """The built pages, as any web server gives them."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture(scope="module")
def chromium():
    browser = CHROMIUMS.launch(*FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def page(chromium, served):
    """A page whose sound is tapped; it may ask its own site only, and must not complain."""
    context = chromium.new_context(viewport={"width": 1100, "height": 1000}, color_scheme="light")
    context.add_init_script(path=TAP)
    context.add_init_script(f"({PEAKS})()")
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    asked, missing, complaints = [], [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    yield opened
    context.close()
    assert len(asked) > 5
    assert [url for url in asked if not url.startswith((served + "/", "blob:", "data:"))] == []
    assert [url for url in missing if not url.endswith("/favicon.ico")] == []  # asked for by the browser itself
    assert [text for text in complaints if "404" not in text] == []


def open_page(page, url, players):
    page.goto(url)
    page.wait_for_selector(".snb-live[data-awake]")
    expect(page.locator(".snb-player[data-ready='true']")).to_have_count(players)


def player(page, number):
    return page.locator(".snb-player").nth(number)


def press(page, number):
    player(page, number).locator(".snb-primary").click()


def wait_state(page, number, state):
    expect(player(page, number)).to_have_attribute("data-state", state, timeout=15_000)


def heard_whole(page, number, clip):
    """Wait until a player is done, and hold what came out to the recording."""
    wait_state(page, number, "idle")
    assert_same_sound(clip, *rendered(SimpleNamespace(page=page)))
    assert player(page, number).get_attribute("data-underruns") == "0"


@pytest.fixture(scope="module")
def recorded():
    """The sound of the three auditions."""
    with snb.replay(FOLDER / "audition.cassette", speed="instant"):
        return [snb.speak(SENTENCE, voice="avery", speed=s, word_timestamps=True, sample_rate=RATE) for s in SPEEDS]


def test_a_press_plays_what_was_recorded_and_a_second_one_too(page, served, recorded):
    open_page(page, f"{served}/index.html", 3)
    takes = []
    # The sound is short: what the page shows meanwhile is noted by the page.
    player(page, 2).evaluate(
        """(element) => {
          window.__seen = new Set();
          new MutationObserver(() => {
            window.__seen.add(element.dataset.state);
            if (element.querySelector(".snb-words [data-now]")) window.__seen.add("word");
          }).observe(element, { attributes: true, subtree: true, childList: true });
        }"""
    )
    for _ in range(2):
        page.evaluate("() => { window.__tap.clear(); window.__seen.clear(); }")
        press(page, 2)
        page.wait_for_function("() => ['playing', 'word'].every((one) => window.__seen.has(one))")
        heard_whole(page, 2, recorded[2])
        takes.append(player(page, 2).get_attribute("data-takes"))
    assert takes[0] != takes[1], "the page would take the second for the first"
    words = player(page, 2).locator(".snb-words").inner_text()
    assert words.split() == SENTENCE.split()


def test_the_second_player_silences_the_first(page, served):
    open_page(page, f"{served}/index.html", 3)
    press(page, 0)
    page.wait_for_function("() => window.__peaks()[0] > 0.02")
    press(page, 1)
    wait_state(page, 0, "idle")
    page.wait_for_function("() => window.__peaks()[1] > 0.02")
    page.wait_for_function("() => window.__peaks()[0] < 1e-4", timeout=5000)
    assert player(page, 1).get_attribute("data-state") == "playing"
    press(page, 1)
    wait_state(page, 1, "idle")
    page.wait_for_function("() => window.__peaks()[1] < 1e-4", timeout=5000)


def came():
    """The results that the recording of the call holds."""
    rows = map(json.loads, (FOLDER / "call.cassette").read_text(encoding="utf-8").splitlines())
    return [(row["t"], row["recv"]) for row in rows if row.get("recv", {}).get("type") == "transcription"]


@pytest.fixture(scope="module")
def said():
    """Its final text: what was said, and by whom."""
    finals = [frame for _, frame in came() if frame["is_final"] and frame["transcript"]]
    return [(frame["transcript"], frame["words"][0]["speaker"]) for frame in finals]


def shown(page):
    return [
        line.inner_text() for line in page.locator(".snb-transcript-line[data-final='true'] .snb-transcript-text").all()
    ]


def test_the_call_is_written_while_it_is_heard(page, served, said):
    open_page(page, f"{served}/explanation/interim-and-final.html", 1)
    page.evaluate(HISTORY)
    press(page, 0)
    wait_state(page, 0, "playing")
    page.wait_for_selector(".snb-transcript-line[data-final='true']")
    assert player(page, 0).get_attribute("data-state") == "playing", "the first line came when all was over"
    heard_whole(page, 0, snb.Clip.from_wav(FOLDER / "call.wav"))
    expect(player(page, 0).locator(".snb-primary")).to_have_text("Play")
    assert shown(page) == [text for text, _ in said]
    speakers = page.locator(".snb-speaker").all_inner_texts()
    assert speakers == [f"Speaker {speaker + 1}" for _, speaker in said]
    interim = {text for lines in page.evaluate("() => window.__history") for final, text in lines if not final}
    assert len(interim) > 10
    # Which interims the page draws depends on its load; one that no final begins with was changed later.
    assert any(not any(final.startswith(text) for final, _ in said) for text in interim), "no interim was changed"

    press(page, 0)
    page.wait_for_selector(".snb-transcript-line[data-final='false']")
    assert shown(page) == [], "the second time began with the first one's lines"
    player(page, 0).get_by_role("button", name="Pause").click()
    wait_state(page, 0, "paused")
    page.wait_for_timeout(400)
    lines = page.locator(".snb-transcript-lines").inner_text()
    page.wait_for_timeout(700)
    assert page.locator(".snb-transcript-lines").inner_text() == lines, "the text ran on while the sound was held"
    player(page, 0).get_by_role("button", name="Pause").click()
    page.wait_for_selector(".snb-transcript-line[data-final='true']")
    press(page, 0)
    wait_state(page, 0, "idle")
    lines = page.locator(".snb-transcript-lines").inner_text()
    page.wait_for_timeout(1000)
    assert page.locator(".snb-transcript-lines").inner_text() == lines, "the text ran on after Stop"
    assert player(page, 0).locator(".snb-primary").inner_text().strip() == "Play"


def test_what_would_need_a_kernel_says_so(page, served):
    open_page(page, f"{served}/explanation/interim-and-final.html", 1)
    press(page, 0)
    page.wait_for_selector(".snb-transcript-line[data-final='true']")
    page.get_by_role("button", name="Download").click()
    page.locator("[data-format='srt']").click()
    expect(page.locator(".snb-transcript .snb-error")).to_contain_text("no kernel")


def test_the_boxes_follow_the_site_from_light_to_dark(page, served):
    open_page(page, f"{served}/index.html", 3)
    themes, grounds = set(), set()
    for _ in range(3):  # furo goes round: the system's, dark, light
        page.locator(".theme-toggle:visible").click()
        theme = page.evaluate("() => document.body.dataset.theme")
        expected = "dark" if theme == "dark" else "light"
        expect(player(page, 0)).to_have_attribute("data-theme", expected)
        themes.add(expected)
        grounds.add(player(page, 0).evaluate("(el) => getComputedStyle(el).backgroundColor"))
    assert themes == {"light", "dark"}
    assert len(grounds) == 2


def test_without_scripts_or_a_server_there_is_something_to_read(chromium, site, served, said):
    for scripts, base in ((False, served), (True, site.as_uri())):
        context = chromium.new_context(java_script_enabled=scripts)
        opened = context.new_page()
        opened.goto(f"{base}/explanation/interim-and-final.html")
        box = opened.locator(".snb-live")
        expect(box).to_contain_text("python -m http.server")
        expect(box).to_contain_text(said[-1][0])
        opened.goto(f"{base}/index.html")
        expect(opened.locator(".snb-live")).to_contain_text("speed 1.3")
        context.close()


def test_tapes_are_made_once_and_keep_the_recording_s_times(site):
    taping = Taping()
    assert taping.folder.is_dir()
    taping.start()
    assert taping.processes == {}, "it would play the recordings again, and nothing has changed"
    events = json.loads((site / "_static" / "live" / "call.json").read_text(encoding="utf-8"))["tapes"][0]["events"]
    lines = [at for at, _, kind, what, *_ in events if kind == "msg" and what["type"] == "lines" and not what["reset"]]
    assert lines == pytest.approx([t * 1000 for t, _ in came()], abs=60)
