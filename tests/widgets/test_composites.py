"""VoiceTuner, LiveTranscriber and SettingsPanel: binding both ways, latest wins, errors in three places."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import ipywidgets
import jiwer
import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.client import background_loop
from smallest_nb.notebook.widgets import assets, composite_widget
from smallest_nb.notebook.widgets.take_list import TakeList
from smallest_nb.simulator import Simulator
from tests.support.services import KEY
from tests.support.speech import SENTENCE
from tests.support.widget_page import Page, chunks, eventually, part, recording


@pytest.fixture
def tuner(simulator):
    made = snb.VoiceTuner("One, two, three.", api_key=KEY, base_url=simulator.base_url)
    yield made
    made.close()


@pytest.fixture
def panel(tuner):
    """The page, for the settings."""
    found = Page(tuner.panel)
    found.hello()
    return found


def test_settings_move_the_controls_and_the_other_way_round(tuner, panel):
    assert (tuner.panel.values["speed"], tuner.speed) == (None, 1.0)
    tuner.settings = {"speed": 1.5, "voice": "liam"}
    assert (tuner.panel.values["speed"], tuner.speed) == (1.5, 1.5)
    assert tuner.panel.values["voice"] == "liam" == tuner.voice
    panel.say("setting", name="speed", value=0.8)
    assert tuner.settings.speed == 0.8 == tuner.speed
    panel.say("setting", name="speed", value=None)
    assert (tuner.settings.speed, tuner.speed) == (None, 1.0)
    tuner.settings = snb.SmallestTTSSettings(language="hi")
    assert (tuner.settings.language, tuner.settings.voice) == ("hi", "liam")
    assert tuner.panel.hints["voice"] == "This voice was not made for Hindi."
    tuner.speed = 1.3
    assert tuner.settings.speed == 1.3 == tuner.panel.values["speed"]


def test_a_value_of_the_page_that_cannot_be_used_is_said_beside_it(tuner, panel):
    before = tuner.settings
    panel.say("setting", name="speed", value=9)
    assert "0.5 to 2" in tuner.panel.error
    panel.say("setting", name="sample_rate", value=9)  # not drawn, so no page of ours sends it
    assert tuner.settings == before
    assert tuner.panel.values["speed"] is None
    panel.say("setting", name="speed", value=1.1)
    assert tuner.panel.error == ""


@pytest.mark.parametrize("value", ["fast", float("nan"), 99, None, True])
def test_a_trait_that_is_set_to_nonsense_raises_and_changes_nothing(tuner, value):
    before = tuner.settings
    with pytest.raises(snb.ConfigError, match="speed"):
        tuner.speed = value
    assert tuner.settings == before
    assert tuner.speed == 1.0


def test_a_slider_of_the_users_own_drives_a_setting(tuner):
    slider = ipywidgets.FloatSlider(min=0.5, max=2, value=1)
    link = ipywidgets.link((slider, "value"), (tuner, "speed"))
    slider.value = 1.4
    assert tuner.settings.speed == 1.4
    tuner.settings = {"speed": 0.7}
    assert slider.value == 0.7
    link.unlink()
    slider.close()


def test_what_the_model_ignores_says_why(tuner):
    assert "retired on 2026-05-19" in tuner.panel.reasons["consistency"]
    assert tuner.panel.unavailable
    tuner.settings = {"model": "lightning-v2", "voice": "emily"}
    assert "consistency" not in tuner.panel.reasons
    offered = [voice[0] for voice in tuner.voices.voices]
    assert "emily" in offered
    assert "sophia" not in offered


def test_word_times_that_a_voice_does_not_send_are_said_to_be_estimated(tuner):
    assert "word_timestamps" not in tuner.panel.hints
    tuner.settings = {"word_timestamps": True, "voice": "<unknown>"}
    assert "the voice '<unknown>' sends no word times" in tuner.panel.hints["word_timestamps"]
    tuner.settings = {"voice": "liam"}
    assert "word_timestamps" not in tuner.panel.hints


def test_a_tuner_that_no_page_shows_keeps_no_socket_and_speaks_again(tuner, monkeypatch):
    monkeypatch.setattr(composite_widget, "_LEFT_SECS", 0.1)
    one, two = Page(tuner), Page(tuner, "p2")
    one.hello()
    two.hello()
    tuner.audition()
    assert tuner.service.connected
    one.say("bye")
    time.sleep(0.3)
    assert tuner.service.connected, "the other page still shows it"
    two.say("bye")
    eventually(lambda: not tuner.service.connected)
    again = Page(tuner, "p3")
    again.hello()
    assert tuner.audition(fresh=True).duration > 0.5
    again.say("bye")
    Page(tuner, "p4").hello()  # a page that was reloaded
    time.sleep(0.3)
    assert tuner.service.connected


def test_a_tuner_rests_only_when_it_has_spoken(tuner, monkeypatch):
    monkeypatch.setattr(composite_widget, "_LEFT_SECS", 0.0)
    page = Page(tuner)
    page.hello()
    speaking = tuner.submit("It goes on although no page shows it any more, for a program may wait for it.")
    page.say("bye")
    assert speaking.result(20).metrics.complete
    eventually(lambda: not tuner.service.connected)


def test_settings_can_be_linked_and_observed(tuner):
    slider, seen = ipywidgets.FloatSlider(min=0.5, max=2, value=1), []
    tuner.observe(lambda c: seen.append((c["old"].speed, c["new"].speed)), names="settings")
    panel = snb.SettingsPanel(snb.SmallestTTSSettings())
    ipywidgets.link((tuner, "settings"), (panel, "settings"))
    page = Page(panel)
    page.hello()
    page.say("setting", name="speed", value=1.7)
    assert tuner.settings.speed == 1.7
    assert seen == [(None, 1.7)]
    slider.close()


@pytest.mark.parametrize(
    ("values", "message"),
    [({"speed": 9}, "0.5 to 2"), ({"sped": 1}, "speed"), ({"model": "a/b"}, "lightning"), (3, "int")],
)
def test_bad_settings_are_refused_and_nothing_changes(tuner, values, message):
    before = tuner.settings
    with pytest.raises(snb.ConfigError, match=message):
        tuner.settings = values
    assert tuner.settings == before
    with pytest.raises(snb.ConfigError):
        snb.VoiceTuner(sped=1, api_key=KEY)


def test_an_audition_streams_to_the_page_while_it_is_made(tuner, simulator):
    page = Page(tuner.player)
    page.hello()
    simulator.behaviour.pace = 3.0
    try:
        future = tuner.submit(SENTENCE)
        eventually(lambda: len(page.pcm()) > 4000)
        assert not future.done(), "the first sound must come before the synthesis ends"
        take = future.result(10)
    finally:
        simulator.behaviour.pace = None
    eventually(lambda: page.of("stream-end"))
    assert page.pcm() == take.clip.pcm
    assert tuner.player.status == "Take 1"
    assert tuner.player.waterfall
    assert tuner.player.busy is False
    assert list(tuner.takes) == [take]


def test_latest_wins(tuner, simulator):
    page = Page(tuner.player)
    page.hello()
    simulator.behaviour.pace = 1.0
    try:
        first = tuner.submit(SENTENCE)
        eventually(lambda: len(page.pcm()) > 2000)
        simulator.behaviour.pace = None
        take = tuner.submit("One.").result(10)
    finally:
        simulator.behaviour.pace = None
    eventually(first.done)
    with pytest.raises(snb.SmallestError, match="cancelled by stop"):
        first.result()
    assert [t.text for t in tuner.takes] == ["One."]
    last = page.of("stream-open")[-1]["stream"]
    assert b"".join(b[0] for c, b in page.got if c.get("stream") == last and b) == take.clip.pcm


def test_a_moved_slider_speaks_again_once(tuner, panel):
    page = Page(tuner.player)
    page.hello()
    tuner.audition()
    for value in (1.1, 1.2, 1.6):
        panel.say("setting", name="speed", value=value)
    eventually(lambda: len(tuner.takes) == 2)
    assert tuner.takes[1].settings.speed == 1.6
    assert tuner.takes[0].clip.duration > 1.3 * tuner.takes[1].clip.duration
    tuner.auto_play = False
    panel.say("setting", name="speed", value=1.0)
    eventually(lambda: not tuner.player.busy)
    assert len(tuner.takes) == 2


def test_a_failure_is_raised_drawn_and_logged_and_the_tuner_still_works(tuner, simulator, caplog):
    caplog.set_level("INFO", "smallest_nb")

    async def lose_the_line():
        await tuner.service.suspend()

    background_loop.call(lose_the_line())
    simulator.behaviour.reject = 401
    try:
        with pytest.raises(snb.AuthError, match="SMALLEST_API_KEY"):
            tuner.audition()
    finally:
        simulator.behaviour.reject = None
    assert "refused the API key" in tuner.player.error
    assert "refused the API key" in caplog.text
    assert tuner.player.busy is False
    assert tuner.audition().clip.duration > 0.5
    assert tuner.player.error == ""
    with pytest.raises(snb.ConfigError, match="nothing to speak"):
        tuner.audition("   ")
    assert "nothing to speak" in tuner.player.error


@pytest.mark.parametrize("target", ["smallest_nb", "websocket", "pipecat"])
def test_code_runs(tuner, target, simulator, tmp_path):
    tuner.settings = {"speed": 1.4, "voice": "liam"}
    tuner.audition()
    code = tuner.code(target)
    compile(code, target, "exec", flags=0x2000)  # top-level await is a notebook's
    assert "1.4" in code
    assert "liam" in code
    assert KEY not in code
    if target == "pipecat":
        assert "consistency" not in code
        return
    if target == "smallest_nb":
        body = "\n".join("    " + line for line in code.splitlines())
        code = f"import asyncio\nasync def main():\n{body}\nasyncio.run(main())\n"
    env = {"SMALLEST_API_KEY": KEY, "SMALLEST_BASE_URL": simulator.base_url, "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    clip = snb.Clip.from_wav(tmp_path / "speech.wav")
    assert clip.duration == pytest.approx(tuner.audition().clip.duration, rel=0.05)


def test_a_tuner_keeps_and_closes_its_widgets(simulator):
    def count():
        return len(ipywidgets.widgets.widget._instances)

    start = count()
    tuner = snb.VoiceTuner("One.", api_key=KEY, base_url=simulator.base_url)
    tuner.audition()
    after_one = count()
    for _ in range(8):
        tuner.audition(fresh=True)
    assert count() == after_one, "each take must not make new widgets"
    assert [row["number"] for row in part(tuner, TakeList).rows] == list(range(9, 0, -1))
    tuner.close()
    left = [type(w).__name__ for w in list(ipywidgets.widgets.widget._instances.values())[start:]]
    assert left == [], left


def test_other_code_is_refused(tuner):
    with pytest.raises(snb.ConfigError, match="'rust'"):
        tuner.code("rust")


@pytest.fixture
def live(simulator):
    made = snb.LiveTranscriber(api_key=KEY, base_url=simulator.base_url, word_timestamps=True)
    yield made
    made.close()


def words(text):
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def test_a_clip_becomes_a_transcript_and_the_view_gets_deltas(live, simulator):
    page = Page(live.view)
    page.hello()
    clip = snb.VoiceTuner(SENTENCE, api_key=KEY, base_url=simulator.base_url, voice="magnus")
    spoken = clip.audition().clip
    clip.close()
    interims, finals = [], []
    live.on_interim(interims.append)
    live.on_final(finals.append)
    transcript = live.feed(spoken.padded(0.3, 1.2), pace=4)
    assert jiwer.wer(words(SENTENCE), words(transcript.text)) <= 0.34
    assert len(interims) >= 3
    assert [s.text for s in finals] == [s.text for s in transcript]
    lines = [m["lines"] for m in page.of("lines")]
    assert max(len(x) for x in lines) == 1, "an update must be one line, never the whole text"
    shown = {line["i"]: line for x in lines for line in x if line["final"] and line["text"]}
    assert [shown[i]["text"] for i in sorted(shown)] == [s.text for s in transcript]
    assert live.microphone.status == "1 segment, 9 words."

    before = transcript[-1].end
    live.feed(spoken.padded(0.3, 0.3), pace=4)
    assert transcript[-1].start > before, "a second recording goes on where the first ended"
    late = Page(live.view, "late")
    late.hello()
    eventually(lambda: late.of("lines"))
    assert [line["text"] for m in late.of("lines") for line in m["lines"]] == [s.text for s in transcript]
    live.clear()
    assert (len(live.transcript), late.of("lines")[-1]["reset"]) == (0, True)
    assert live.transcript.recording.duration == 0


def test_a_setting_changed_while_recording_reconnects(live):
    sessions = []
    live.microphone.on_state(lambda s: s == "recording" and sessions.append(live.service))
    future = live.microphone.feed(snb.Clip(bytes(32000 * 2), 16000), pace=1)
    eventually(lambda: live.service is not None and live.service.connected)
    service, again = live.service, []
    service.event_handler("on_connected")(lambda _s: again.append("connected"))
    live.settings = {"sentence_timestamps": True}
    eventually(lambda: again == ["connected"])
    assert service.settings.sentence_timestamps is True
    future.result(10)


def test_a_failing_session_is_raised_drawn_and_over(live, simulator):
    simulator.behaviour.reject = 403
    try:
        with pytest.raises(snb.AuthError):
            live.feed(snb.Clip(bytes(32000), 16000), pace=10)
    finally:
        simulator.behaviour.reject = None
    assert "refused the API key" in live.microphone.error
    live.feed(snb.Clip(bytes(16000), 16000), pace=10)
    assert live.microphone.error == ""


def test_a_page_that_is_reloaded_in_mid_recording_leaves_no_session(live):
    page = Page(live.microphone)
    page.hello()
    recording(page, "starting")
    recording(page, "recording")
    eventually(lambda: live.service is not None and live.service.connected)
    first = live.service
    page.say("bye")  # before anything else: a page that goes has no time for more
    again = Page(live.microphone, "p2")
    again.hello()
    assert again.owner == again.name
    recording(again, "starting")
    recording(again, "recording")
    eventually(lambda: live.service not in (None, first) and live.service.connected)
    assert not first.connected
    recording(again, "idle")
    eventually(lambda: live.service is None)


def test_another_tab_takes_the_microphone_over_and_the_first_cannot_end_it(live):
    one, two = Page(live.microphone), Page(live.microphone, "p2")
    one.hello()
    two.hello()
    recording(one, "starting")
    recording(one, "recording")
    eventually(lambda: live.microphone.state == "recording")
    recording(two, "starting")
    recording(two, "recording")
    recording(one, "idle")
    eventually(lambda: live.microphone.state == "recording")
    eventually(lambda: live.service is not None and live.service.connected)
    assert live.microphone.state == "recording"
    recording(two, "idle")
    eventually(lambda: live.service is None)


def test_two_recordings_in_a_row_are_on_one_timeline(live, simulator):
    tuner = snb.VoiceTuner(SENTENCE, api_key=KEY, base_url=simulator.base_url, voice="magnus", sample_rate=16000)
    clip = tuner.audition().clip.padded(0.4, 0.2)
    tuner.close()
    page = Page(live.microphone)
    page.hello()
    for _ in range(2):  # the second begins while the first still waits for its last words
        recording(page, "starting")
        recording(page, "recording")
        chunks(page, clip)
        recording(page, "idle")
    eventually(lambda: len(live.transcript) == 2, 20)
    first, second = live.transcript
    assert 0.2 < first.start < 1.0
    assert second.start == pytest.approx(first.start + clip.duration, abs=0.3)
    assert len(live.latencies) == 2
    assert all(message.kernel_to_final > 0 for message in live.latencies if message.kernel_to_final is not None)


def test_finalize_without_a_recording_says_so(live):
    live.finalize()
    eventually(lambda: "press the microphone" in live.microphone.error)


def test_without_a_key_the_simulator_serves_and_the_widget_says_so(monkeypatch):
    monkeypatch.delenv("SMALLEST_API_KEY", raising=False)
    tuner = snb.VoiceTuner()
    assert tuner.notice == "Simulator: no API key."
    assert np.abs(tuner.audition("One.").clip.samples.astype(int)).max() > 1000
    tuner.close()
    with Simulator() as other:
        monkeypatch.setenv("SMALLEST_API_KEY", KEY)
        monkeypatch.setenv("SMALLEST_BASE_URL", other.base_url)
        tuner = snb.VoiceTuner()
        assert tuner.notice == ""
        assert tuner.service.target.base_url == other.base_url
        tuner.close()


def test_widgets_have_a_face_and_a_stable_repr(tuner, live):
    assert repr(tuner.player) == "Player('Speak')"
    bundle, _ = live.view._repr_mimebundle_()
    assert "No speech transcribed yet" in bundle["text/html"]
    assert bundle["text/plain"] == repr(live), "a part is shown with its whole"
    assert "0x" not in repr(tuner) + repr(live)
    for widget in (tuner, live, tuner.player, live.microphone, live.view):
        assert KEY not in repr(widget.get_state())


def test_a_missing_front_end_is_a_sentence_not_an_import_error(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    assert "make frontend" in assets.esm("player")
    assert assets.css("player") == ""
