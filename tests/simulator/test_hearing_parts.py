"""The parts of the recogniser that need no sound: stable interims, loops, sound-alikes, the choice of an engine."""

from __future__ import annotations

import pytest

import smallest_nb as snb
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.hearing.decoder import end_loops, end_repetition
from smallest_nb.simulator.hearing.engines import choose_hearing, describe_hearing, hears, is_heard
from smallest_nb.simulator.hearing.piece_decoder import _fill_in
from smallest_nb.simulator.hearing.sound_alike import find_candidates, measure_distance
from smallest_nb.simulator.hearing.stable_text import StableText


def test_what_three_hypotheses_agree_on_stays():
    text = StableText()
    for _ in range(3):
        text.update("the train leaves in".split())
    assert text.stable == "the train leaves".split()
    assert text.update("a rain leaves in twenty".split()) == "the train leaves in twenty".split()
    assert text.update("the train tomorrow".split())[:3] == "the train leaves".split()
    text.clear()
    assert text.update(["other"]) == ["other"]


def test_words_that_two_hypotheses_agree_on_are_counted():
    text = StableText()
    text.update("one two three".split())
    assert text.agreed == 0
    text.update("one two three four".split())
    assert text.agreed == 3


def test_loops_for_which_there_was_no_time_are_no_words():
    loop = ["no"] + "and so on".split() * 8
    assert end_loops(loop, 1.0) == "no and so on".split()
    assert end_loops("five five five five".split(), 2.0) == ["five"] * 4  # said slowly enough
    assert end_loops("a b c d e f g h".split(), 0.1) == "a b c d e f g h".split()


def test_an_interim_does_not_go_in_circles():
    said = "he opened the door and turned"
    assert end_repetition(f"{said} on the door on the door on the door".split()) == f"{said} on the door".split()
    assert end_repetition("five five five".split()) == ["five"] * 3
    assert end_repetition(["very"] * 9) == ["very"] * 3
    assert end_repetition([]) == []


def test_words_that_sound_alike_are_found_and_others_are_not():
    phones = {"pipe": "P AY P", "cat": "K AE T", "pipecat": "P AY P K AE T", "the": "DH AH", "release": "R IH L IY S"}
    (found,) = find_candidates(["the", "pipe", "cat", "release"], phones, [["pipecat"]])[:1]
    assert (found.start, found.end, found.distance) == (1, 3, 0)
    assert find_candidates(["the", "release"], phones, [["pipecat"]]) == []
    assert find_candidates(["pipecat"], phones, [["pipecat"]]) == []  # it was recognised
    assert measure_distance(("P", "AY"), ("B", "AY")) < measure_distance(("P", "AY"), ("Z", "AY"))


def test_who_hears():
    assert choose_hearing(None, "speech", {}) == "moonshine"
    assert choose_hearing(None, "signal", {"SMALLEST_NB_HEARING": "whisper"}) == "signal"
    assert choose_hearing(None, "speech", {"SMALLEST_NB_HEARING": " PocketSphinx "}) == "pocketsphinx"
    assert choose_hearing("whisper", "signal", {}) == "whisper"
    with pytest.raises(snb.ConfigError, match=r"SMALLEST_NB_HEARING='ears' names no recogniser; choose one of moonsh"):
        choose_hearing(None, "speech", {"SMALLEST_NB_HEARING": "ears"})
    with pytest.raises(snb.ConfigError, match="hearing='ears'"):
        Behaviour(hearing="ears")
    with pytest.raises(snb.ConfigError, match="hearing_model=''"):
        Behaviour(hearing_model="")


def test_which_languages_are_heard():
    assert hears("moonshine", None, "en")
    assert not hears("moonshine", None, "de")
    assert hears("moonshine", "base-es", "es")
    assert hears("whisper", "small", "de")
    assert not hears("whisper", "tiny.en", "de")
    assert hears("signal", None, "ta")
    assert hears("whisper", "/data/faster-whisper-small", "hi")
    assert hears("moonshine", "/data/my-models/tiny-en/", "en")
    assert not hears("moonshine", "/data/my-models/tiny-en/", "de")
    assert not hears("moonshine", "base-es", "en")
    assert is_heard("moonshine", "base-es", "en")  # by the usual model
    assert is_heard("moonshine", "/data/mine", "en")
    assert is_heard("whisper", "small", "de")
    assert not is_heard("whisper", None, "de")
    assert describe_hearing("moonshine", None) == "Moonshine hearing (English)"
    assert "for Whisper is not installed" in describe_hearing("whisper", None)


def test_words_without_a_place_share_what_lies_between_their_neighbours():
    placed = [[0.0, 0.4, 0.9], None, None, [1.0, 1.2, 0.8], None]
    filled = _fill_in(placed, ["one", "a", "bcd", "four", "five"], 2.0, sure=0.2)
    assert filled == [[0.0, 0.4, 0.9], [0.4, 0.55, 0.2], [0.55, 1.0, 0.2], [1.0, 1.2, 0.8], [1.2, 2.0, 0.2]]
    assert _fill_in([None], ["x"], 0.5, sure=0.5) == [[0.0, 0.5, 0.5]]
