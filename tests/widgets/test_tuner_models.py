"""The tuner when its model is withdrawn, and what its auditions play."""

from __future__ import annotations

import warnings

import pytest

import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.widget_page import Page, eventually

PRO = "lightning-v3.1-pro"


@pytest.fixture(scope="module")
def withdrawn():
    with Simulator(behaviour=Behaviour(engine="signal", retired=frozenset({"lightning-v3.1"}))) as running:
        yield running


@pytest.fixture
def open_tuner():
    made = []

    def build(simulator, **settings):
        tuner = snb.VoiceTuner("One, two, three.", api_key=KEY, base_url=simulator.base_url, **settings)
        made.append(tuner)
        page = Page(tuner.player)
        page.hello()
        return tuner, page

    yield build
    for tuner in made:
        tuner.close()


def test_L3_the_tuner_goes_on_with_the_replacement_and_shows_it(withdrawn, open_tuner):
    tuner, _page = open_tuner(withdrawn)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        take = tuner.audition()
        assert tuner.audition() is take, "it is known by the settings that it was spoken with"
        tuner.audition("Another text.")
    assert len([w for w in caught if "no longer served" in str(w.message)]) == 1
    assert (take.settings.model, take.settings.voice) == (PRO, "meher")
    assert (tuner.settings.model, tuner.settings.voice) == (PRO, "meher")
    assert (tuner.panel.settings.model, tuner.panel.values["model"]) == (PRO, PRO)
    assert not tuner.settings.model_chosen
    assert "This is lightning-v3.1-pro and the voice meher." in tuner.offer["text"]
    assert tuner.offer["button"] == ""
    assert not tuner.player.error
    assert tuner.usage.requests == 2, "adopting the settings speaks nothing"
    assert 'model="lightning_v3.1_pro", voice="meher"' in tuner.code("pipecat")


def test_L3_a_chosen_model_is_replaced_at_one_press(withdrawn, open_tuner):
    tuner, page = open_tuner(withdrawn, model="lightning-v3.1", voice="magnus")
    page.say("press", action="play")
    eventually(lambda: tuner.player.error)
    assert tuner.player.error == "lightning-v3.1 is no longer served."
    assert tuner.offer["button"] == "Use lightning-v3.1-pro"
    whole = Page(tuner)
    whole.hello()
    whole.say("act", action="use-model", text="")
    eventually(lambda: len(tuner.takes) == 1)
    assert (tuner.settings.model, tuner.settings.voice) == (PRO, "meher")
    assert tuner.settings.model_chosen
    assert tuner.takes[0].settings.model == PRO
    assert not tuner.player.error
    assert tuner.offer == {"text": "", "button": ""}


def test_L3_code_gets_the_error_with_the_way_out(withdrawn, open_tuner):
    tuner, _page = open_tuner(withdrawn)
    tuner.settings = {"model": "lightning-v3.1"}  # the default's own name: from here on it is chosen
    tuner.settings = {"speed": 1.5}
    assert tuner.settings.model_chosen
    with pytest.raises(snb.ModelRetiredError, match="model='lightning-v3.1-pro'") as caught:
        tuner.audition()
    assert caught.value.replacement == PRO


def test_UX6_a_person_who_chooses_another_model_gets_its_voice_and_hears_it(withdrawn, open_tuner):
    tuner, page = open_tuner(withdrawn, model="lightning-v3.1")
    page.say("press", action="play")
    eventually(lambda: tuner.player.error)
    panel = Page(tuner.panel)
    panel.hello()
    panel.say("setting", name="model", value=PRO)
    assert tuner.settings.voice == "meher"
    eventually(lambda: len(tuner.takes) == 1)
    assert not tuner.player.error, "the line about the other model went"
    panel.say("setting", name="model", value="lightning-v3.1")
    assert tuner.settings.voice == "sophia"
    assert tuner.settings.model_chosen, "a person who goes back to the default has chosen it"


