"""What a conversation decides, in simulated time."""

from __future__ import annotations

import pytest

from smallest_nb.client.conversation import actions as act
from smallest_nb.client.conversation.options import ConversationOptions
from smallest_nb.errors import ConfigError
from tests.support.simulated_talk import SimulatedTalk

LONG = " ".join("one two three four five six seven eight nine ten".split() * 2)


def talk_long(**options) -> SimulatedTalk:
    return SimulatedTalk(lambda _text, _history: [LONG], **options)


def spoken_over(talk: SimulatedTalk, seconds: float = 1.0) -> SimulatedTalk:
    """Ask something and let the answer sound so long."""
    talk.say("tell me")
    talk.wait_until(lambda: talk.session.state == "speaking")
    talk.wait(seconds)
    return talk


def test_a_turn_is_answered_and_recorded():
    talk = SimulatedTalk()
    talk.say("good morning")
    talk.wait(4)
    assert talk.history == [("user", "good morning"), ("assistant", "You said good morning.")]
    person, voice = talk.session.record.turns
    assert (person.start, person.end) == (0.0, 1.0)
    assert voice.start == pytest.approx(1.0 + 0.2 + 0.1 + 0.1, abs=0.06)
    assert voice.end - voice.start == pytest.approx(4 * 0.3, abs=0.05)
    (row,) = talk.session.record.metrics
    assert row.total_s == pytest.approx(0.4, abs=0.06)
    parts = [row.end_of_turn_s, row.transcript_s, row.reply_s, row.voice_s, row.sound_s]
    assert sum(parts) == pytest.approx(row.total_s, abs=0.001)


def test_the_history_goes_with_the_next_turn():
    talk = SimulatedTalk()
    for text in ("one", "two"):
        talk.say(text)
        talk.wait(4)
    assert talk.calls[0] == ("one", [])
    assert talk.calls[1] == ("two", [("user", "one"), ("assistant", "You said one.")])


@pytest.mark.parametrize("has_word_times", [True, False])
def test_speech_pauses_at_once_words_interrupt_and_the_turn_is_cut_where_it_was_heard(has_word_times):
    talk = spoken_over(talk_long(has_word_times=has_word_times), 1.0)
    began = talk.now
    talk.say("stop please", 0.8)
    paused = next(t for t, action in talk.done if isinstance(action, act.PauseSound))
    assert paused - began <= 0.12
    talk.wait_until(lambda: len(talk.calls) == 2)
    turn = talk.session.record.turns[1]
    assert turn.is_interrupted
    assert turn.full_text == LONG
    assert turn.is_estimated is not has_word_times
    heard = round((paused - turn.start) / 0.3)
    assert abs(len(turn.text.split()) - heard) <= 1
    assert LONG.startswith(turn.text)
    assert turn.text
    assert talk.calls[1] == ("stop please", [("user", "tell me"), ("assistant", turn.text)])
    assert talk.session.record.metrics[0].barge_in_s == pytest.approx(0.06, abs=0.03)


def test_a_cough_pauses_and_the_answer_resumes_where_it_stopped():
    talk = spoken_over(talk_long())
    talk.say("", 0.4)
    assert talk.session.state == "paused"
    talk.wait(20)
    assert [type(a) for a in talk.of(act.PauseSound) + talk.of(act.ResumeSound)] == [act.PauseSound, act.ResumeSound]
    assert not talk.of(act.StopSound)
    assert talk.history[-1] == ("assistant", LONG)


@pytest.mark.parametrize("mark", ["[inaudible]", "(laughs)", "<noise>", "...", "[Background Noise]"])
def test_a_mark_of_a_sound_is_no_word(mark):
    talk = spoken_over(talk_long())
    talk.say("", 0.4)
    talk.text = mark
    talk.wait(1)
    assert talk.session.state == "speaking"
    talk.wait(0.3)
    talk.say("[PHONENUMBER_1]", 0.4)  # redacted words are words
    assert talk.of(act.StopSound)


def test_a_click_pauses_for_less_than_speech():
    talk = spoken_over(talk_long())
    talk.sound(0.14)
    talk.wait(0.1)
    assert talk.of(act.ResumeSound)
    assert talk.session.state == "speaking"


