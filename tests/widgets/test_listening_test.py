"""The ListeningTest with a page: what it sends, what it takes, and what it never says."""

from __future__ import annotations

import json
import re

import pytest

import smallest_nb as snb
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets.listening_test import outcome_of
from tests.support.listening_sounds import take_of, voice_like
from tests.support.services import KEY
from tests.support.simulated_listeners import SimulatedListener
from tests.support.widget_page import Page, eventually

VOICES = {"sophia": 2.0, "magnus": 0.0}


class ListenerPage(Page):
    """A page that listens to everything and answers as a listener does."""

    def act(self, action, data=""):
        self.say("act", action=action, text=data if isinstance(data, str) else json.dumps(data))

    def sounds(self, trial):
        """Ask for the sounds of a trial, one after the other, and return them."""
        sounds = []
        for place in range(len(self.widget.trial["places"])):
            slot = f"{trial}:{place}"
            self.act("sound", {"trial": trial, "place": place})
            eventually(lambda slot=slot: any(m["slot"] == slot for m in self.of("compare")))
            sounds.append(self.sound(slot))
        return sounds

    def sound(self, slot):
        """Return what was sent for a slot; a large one came in pieces."""
        pieces = b""
        for message, buffers in self.got:
            if message["type"] == "piece":
                pieces += b"".join(buffers)
            elif message["type"] == "compare":
                if message["slot"] == slot:
                    return snb.Clip(pieces + b"".join(buffers), message["sample_rate"])
                pieces = b""
        return None

    def answer(self, listener):
        """Answer the present trial."""
        test = self.widget
        number = test.trial["trial"]
        trial = next(t for t in test.study.session(listener.name).trials if t.number == number)
        heard = [True] * len(trial.places)
        values = list(listener.answer(test.study.design, trial))
        self.act("answer", {"trial": number, "values": values, "heard": heard, "seconds": 3.0, "switches": 1})
        eventually(lambda: test.trial["trial"] != number)


def make_test(kind="ab", **more):
    more.setdefault("reference", "sophia" if kind == "mushra" else None)
    more.setdefault("listeners", ["Ada"])
    return snb.ListeningTest({name: voice_like(n) for n, name in enumerate(VOICES)}, kind, seed=4, **more)


def begun(test):
    page = ListenerPage(test)
    page.hello()
    page.act("begin")
    eventually(lambda: test.trial["phase"] != "start")
    return page


def take_all(page, name, seed=1):
    test, listener = page.widget, SimulatedListener(name, VOICES, seed)
    while test.trial["phase"] != "done":
        page.answer(listener)


def said_to_page(test, page):
    """All that a page may know: traits, messages, what a saved notebook shows."""
    state = {name: value for name, value in test.get_state().items() if name not in ("_esm", "_css")}
    return json.dumps([state, [m for m, _ in page.got]], default=repr) + test.static_html() + repr(test)


@pytest.mark.parametrize("kind", ["ab", "abx", "mos", "mushra"])
def test_no_name_before_the_last_listener_is_through(kind):
    test = make_test(kind, listeners=["Ada", "Ben"], trials=1 if kind == "mushra" else 4)
    page = begun(test)
    page.sounds(0)
    take_all(page, "Ada")
    assert test.trial["next"] == "Ben"
    assert not re.search("sophia|magnus|anchor|degraded", said_to_page(test, page))
    page.act("next")
    eventually(lambda: test.trial["listener"] == "Ben")
    page.act("begin")
    take_all(page, "Ben", 2)
    assert test.done
    assert test.trial["next"] == ""
    eventually(lambda: test.outcome)
    assert test.outcome == outcome_of(test.results)
    assert "sophia" in said_to_page(test, page)


def test_the_sounds_that_are_sent_are_those_of_the_trial():
    test = make_test()
    page = begun(test)
    trial = test.study.session("Ada").current
    assert page.sounds(0) == test.study.sounds(trial)
    assert all(m["to"] == page.name for m in page.of("compare"))