def test_UX6_a_voice_that_both_models_have_stays(withdrawn, open_tuner):
    tuner, _page = open_tuner(withdrawn, voice="rhea")
    panel = Page(tuner.panel)
    panel.hello()
    panel.say("setting", name="model", value=PRO)
    assert tuner.settings.voice == "rhea"


def test_L3_a_model_of_tomorrow_can_be_chosen_in_code(withdrawn, open_tuner):
    tuner, _page = open_tuner(withdrawn)
    tuner.settings = {"model": "lightning-v4", "voice": "brannock"}
    assert tuner.panel.values["model"] == "lightning-v4" == tuner.model
    assert "does not know it" in tuner.panel.hints["model"]
    assert 'model="lightning_v4", voice="brannock"' in tuner.code("pipecat")
    [models] = [control["choices"] for control in tuner.panel.controls if control["name"] == "model"]
    assert models[0][0] == "lightning-v3.1", "what is served stands before what was retired"


def test_L3_takes_that_were_saved_keep_what_was_chosen(withdrawn, open_tuner, tmp_path):
    with Simulator(behaviour=Behaviour(engine="signal")) as served:
        tuner, _page = open_tuner(served)
        tuner.audition()
        tuner.settings = {"model": "lightning-v3.1"}
        tuner.audition("Two.")
    tuner.takes.save(tmp_path / "takes")
    loaded = snb.Takes()
    loaded.load(tmp_path / "takes")
    assert [t.settings.model_chosen for t in loaded] == [False, True]
    other, _page = open_tuner(withdrawn)
    other.load_settings(loaded[0])
    with pytest.warns(UserWarning, match="no longer served"):
        assert other.audition().settings.model == PRO


def test_UX25_what_auto_play_does_not_play_is_silent(withdrawn, open_tuner):
    tuner, page = open_tuner(withdrawn, model=PRO, voice="meher", auto_play=False)
    take = tuner.audition()
    assert take.duration > 0
    assert tuner.audition() is take
    assert not page.of("stream-open")
    tuner.audition(play=True)
    assert len(page.of("stream-open")) == 1
    tuner.audition("Another text.", play=True)
    assert len(page.of("stream-open")) == 2
    tuner.auto_play = True
    tuner.audition("A third.", play=False)
    assert len(page.of("stream-open")) == 2
    assert len(tuner.takes) == 3


def test_UX25_the_takes_of_a_sweep_are_played_one_after_the_other(withdrawn, open_tuner, monkeypatch):
    tuner, page = open_tuner(withdrawn, model=PRO, voice="meher")
    cell = [1]
    monkeypatch.setattr("smallest_nb.notebook.widgets.voice_tuner.current_cell", lambda: cell[0])
    for voice in ("meher", "rhea", "zariya"):
        tuner.settings = {"voice": voice}
        tuner.audition()
    assert [m["queued"] for m in page.of("stream-open")] == [False, True, True]
    cell[0] = 2
    tuner.audition("Another cell.")
    assert page.of("stream-open")[-1]["queued"] is False


@pytest.mark.parametrize(
    ("factor", "words"),
    [(0.01, "made 100 times as fast as it plays"), (1.0, "made 1 times as fast as it plays"),
     (0.31, "made 3.23 times as fast as it plays"), (3.22, "made 3.22 times as slowly as it plays")],
)  # fmt: skip
def test_UX25_how_fast_a_take_was_made_reads_as_it_is(factor, words):
    from smallest_nb.notebook.widgets.take_list import _pace

    assert _pace(factor) == words


@pytest.mark.parametrize(
    "text", [["One.", "Two."], ("One.",), iter(["One."]), b"One.", {"text": "One."}, None, 5, {"One."}],
    ids=lambda t: type(t).__name__,
)  # fmt: skip
def test_UX25_a_list_is_not_a_text(text):
    with pytest.raises(snb.ConfigError, match=r"speak takes one text, got .*run_tts"):
        snb.speak(text, api_key=KEY)
