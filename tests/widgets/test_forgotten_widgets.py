"""A composite that neither a program nor an output has any more costs nothing after a collection."""

from __future__ import annotations

import gc
import weakref

import ipywidgets
import pytest
from comm import get_comm_manager
from ipywidgets.widgets import widget as ipywidgets_module

import smallest_nb as snb
from tests.support.services import KEY
from tests.support.widget_page import Page, eventually


def count():
    gc.collect()
    return len(ipywidgets_module._instances), len(get_comm_manager().comms)


@pytest.mark.parametrize("kind", [snb.VoiceTuner, snb.LiveTranscriber])
@pytest.mark.parametrize("use", ["unused", "used", "shown"])
def test_K6_a_forgotten_composite_is_collected_whole(simulator, kind, use):
    before = count()
    made = kind(api_key=KEY, base_url=simulator.base_url)
    known, data = weakref.ref(made), None
    if use != "unused" and kind is snb.VoiceTuner:
        made.text = "Hi."
        made.audition()
        data = made.takes  # what a person goes on with does not keep the widget
        service = made.service
        assert service.connected
    elif use != "unused":
        data = made.transcript
    if use == "shown":
        Page(made).hello()
    del made
    eventually(lambda: count() == before, 10)
    assert known() is None
    if use != "unused" and kind is snb.VoiceTuner:
        eventually(lambda: not service.connected, 10)
        assert len(data) == 1
        eventually(lambda: not simulator.open_sessions, 10)


def test_K6_a_composite_that_something_has_stays(simulator):
    tuner = snb.VoiceTuner(api_key=KEY, base_url=simulator.base_url)
    before = count()
    assert count() == before
    box = ipywidgets.VBox([tuner])
    known = weakref.ref(tuner)
    del tuner
    gc.collect()
    assert known() is not None
    box.children[0].close()
    box.close()


def test_K6_models_are_found_by_the_page_that_asks_for_all(simulator):
    before = set(ipywidgets.Widget.get_manager_state()["state"])
    tuner = snb.VoiceTuner(api_key=KEY, base_url=simulator.base_url)
    found = ipywidgets.Widget.get_manager_state()["state"]
    states = {name: one for name, one in found.items() if name not in before}
    assert tuner.model_id in states
    assert "player.status" in states[tuner.model_id]["state"]  # its parts are in it, and no models of their own
    assert not any(one["model_name"] == "AnyModel" for name, one in states.items() if name != tuner.model_id)
    assert tuner.player.comm is None
    tuner.close()
    assert tuner.comm is None
