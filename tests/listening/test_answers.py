"""A listener's way through a test, what is kept of it, and what survives a crash."""

from __future__ import annotations

import json
import re

import pytest

from smallest_nb.errors import ConfigError
from smallest_nb.results.listening import Study
from smallest_nb.results.listening.plan import KINDS, Trial
from smallest_nb.results.listening.storage import answers_path
from tests.support.listening_sounds import take_of, voice_like
from tests.support.simulated_listeners import SimulatedListener

VOICES = {"sophia": 1.5, "magnus": 0.0}
MADE = "2026-01-01T10:00:00+00:00"


def study_of(kind="ab", **more):
    more.setdefault("reference", "sophia" if kind == "mushra" else None)
    more.setdefault("listeners", ["Ada", "Ben"])
    return Study.make({name: voice_like(n) for n, name in enumerate(VOICES)}, kind, seed=3, **more)


def said(session, values=(0,), **changes):
    trial = session.current
    return {
        "trial": trial.number, "values": list(values), "heard": [True] * len(trial.places), "seconds": 4.5,
        "switches": 3, **changes,
    }  # fmt: skip


def take(study, name, seed=0, most=1000):
    listener, session = SimulatedListener(name, VOICES, seed), study.session(name)
    session.begin()
    while (trial := session.current) and trial.number < most:
        assert session.answer(said(session, listener.answer(study.design, trial)), MADE)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_page_knows_names_nothing_that_is_heard(kind):
    study = study_of(kind)
    session = study.session("Ada")
    states = [session.state()]
    session.begin()
    states.append(session.state())
    take(study, "Ada")
    states.append(session.state())
    assert [state["phase"] for state in states] == ["start", "training", "done"]
    for state in states:
        text = json.dumps(state)
        assert not re.search("sophia|magnus|anchor|degraded|check|hidden", text), text


def test_a_check_looks_like_every_other_trial():
    study = study_of()
    session = study.session("Ada")
    session.begin()
    phases = {}
    while (trial := session.current) is not None:
        phases.setdefault(trial.role, set()).add(session.state()["phase"])
        session.answer(said(session), MADE)
    assert phases == {"training": {"training"}, "check": {"test"}, "test": {"test"}}


def test_trials_are_counted_within_the_training_and_the_test():
    study = study_of(training=2, trials=4, checks=0)
    session = study.session("Ada")
    session.begin()
    places = []
    while session.current is not None:
        state = session.state()
        places.append((state["phase"], state["place"]))
        session.answer(said(session), MADE)
    assert places == [("training", 1), ("training", 2), ("test", 1), ("test", 2), ("test", 3), ("test", 4)]


def test_an_answer_that_was_sent_twice_counts_once():
    study = study_of()
    session = study.session("Ada")
    first = said(session)
    assert session.answer(first, MADE)
    assert not session.answer(first, MADE)
    assert len(study.answers) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"heard": [True, False]}, "Hear every sound"),
        ({"heard": [1, 1]}, "Hear every sound"),
        ({"heard": [True]}, "Hear every sound"),
        ({"trial": 7}, "not the one that is asked"),
        ({"trial": None}, "not the one that is asked"),
        ({"values": [2]}, "expected 1 of 0 to 1"),
        ({"values": [True]}, "expected 1 of 0 to 1"),
        ({"values": [0, 0]}, "expected 1 of 0 to 1"),
        ({"values": [0.5]}, "whole numbers"),
        ({"values": "A"}, "expected 1 of 0 to 1"),
        ({"seconds": None}, "no time"),
        ({"seconds": float("nan")}, "no time"),
        ({"switches": -1}, "no time"),
    ],
)
def test_answers_that_cannot_be(changes, says):
    study = study_of()
    session = study.session("Ada")
    with pytest.raises(ConfigError, match=says):
        session.answer(said(session, **changes), MADE)
    assert study.answers == []
    assert session.current.number == 0


@pytest.mark.parametrize("names", [["Ada", "Ada"], [""], ["x" * 61], [7], ["Ada", " Ada "]])
def test_names_that_are_refused(names):
    with pytest.raises(ConfigError, match="name"):
        study_of(listeners=names)


def test_the_sounds_of_a_trial_show_no_difference_but_their_own():
    study = Study.make({"a": voice_like(1, 1.0, level=0.02), "b": voice_like(2, 1.9, level=0.9, rate=16000)}, seed=1)
    for trial in study.session("Ada").trials:
        sounds = study.sounds(trial)
        assert len({(len(sound), sound.sample_rate) for sound in sounds}) == 1


