"""The traits of a composite: bound to its settings both ways, and to ipywidgets' own controls."""

from __future__ import annotations

import math

import ipywidgets
import pytest
import traitlets

import smallest_nb as snb
from smallest_nb.errors import ConfigError
from tests.support.services import KEY
from tests.support.widget_page import Page

SETTINGS = {"speed": 1.4, "voice": "liam", "language": "hi", "consistency": 0.3, "similarity": 0.6, "enhancement": 2}


@pytest.fixture
def tuner(simulator):
    made = snb.VoiceTuner("Hi.", api_key=KEY, base_url=simulator.base_url, auto_play=False)
    yield made
    made.close()


@pytest.fixture
def live(simulator):
    made = snb.LiveTranscriber(api_key=KEY, base_url=simulator.base_url)
    yield made
    made.close()


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_a_setting_and_its_trait_follow_each_other(tuner, name, value):
    seen = []
    tuner.observe(lambda change: seen.append(change["new"]), names=name)
    tuner.settings = {name: value}
    assert (getattr(tuner, name), tuner.panel.values[name]) == (value, value)
    other = SETTINGS[name] if isinstance(value, str) else type(value)(1)
    setattr(tuner, name, other)
    assert (getattr(tuner.settings, name), tuner.panel.values[name]) == (other, other)
    assert seen[-1] == other


def test_the_page_moves_settings_trait_and_a_linked_slider(tuner):
    own = ipywidgets.FloatSlider(min=0.5, max=2, value=1.1)
    ipywidgets.link((own, "value"), (tuner, "speed"))
    assert tuner.speed == own.value == tuner.settings.speed == 1.1
    page = Page(tuner.panel)
    page.hello()
    page.say("setting", name="speed", value=1.6)
    assert tuner.speed == own.value == tuner.settings.speed == 1.6
    own.value = 0.8
    assert tuner.settings.speed == tuner.panel.values["speed"] == 0.8


def test_settings_of_two_widgets_are_linked(tuner, simulator):
    other = snb.VoiceTuner("Ho.", api_key=KEY, base_url=simulator.base_url)
    traitlets.link((tuner, "settings"), (other, "settings"))
    tuner.speed = 1.3
    assert other.speed == 1.3
    other.settings = {"voice": "liam"}
    assert tuner.voice == "liam"
    other.close()


def test_jslink_finds_the_traits_in_the_page(tuner):
    own = ipywidgets.FloatSlider()
    link = ipywidgets.jslink((own, "value"), (tuner, "speed"))
    assert link.source[0] is own
    state = tuner.get_state()
    assert (state["speed"], state["text"], state["settings.values"]["speed"]) == (1.0, "Hi.", None)
    link.close()


def test_interactive_output_follows_text_settings_and_speed(tuner):
    seen = []
    watched = {"text": tuner, "speed": tuner}
    with pytest.raises((AttributeError, traitlets.TraitError)):
        ipywidgets.interactive_output(lambda **_: None, watched)  # it wants widgets with a `value`
    tuner.observe(lambda _change: seen.append((tuner.text, tuner.speed, tuner.settings.speed)), names=["text", "speed"])
    tuner.text = "Ho."
    tuner.settings = {"speed": 1.5}
    assert seen == [("Ho.", 1.0, None), ("Ho.", 1.5, 1.5)]


@pytest.mark.parametrize("value", ["fast", math.nan, math.inf, 99, None, True, [1.0]])
def test_a_bad_value_raises_where_it_is_set_and_changes_nothing(tuner, value):
    tuner.speed = 1.2
    page = Page(tuner.panel)
    page.hello()
    sent, values = len(page.got), dict(tuner.panel.values)
    with pytest.raises(ConfigError, match="speed"):
        tuner.speed = value
    if value is not None:  # leaves it to the API
        with pytest.raises(ConfigError, match="speed"):
            tuner.settings = {"speed": value}
    assert (tuner.speed, tuner.settings.speed, tuner.panel.values, len(page.got)) == (1.2, 1.2, values, sent)


@pytest.mark.parametrize("value", ["fast", math.nan, 99])
def test_a_bad_value_of_a_linked_control_raises_and_changes_nothing(tuner, value):
    class Control(traitlets.HasTraits):
        value = traitlets.Any(1.0)

    own = Control()
    traitlets.link((own, "value"), (tuner, "speed"))
    with pytest.raises(ConfigError, match="speed"):
        own.value = value
    assert tuner.speed == 1.0
    assert tuner.settings.speed in (None, 1.0)


@pytest.mark.parametrize("value", ["fast", 99, None])
def test_a_bad_value_of_a_page_is_answered_with_what_holds(tuner, value):
    tuner.speed = 1.2
    page = Page(tuner)
    page.hello()
    shown = []
    page.update = shown.append
    message = {"method": "update", "state": {"speed": value}, "buffer_paths": []}
    tuner._handle_msg({"content": {"data": message}, "buffers": []})  # ipywidgets prints the error in the cell's output
    assert shown[-1]["speed"] == tuner.speed == tuner.settings.speed == 1.2


def test_what_changes_while_no_page_is_there_is_in_the_state_of_the_next(tuner, live):
    page = Page(tuner.panel)
    page.hello()
    page.say("bye")
    tuner.settings = {"speed": 1.7}
    tuner.text = "Another."
    live.settings = {"language": "hi"}
    state = tuner.get_state()
    assert (state["speed"], state["settings.values"]["speed"], state["text"]) == (1.7, 1.7, "Another.")
    assert live.get_state()["settings.values"]["language"] == "hi"


def test_a_composite_sits_in_boxes_and_a_part_says_what_to_put_there(tuner, live):
    for box in (ipywidgets.HBox, ipywidgets.Tab, ipywidgets.Accordion):
        made = box([tuner, live])
        references = made.get_state()["children"]
        assert references == [f"IPY_MODEL_{tuner.model_id}", f"IPY_MODEL_{live.model_id}"]
        made.close()
    for part in (tuner.player, tuner.panel, live.microphone, live.view):
        with pytest.raises(ConfigError, match="part of another widget"):
            ipywidgets.HBox([part])


def test_a_part_that_is_displayed_shows_the_whole(tuner):
    data, _ = tuner.player._repr_mimebundle_()
    view = data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == tuner.model_id
