"""Whatever happens in whatever order, a conversation keeps its promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallest_nb.client.conversation import actions as act
from tests.support.simulated_talk import SimulatedTalk

WORDS = st.sampled_from("red green blue seven nine".split())
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.lists(WORDS, max_size=4).map(" ".join), st.sampled_from([0.06, 0.16, 0.4, 1.0])),
        st.tuples(st.just("silently"), st.lists(WORDS, min_size=1, max_size=3).map(" ".join)),
        st.tuples(st.just("wait"), st.sampled_from([0.02, 0.1, 0.3, 0.7, 3.0])),
        st.tuples(st.just("final"), st.booleans()),
        st.tuples(st.just("correct"), st.lists(WORDS, min_size=1, max_size=4).map(" ".join)),
    ),
    max_size=14,
)
OPTIONS = st.fixed_dictionaries({
    "end_of_turn": st.sampled_from(["service", "vad", "both"]),
    "start": st.sampled_from(["plain", "early"]),
    "barge_in": st.sampled_from(["speech", "words", False]),
    "min_words": st.sampled_from([1, 2]),
    "final_secs": st.sampled_from([None, 0.06, 0.6]),
    "voice_secs": st.sampled_from([0.02, 0.5, 2.0]),
    "has_word_times": st.booleans(),
    "reply": st.sampled_from(
        [lambda text, _h: [f"You said {text}. ", "Anything else?"], lambda _t, _h: [], lambda t, _h: [t] * 20]
    ),
})  # fmt: skip


def run(steps, options) -> tuple[SimulatedTalk, list[str]]:
    talk = SimulatedTalk(**options)
    finals = []

    def result(text, *, is_final=False, from_finalize=False):
        if is_final and text:
            finals.append(text)
        SimulatedTalk.result(talk, text, is_final=is_final, from_finalize=from_finalize)

    talk.result = result
    for kind, *arguments in steps:
        if kind == "say":
            talk.say(*arguments)
        elif kind == "silently":
            talk.say(arguments[0], 0.4, interims=False)
        elif kind == "wait":
            talk.wait(*arguments)
        elif kind == "correct":
            talk.text = arguments[0]
        else:
            text, talk.text = talk.text, ""
            talk.result(text, is_final=True, from_finalize=False)
    talk.end()
    talk.wait_until(lambda: talk.session.is_finished, 400)
    return talk, finals


@given(STEPS, OPTIONS)
def test_it_ends_no_word_is_lost_and_answers_follow_one_another(steps, options):
    talk, finals = run(steps, options)
    persons = " ".join(t.text for t in talk.session.record.turns if t.who == "person").split()
    left = iter(persons)
    missing = [word for word in " ".join(finals).split() if word not in left]
    # A final that repeats an interim which was taken for it is the same words once.
    if options["final_secs"] is not None:
        assert not missing, (finals, persons)
    numbers = [a.answer for a in talk.of(act.StartReply)]
    assert numbers == sorted(set(numbers))
    assert set(talk.played) == set(numbers), "each answer ended, or said how much of it was played"
    assert [type(a) for a in talk.of(act.HangUp)] == [act.HangUp]
    assert talk.session.deadline is None
    assert talk.session.state == "ended"


@given(STEPS, OPTIONS)
def test_what_is_in_the_history_was_heard(steps, options):
    talk, _ = run(steps, options)
    for turn in talk.session.record.turns:
        if turn.who == "voice":
            assert turn.full_text.startswith(turn.text)
            assert (turn.start is None) == (turn.end is None) or not turn.text
            assert not turn.text or turn.end > turn.start or options["reply"](turn.text, []) == []
    if options["barge_in"] is False:
        assert not any(t.is_interrupted for t in talk.session.record.turns if options["start"] == "plain")


@given(STEPS, OPTIONS)
def test_nothing_is_thrown_away_without_an_early_start(steps, options):
    talk, _ = run(steps, {**options, "start": "plain"})
    assert talk.session.record.wasted_characters == 0
    spoken = sum(row.characters for row in talk.session.record.metrics)
    assert spoken >= sum(len(t.text) for t in talk.session.record.turns if t.who == "voice")


@given(STEPS, OPTIONS)
def test_what_early_starts_throw_away_is_bounded(steps, options):
    talk, _ = run(steps, {**options, "start": "early"})
    spoken = sum(row.characters for row in talk.session.record.metrics)
    longest = max((len("".join(options["reply"](text, history))) for text, history in talk.calls), default=0)
    assert talk.session.record.wasted_characters <= spoken / 3 + 60 + longest


@given(STEPS, OPTIONS, st.floats(0, 3))
def test_hanging_up_at_any_time_leaves_nothing_open(steps, options, seconds):
    talk = SimulatedTalk(**options)
    for kind, *arguments in steps:
        if kind == "say":
            talk.say(*arguments)
    talk.wait(seconds)
    talk.session.hang_up()
    talk.perform()
    assert talk.session.is_finished
    assert set(talk.played) == {a.answer for a in talk.of(act.StartReply)}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["text", "ended", "failed", "audio", "voice", "started", "done", "stopped"]),
            st.integers(0, 3),
        )
    )
)
def test_reports_about_answers_that_are_over_change_nothing(reports):
    talk = SimulatedTalk()
    talk.say("hello")
    talk.wait(4)
    before = list(talk.session.record.turns)
    session = talk.session
    for kind, number in reports:
        {
            "text": lambda n: session.reply_text(n, "x", talk.now),
            "ended": session.reply_ended,
            "failed": lambda n: session.reply_failed(n, "why"),
            "audio": lambda n: session.voice_audio(n, 1.0, [1], talk.now),
            "voice": session.voice_ended,
            "started": lambda n: session.sound_started(n, talk.now),
            "done": lambda n: session.answer_ended(n, 1.0, talk.now),
            "stopped": lambda n: session.sound_stopped(n, 1.0, talk.now),
        }[kind](number)
        talk.perform()
    assert talk.session.record.turns == before
    assert talk.session.state == "listening"


def test_a_broken_rule_would_be_noticed():
    talk = SimulatedTalk()
    talk.say("hello")
    talk.wait(0.5)
    with pytest.raises(AssertionError, match="not ended"):
        talk._perform(act.StartReply(99, "again", ()))