def test_what_was_not_heard_whole_is_refused_in_words():
    test = make_test()
    page = begun(test)
    data = {"trial": 0, "values": [0], "heard": [True, False], "seconds": 1.0, "switches": 0}
    page.act("answer", data)
    eventually(lambda: test.error == "Hear every sound to its end first; then answer.")
    page.act("answer", data)  # the same words once more: the page sees a change
    page.act("answer", {**data, "heard": [True, True]})
    eventually(lambda: test.trial["trial"] == 1)
    assert test.error == ""


@pytest.mark.parametrize("text", ["", "[]", "7", "{", '{"trial": "x"}', '{"trial": 0, "place": "a"}', '{"trial": 0}'])
@pytest.mark.parametrize("action", ["answer", "sound"])
def test_what_no_page_of_ours_would_say_does_no_damage(action, text):
    test = make_test()
    page = begun(test)
    page.act(action, text)
    page.act("nothing", text)
    assert page.sounds(0)
    assert len(test.results) == 0


def test_a_page_that_is_loaded_again_goes_on_where_it_was():
    test = make_test()
    page = begun(test)
    listener = SimulatedListener("Ada", VOICES)
    for _ in range(3):
        page.answer(listener)
    page.leave()
    again = ListenerPage(test, "p2")
    again.hello()
    assert test.trial["trial"] == 3
    again.answer(listener)
    assert len(test.results) == 4


def test_two_pages_answer_a_trial_once():
    test = make_test()
    first = begun(test)
    second = ListenerPage(test, "p2")
    second.hello()
    data = {"trial": 0, "values": [0], "heard": [True, True], "seconds": 1.0, "switches": 0}
    first.act("answer", data)
    second.act("answer", {**data, "values": [1]})
    eventually(lambda: test.trial["trial"] == 1)
    first.say("press", action="play")
    second.say("press", action="play")
    assert second.owner == second.name
    assert [a.given for a in test.results] == [(0,)]
    assert test.error == ""


def test_a_saved_test_is_loaded_with_its_answers(tmp_path):
    test = make_test()
    page = begun(test)
    test.save(tmp_path / "choice.json")
    listener = SimulatedListener("Ada", VOICES)
    for _ in range(5):
        page.answer(listener)
    again = snb.ListeningTest.load(tmp_path / "choice.json")
    assert again.seed == test.seed
    assert again.trial["trial"] == 5
    assert list(again.results) == list(test.results)
    take_all(begun(again), "Ada")
    assert again.summary() == snb.ListeningTest.load(tmp_path / "choice.json").summary()
    assert again.report(tmp_path / "choice.html").stat().st_size > 50_000
    assert again.plot() is not None


def test_machine_evidence_stands_beside_it(simulator):
    takes = [
        snb.Take(n, text := "The weather is cold.", snb.SmallestTTSSettings(voice=voice),
                 snb.speak(text, voice=voice, api_key=KEY, base_url=simulator.base_url))
        for n, voice in enumerate(("sophia", "magnus"), 1)
    ]  # fmt: skip
    table = snb.ListeningTest(takes).evidence(transcribe=True, api_key=KEY, base_url=simulator.base_url)
    assert list(table["system"]) == ["sophia", "magnus"]
    assert table["pitch_hz"][0] > table["pitch_hz"][1]
    assert table["wer"].between(0, 1).all()
    assert table.attrs["correlations"] == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"listeners": "Ada"}, "must be a list of names"),
        ({"listeners": []}, "listeners is empty"),
        ({"listeners": ["Ada", "Ada"]}, "same name"),
        ({"kind": "xyz"}, "expected one of ab, abx, mos, mushra"),
        ({"kind": "mushra"}, "pass reference="),
    ],
)
def test_bad_arguments(arguments, says):
    with pytest.raises(ConfigError, match=says):
        snb.ListeningTest([take_of(1, "sophia"), take_of(2, "magnus")], **arguments)


def test_what_it_can_find_is_said_before():
    test = make_test(listeners=["Ada", "Ben"])
    assert test.plan().startswith("16 trials for each of 2 listeners: 32 answers to each pair")
    assert repr(test) == "ListeningTest(ab, 2 systems, 16 trials, 0 of 2 listeners through)"
    assert test.summary() == "No answers that count yet."
    assert len(test.results.to_dataframe()) == 0