def test_a_cough_whose_final_never_comes_resumes_all_the_same():
    talk = spoken_over(talk_long(), 0.5)
    talk.final_secs = None
    talk.say("", 0.4)
    talk.wait(0.2 + 1.5 + 0.1)
    assert talk.session.state == "speaking"


def test_long_speech_interrupts_without_words():
    talk = spoken_over(talk_long())
    talk.say("", 1.0)
    assert talk.of(act.StopSound)


def test_words_mode_waits_for_words():
    talk = spoken_over(talk_long(barge_in="words", min_words=2))
    talk.say("", 0.6)
    assert not talk.of(act.PauseSound)
    talk.wait(1)
    talk.say("hm", 0.3)
    assert not talk.of(act.StopSound)
    talk.wait(0.5)
    talk.say("please stop", 0.6)
    assert len(talk.of(act.StopSound)) == 1
    talk.wait(10)
    said = [(t.who, t.text, t.is_answered) for t in talk.session.record.turns]
    # No word is lost, in the order in which the turns ended; a word that did not interrupt needs no answer.
    assert ("person", "hm please stop", True) in said or ("person", "hm", False) in said


def test_an_answer_that_nothing_interrupts_is_followed_by_what_was_said_over_it():
    talk = spoken_over(talk_long(barge_in=False))
    talk.say("and then", 0.6)
    assert not talk.of(act.StopSound)
    talk.wait(20)
    assert [text for text, _ in talk.calls] == ["tell me", "and then"]
    assert talk.history[:3] == [("user", "tell me"), ("assistant", LONG), ("user", "and then")]


def test_a_turn_that_goes_on_before_the_answer_sounds_is_one_turn():
    talk = SimulatedTalk(voice_secs=1.0)
    talk.say("what time do you open", 1.0)
    talk.wait(0.4)
    assert talk.calls == [("what time do you open", [])]
    talk.say("on sunday", 0.6)
    talk.wait(5)
    assert talk.calls[1] == ("what time do you open on sunday", [])
    assert talk.history[0] == ("user", "what time do you open on sunday")
    assert len(talk.of(act.TurnRemoved)) == 1


def test_a_final_that_never_comes_leaves_the_interim():
    talk = SimulatedTalk(final_secs=None)
    talk.say("good morning")
    talk.wait(6)
    assert talk.calls == [("good morning", [])]
    talk.result("Good morning.", is_final=True)  # late, and no barge-in
    talk.wait(3)
    assert talk.history[-1] == ("assistant", "You said good morning.")


def test_a_final_that_comes_too_late_takes_the_place_of_its_interim():
    talk = SimulatedTalk(final_secs=None, voice_secs=3.0)
    talk.say("please tell me when to")
    talk.wait(6)
    assert [text for text, _ in talk.calls] == ["please tell me when to"]
    talk.result("Please tell me when it opens.", is_final=True, from_finalize=True)
    talk.wait(8)
    assert talk.history[0] == ("user", "Please tell me when it opens.")
    assert [text for text, _ in talk.calls][1:] == ["Please tell me when it opens."]
    assert len(talk.history) == 2


def test_words_that_our_own_detector_missed_are_a_turn():
    talk = SimulatedTalk()
    talk.result("psst")
    talk.result("psst", is_final=True)
    talk.wait(1)
    assert talk.calls == [("psst", [])]


@pytest.mark.parametrize("end_of_turn", ["service", "both"])
def test_the_service_ends_a_turn(end_of_turn):
    talk = SimulatedTalk(end_of_turn=end_of_turn, stop_secs=1.0, final_secs=None)
    talk.say("good morning")
    talk.wait(0.4)
    talk.result("good morning", is_final=True)
    talk.wait(0.06)
    assert talk.calls == [("good morning", [])]


def test_a_final_in_the_middle_of_speech_ends_no_turn():
    talk = SimulatedTalk(end_of_turn="service", final_secs=None)
    talk.say("one two", 0.6)
    talk.result("one two", is_final=True)
    talk.text = ""
    talk.say("three", 0.4)
    assert not talk.calls
    talk.wait(0.5)
    talk.result("three", is_final=True)
    assert [text for text, _ in talk.calls] == ["one two three"]


