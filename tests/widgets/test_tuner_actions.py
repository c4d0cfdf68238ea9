"""What a person does in the page of a tuner: takes brought back, used again, saved; previews; a key that is typed."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

import smallest_nb as snb
from smallest_nb.client import background_loop
from smallest_nb.common.secret import Secret
from smallest_nb.notebook import session
from smallest_nb.notebook.widgets.take_list import TakeList
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.widget_page import Page, eventually, part

TYPED = "sk_typed_canary_5d0c1"


def test_UX11_a_take_that_was_deleted_comes_back_where_it_was(tuner, tray, tmp_path):
    for text in ("One.", "Two.", "Three."):
        tuner.audition(text)
    takes = part(tuner, TakeList)
    tuner.takes.note(2, "the warm one")
    tray.say("take", action="delete", number=2, text="")
    eventually(lambda: takes.undo == "Take 2 was deleted.")
    tray.say("take", action="delete", number=1, text="")
    eventually(lambda: takes.undo == "Take 1 was deleted.")
    assert [t.number for t in tuner.takes] == [3]
    tray.say("take", action="undo", number=0, text="")
    tray.say("take", action="undo", number=0, text="")
    eventually(lambda: [row["number"] for row in takes.rows] == [3, 2, 1])
    assert [t.text for t in tuner.takes] == ["One.", "Two.", "Three."]
    assert tuner.takes.get(2).note == "the warm one"
    assert takes.undo == ""
    folder = tuner.takes.save(tmp_path / "takes")
    assert snb.Takes().load(folder) == 3, "what was brought back is saved"
    tray.say("take", action="undo", number=0, text="")  # nothing is left to bring back
    tray.say("take", action="star", number=1, text="on")
    eventually(lambda: tuner.takes.get(1).starred)
    assert len(tuner.takes) == 3


def test_UX11_what_can_be_brought_back_is_bounded(simulator):
    tuner = snb.VoiceTuner("One.", api_key=KEY, base_url=simulator.base_url, max_bytes=120_000)
    page = Page(part(tuner, TakeList))
    page.hello()
    for number in range(1, 5):
        tuner.audition(f"Number {number}.")
        page.say("take", action="delete", number=number, text="")
        eventually(lambda: not len(tuner.takes))
    assert sum(len(t.clip.pcm) for t in tuner._take_actions._deleted) <= 120_000
    tuner.close()


def test_the_settings_of_a_take_are_used_again(tuner, tray):
    tuner.auto_play = False
    tuner.settings = {"voice": "magnus", "speed": 1.4}
    first = tuner.audition()
    tuner.settings = {"voice": "sophia", "speed": None}
    tray.say("take", action="use", number=1, text="")
    eventually(lambda: tuner.settings == first.settings)
    assert (tuner.voice, tuner.speed) == ("magnus", 1.4)


@pytest.mark.parametrize(("sound_format", "kind"), [("wav", "WAV"), ("flac", "FLAC"), ("mp3", "MP3")])
def test_a_take_is_saved_as_a_file(tuner, tray, sound_format, kind):
    take = tuner.audition("A rather long text, so that the file goes in several pieces to the page that asked.")
    other = Page(part(tuner, TakeList), "p2")
    other.hello()
    tray.say("take", action="save", number=1, text=sound_format)
    eventually(lambda: tray.of("file"))
    [message] = tray.of("file")
    assert message["name"] == f"take-1-{take.settings.voice}.{sound_format}"
    assert message["to"] == tray.name, "the other page saves nothing"
    content = b"".join(b[0] for m, b in tray.got if m["type"] in ("piece", "file"))
    found = soundfile.SoundFile(io.BytesIO(content))
    assert (found.format, found.samplerate) == (kind, take.clip.sample_rate)
    samples = found.read(dtype="int16")
    if sound_format == "mp3":
        assert len(samples) / found.samplerate == pytest.approx(take.duration, abs=0.1)
    else:
        assert np.array_equal(samples, take.clip.samples)


def test_a_file_that_cannot_be_made_says_why(tuner, tray):
    tuner.audition()
    tray.say("take", action="save", number=1, text="exe")
    eventually(lambda: "'exe'" in part(tuner, TakeList).remark)
    tray.say("take", action="save", number=9, text="wav")
    eventually(lambda: "no take 9" in part(tuner, TakeList).remark)


def test_a_preview_changes_nothing_and_is_no_take(tuner, page, voices):
    tuner.text = "This is what is heard. " * 7 + "And this is not."
    before = tuner.settings
    voices.say("voice", action="preview", voice="magnus")
    eventually(lambda: tuner.player.status == "Preview of magnus")
    assert len(page.of("stream-open")) == 1
    assert len(page.pcm()) > 24000
    assert (tuner.settings, len(tuner.takes)) == (before, 0)
    assert tuner.usage.characters == 7 * 23 - 1
    page.of("stream-open")
    voices.say("voice", action="preview", voice="magnus")
    eventually(lambda: len(page.of("stream-open")) == 2)
    assert tuner.usage.requests == 1, "the same sample costs nothing again"
    take = tuner.audition()
    assert take.settings == before, "and the next take has the settings that are shown"
    voices.say("voice", action="preview", voice="no-such-voice")
    eventually(lambda: tuner.player.status == "Preview of no-such-voice" or tuner.player.error)
    assert tuner.settings == before


def test_UX7_a_busy_service_is_waited_for_in_words(tuner, page, simulator):
    background_loop.call(tuner.service.suspend())
    simulator.behaviour.reject, simulator.behaviour.retry_after = 429, 1
    seen = []
    tuner.player.observe(lambda change: seen.append(change["new"]), names="waiting")
    try:
        page.say("press", action="play")
        eventually(lambda: any(seen))
    finally:
        simulator.behaviour.reject = simulator.behaviour.retry_after = None
    [first, *_] = [wait for wait in seen if wait]
    assert (first["why"], first["attempt"], first["of"]) == ("The service is busy", 1, 3)
    assert 1 <= first["seconds"] < 4
    eventually(lambda: len(tuner.takes) == 1)
    assert tuner.player.waiting == {}
    assert tuner.player.error == ""


def test_UX7_a_silent_service_is_said_to_be_silent(tuner, page, simulator, monkeypatch):
    monkeypatch.setattr("smallest_nb.notebook.widgets.audition_runner._SILENT_SECS", 0.1)
    simulator.behaviour.silent = True
    try:
        page.say("press", action="play")
        eventually(lambda: tuner.player.busy)
        eventually(lambda: "has not answered" in tuner.player.status)
        assert "After 15 s without sound the request ends." in tuner.player.status
        page.say("press", action="stop")
        eventually(lambda: not tuner.player.busy)
        assert tuner.player.status == ""
    finally:
        simulator.behaviour.silent = False


def test_UX18_speech_that_ends_early_is_said_for_people(tuner, page, simulator):
    simulator.behaviour.complete_without_audio = True
    try:
        page.say("press", action="play")
        eventually(lambda: tuner.player.error)
    finally:
        simulator.behaviour.complete_without_audio = False
    assert tuner.player.error == (
        "The service said complete without any audio. No sound came: press Speak to try again."
    )


@pytest.fixture
def session_without_key(monkeypatch):
    monkeypatch.delenv("SMALLEST_API_KEY", raising=False)
    monkeypatch.setenv("SMALLEST_KEY_SOURCES", "environment")
    session.use_target(None)
    yield
    session.use_target(None)


def test_a_missing_key_is_typed_in_the_page(session_without_key, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    with Simulator(key=TYPED, behaviour=Behaviour(engine="signal")) as real:
        monkeypatch.setenv("SMALLEST_BASE_URL", real.base_url)
        tuner = snb.VoiceTuner("One, two.")
        assert (tuner.notice, tuner.key_state) == ("Simulator: no API key.", "missing")
        simulated = tuner.audition()
        page = Page(tuner)
        page.hello()
        page.say("key", b"not a key")
        eventually(lambda: tuner.key_problem)
        assert (tuner.key_state, tuner.service.target.simulated) == ("missing", True)
        page.say("key", f" {TYPED}\n".encode())
        eventually(lambda: tuner.service.target.base_url == real.base_url)
        assert (tuner.notice, tuner.key_state, tuner.key_problem) == ("", "", "")
        take = tuner.audition()
        assert take is not simulated, "a take of the simulator is no answer of the service"
        assert tuner.service.target.key.unwrap() == TYPED
        assert session.current_target().key.unwrap() == TYPED, "the next widget has it too"
        for shown in (tuner.get_state(), page.got, tuner, tuner.service.target, tuner.code("curl"), caplog.messages):
            assert TYPED not in repr(shown)
        tuner.close()


def test_UX18_a_refused_key_names_its_source_and_is_replaced(simulator):
    with Simulator(key=TYPED, behaviour=Behaviour(engine="signal")) as real:
        tuner = snb.VoiceTuner("One, two.", api_key="sk_wrong_canary_99", base_url=real.base_url)
        with pytest.raises(snb.AuthError):
            tuner.audition()
        said = "The service refused the API key that came from the argument `api_key`."
        assert (tuner.player.error, tuner.notice, tuner.key_state) == (said, said, "refused")
        page = Page(tuner)
        page.hello()
        page.say("key", TYPED.encode())
        eventually(lambda: tuner.service.target.key.source == "the page" and not tuner.player.error)
        assert tuner.audition().duration > 0
        assert (tuner.notice, tuner.key_state) == ("", "")
        assert Secret.of(TYPED) is not None
        assert session.current_target().base_url != real.base_url, (
            "a tuner with an address of its own keeps it to itself"
        )
        tuner.close()


def test_UX16_an_error_goes_with_what_it_was_about(tuner, whole, page):
    with pytest.raises(snb.ConfigError):
        tuner.audition("   ")
    assert tuner.player.error
    tuner.text = "Something else."
    assert tuner.player.error == ""
    whole.say("act", action="paste", text='{"sped": 2}')
    eventually(lambda: tuner.parts["code"].error)
    assert "sped" in tuner.parts["code"].error
    tuner.settings = {"speed": 1.1}
    assert tuner.parts["code"].error == ""


def test_settings_are_pasted_in_the_page(tuner, whole):
    tuner.auto_play = False
    other = snb.SmallestTTSSettings(voice="magnus", speed=1.3)
    whole.say("act", action="paste", text='{"voice_id": "magnus", "speed": 1.3}')
    eventually(lambda: (tuner.settings.voice, tuner.settings.speed) == (other.voice, other.speed))
    whole.say("act", action="paste", text="Not settings at all.")
    eventually(lambda: tuner.parts["code"].error)
    assert tuner.settings.voice == "magnus"


def test_UX9_the_page_learns_which_text_is_spoken(tuner, page):
    tuner.audition("Another text than that of the field.")
    assert tuner.said == "Another text than that of the field."
    tuner.audition()
    assert tuner.said == tuner.text
    tuner.audition("Another text than that of the field.")
    assert tuner.said == "Another text than that of the field.", "a take that is heard again is spoken, too"


def test_the_contact_sheet_has_sound_if_asked_for(tuner):
    assert "No takes yet" in tuner.takes.contact_sheet()._repr_html_()
    for text in ("One.", "Two.", "Three."):
        tuner.audition(text)
    assert "<audio" not in tuner.takes._repr_html_()
    small, large = (tuner.takes.contact_sheet(max_kb=kb)._repr_html_() for kb in (15, 600))
    assert small.count("<audio") == large.count("<audio") == 3
    assert len(small) < len(tuner.takes._repr_html_()) + 15 * 1024 + 500
    assert "are embedded" in small
    assert "are embedded" not in large
    with pytest.raises(snb.ConfigError, match="max_kb"):
        tuner.takes.contact_sheet(max_kb=-1)
