"""What goes to the page as a widget's module: packed with the first of a kind, not with the next, or as it is."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest
from ipywidgets import Widget

from smallest_nb import Player, SettingsPanel, SmallestTTSSettings, VoiceTuner
from smallest_nb.notebook.widgets import assets, front_end
from tests.support.widget_page import Page

pytestmark = pytest.mark.skipif(assets.build_hash() is None, reason="the front end is not built")


@pytest.fixture
def in_a_kernel(monkeypatch):
    Widget.close_all()  # those of other tests have pages, as far as the kernel knows
    monkeypatch.setattr(front_end, "kernel_shell", object)


def packed_in(module):
    return re.match(r'const SNB_MODULE="([^"]*)",SNB_PACKED="([^"]*)";\n', module).groups()


@pytest.mark.parametrize("name", ["tuner", "transcriber", "conversation", "listening", "player", "doctor"])
def test_a_module_is_packed_whole_and_small(in_a_kernel, name):
    module = front_end.packed(name)
    key, content = packed_in(module)
    assert key == f"{name}@{assets.build_hash()}"
    assert json.loads(gzip.decompress(base64.b64decode(content))) == {"esm": assets.esm(name), "css": assets.css(name)}
    assert len(module) < 0.6 * (len(assets.esm(name)) + len(assets.css(name)))
    assert front_end.packed(name) == module, "the same bytes each time"


def test_the_first_of_a_kind_brings_the_module_and_the_next_one_does_not(in_a_kernel):
    first = Player()
    assert packed_in(first.get_state()["_esm"])[1]
    assert first.get_state()["_css"] == ""
    assert front_end.loader("player") is None, "no page has answered yet"
    page = Page(first)
    page.hello()
    assert packed_in(front_end.loader("player")) == (f"player@{assets.build_hash()}", "")
    assert front_end.loader("settings") is None
    assert packed_in(first.get_state()["_esm"])[1], "a page that is loaded again gets it whole"
    assert "_esm" not in first.get_state(["label"])
    page.say("bye")
    assert front_end.loader("player") is None
    first.close()


def test_a_widget_that_was_closed_is_in_no_page(in_a_kernel):
    first = Player()
    Page(first).hello()
    assert front_end.loader("player") is not None
    first.close()
    assert front_end.loader("player") is None


def test_outside_of_a_kernel_the_module_goes_as_it_is():
    panel = SettingsPanel(SmallestTTSSettings.complete())
    assert panel.get_state()["_esm"] == assets.esm("settings")
    assert panel.get_state()["_css"] == assets.css("settings")
    panel.close()


def test_colab_gets_it_packed_with_every_widget(in_a_kernel, monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    first = Player()
    page = Page(first)
    page.hello()
    assert front_end.loader("player") is None
    assert packed_in(first.get_state()["_esm"])[1]
    first.close()


def test_a_trait_that_is_set_to_what_it_holds_sends_nothing():
    tuner = VoiceTuner()
    page = Page(tuner)
    page.hello()
    sent = []
    send = tuner.comm.send
    tuner.comm.send = lambda data, *a, **k: (sent.append(data), send(data, *a, **k))
    for name in tuner.keys:
        tuner.set_trait(name, getattr(tuner, name))
    assert sent == []
    tuner.close()