# Early starts.


def test_an_early_start_with_the_right_text_is_played_when_the_turn_is_over():
    talk = SimulatedTalk(start="early", final_secs=0.5)
    talk.say("good morning")
    ended = talk.now
    talk.wait(3)
    assert [text for text, _ in talk.calls] == ["good morning"]
    (row,) = talk.session.record.metrics
    assert row.is_early
    assert row.wasted_characters == 0
    assert row.total_s < 0.5
    assert talk.history == [("user", "good morning"), ("assistant", "You said good morning.")]
    assert next(t for t, a in talk.done if isinstance(a, act.StartReply)) - ended < 0.5


def test_an_early_start_with_the_wrong_text_is_thrown_away_and_counted():
    talk = SimulatedTalk(start="early", final_secs=0.5, voice_secs=5.0)
    talk.say("good morning")
    talk.wait(0.4)
    talk.text = "good mourning"
    talk.wait(10)
    assert [text for text, _ in talk.calls] == ["good morning", "good mourning"]
    (row,) = talk.session.record.metrics
    assert row.wasted_characters == len("You said good morning.") == talk.session.record.wasted_characters
    assert talk.history == [("user", "good mourning"), ("assistant", "You said good mourning.")]


def test_capitals_and_punctuation_of_the_final_do_not_count():
    talk = SimulatedTalk(start="early", final_secs=0.5)
    talk.say("good morning")
    talk.wait(0.4)
    talk.text = "Good morning!"
    talk.wait(3)
    assert len(talk.calls) == 1
    assert talk.history[0] == ("user", "Good morning!")


def test_early_starts_are_bounded():
    talk = SimulatedTalk(start="early", final_secs=None)
    for number in range(8):
        talk.say(f"word{number}", 0.4)
        talk.wait(0.16)
        talk.result(talk.text + " x")
        talk.result(talk.text)
    assert len(talk.calls) <= 2


# Ends.


def test_the_end_of_the_source_answers_what_was_said():
    talk = SimulatedTalk()
    talk.say("good morning")
    talk.end()
    talk.wait(5)
    assert talk.session.is_finished
    assert talk.history == [("user", "good morning"), ("assistant", "You said good morning.")]


def test_hanging_up_keeps_the_words_and_cuts_the_answer():
    talk = spoken_over(talk_long(), 1.0)
    talk.session.segment("wait", talk.now, is_final=False)
    talk.session.hang_up()
    talk.perform()
    assert talk.session.is_finished
    assert [t.who for t in talk.session.record.turns] == ["person", "voice", "person"]
    assert talk.session.record.turns[-1].text == "wait"
    assert not talk.session.record.turns[-1].is_answered


def test_an_empty_reply_is_a_row_without_text():
    talk = SimulatedTalk(lambda _text, _history: [])
    talk.say("hello")
    talk.wait(2)
    assert [(t.who, t.text, t.error) for t in talk.session.record.turns] == [
        ("person", "hello", None),
        ("voice", "", None),
    ]
    assert talk.session.state == "listening"
    assert talk.history == [("user", "hello")]


def test_a_reply_without_any_text_is_given_up():
    talk = SimulatedTalk(reply_secs=2.0)
    talk.session.reply_text = lambda *_: None  # nothing comes of it
    talk.session.reply_ended = lambda *_: None
    talk.voice_secs = 60
    talk.say("hello")
    talk.wait(3)
    assert talk.session.record.turns[-1].error == "reply gave no text within 2 s"
    assert talk.session.state == "listening"


@pytest.mark.parametrize(
    ("name", "value"),
    [("end_of_turn", "never"), ("barge_in", True), ("barge_in", 0), ("stop_secs", 0), ("stop_secs", True),
     ("min_words", 0), ("start", None), ("echo", False), ("most_characters", 1.5), ("reply_secs", float("nan"))],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(name, value):
    with pytest.raises(ConfigError, match=name):
        ConversationOptions(**{name: value})