def test_a_saved_test_goes_on_where_it_was(tmp_path):
    study = study_of()
    take(study, "Ada", most=5)
    study.save(tmp_path / "choice.json")
    take(study, "Ada", most=9)  # each answer is written at once
    del study
    again = Study.load(tmp_path / "choice.json")
    assert again.session("Ada").current.number == 9
    assert again.session("Ada").begun
    assert [trial.places for trial in again.session("Ada").trials] == [
        trial.places for trial in study_of().session("Ada").trials
    ]
    take(again, "Ada")
    assert Study.load(tmp_path / "choice.json").session("Ada").done
    assert not again.session("Ben").begun


def test_two_processes_share_one_file(tmp_path):
    here = study_of()
    here.save(tmp_path / "choice.json")
    there = Study.load(tmp_path / "choice.json")
    take(there, "Cleo", 1)
    take(here, "Ada", 2)
    assert {a.listener for a in here.answers} == {"Ada", "Cleo"}
    assert len(here.answers) == len(there.answers) == 2 * len(here.session("Ada").trials)
    here.save(tmp_path / "choice.json")  # again: nothing is doubled
    assert len(Study.load(tmp_path / "choice.json").answers) == len(here.answers)


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path, caplog):
    study = study_of()
    study.save(tmp_path / "choice.json")
    take(study, "Ada", most=4)
    beside = answers_path(tmp_path / "choice.json")
    whole = beside.read_bytes()
    beside.write_bytes(whole[:-30])
    again = Study.load(tmp_path / "choice.json")
    assert len(again.answers) == 3
    assert "line 4 is not an answer" in caplog.text
    take(again, "Ada", most=6)
    assert len(Study.load(tmp_path / "choice.json").answers) == 6


def test_an_answer_that_cannot_be_written_does_not_count(tmp_path):
    study = study_of()
    study.save(tmp_path / "choice.json")
    session = study.session("Ada")
    session.answer(said(session), MADE)
    beside = answers_path(tmp_path / "choice.json")
    kept = beside.read_bytes()
    beside.unlink()
    beside.mkdir()
    with pytest.raises(ConfigError, match="could not be kept"):
        session.answer(said(session), MADE)
    beside.rmdir()
    beside.write_bytes(kept)
    assert session.current.number == 1
    assert session.answer(said(session), MADE)
    assert len(study.answers) == 2


def test_answers_to_another_test_are_not_mixed_in(tmp_path):
    first = study_of()
    first.save(tmp_path / "choice.json")
    take(first, "Ada", most=2)
    with pytest.raises(ConfigError, match="holds answers to another test"):
        study_of().save(tmp_path / "choice.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON"),
        ("[]", "is not a listening test"),
        ('{"format": "smallest_nb listening test", "version": 2}', "version 2"),
        ('{"format": "smallest_nb listening test", "version": 1}', "KeyError"),
        ('{"format": "smallest_nb listening test", "version": 1, "stimuli": [{"pcm16": 7}]}', "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_files_that_are_none(tmp_path, content, says):
    path = tmp_path / "choice.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=says):
        Study.load(path)


def test_a_reference_may_be_a_recording(tmp_path):
    person = voice_like(9).to_wav(tmp_path / "person.wav")
    takes = [take_of(1, "sophia"), take_of(2, "magnus")]
    for reference in (person, str(person), voice_like(9), {takes[0].text: voice_like(9)}):
        study = Study.make(takes, "mushra", reference=reference)
        assert study.design.reference == "reference"
        assert study.design.names == ["sophia", "magnus", "reference"]
    two = [*takes, take_of(3, "sophia", "Two."), take_of(4, "magnus", "Two.")]
    with pytest.raises(ConfigError, match="mapping of each text"):
        Study.make(two, "mushra", reference=voice_like(9))
    with pytest.raises(ConfigError, match="no reference for the text 'Two.'"):
        Study.make(two, "mushra", reference={takes[0].text: voice_like(9)})
    with pytest.raises(ConfigError, match="has no reference"):
        Study.make(takes, "ab", reference=voice_like(9))


def test_a_trial_of_another_test_is_not_read(tmp_path):
    study = study_of()
    study.save(tmp_path / "choice.json")
    take(study, "Ada", most=1)
    beside = answers_path(tmp_path / "choice.json")
    line = json.loads(beside.read_text())
    beside.write_text(json.dumps({**line, "test": "other", "trial": 1}) + "\n", "utf-8")
    assert Study.load(tmp_path / "choice.json").answers == []
    assert isinstance(study.answers[0].trial, Trial)
