"""What a Conversation leaves, and how it ends if a reply has no end, no text or a lot, or the service goes away."""

from __future__ import annotations

import threading

import pytest

import smallest_nb as snb
from smallest_nb.client import background_loop
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.widget_page import eventually


@pytest.fixture
def simulator():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def question(simulator):
    spoken = snb.speak("red green blue", sample_rate=16000, api_key=KEY, base_url=simulator.base_url)
    return spoken.padded(0.3, 1.0)


@pytest.fixture
def make(simulator):
    made = []

    def conversation(reply, **options):
        talk = snb.Conversation(reply, api_key=KEY, base_url=simulator.base_url, **options)
        made.append(talk)
        return talk

    yield conversation
    for talk in made:
        talk.close()


def begin(talk, clip):
    """Let the conversation go on in the background."""
    return background_loop.submit(talk.feed_async(clip))


def idle(talk):
    return (talk.state, talk.interim, talk.answer, talk.running) == ("idle", "", "", False)


def test_everything_it_leaves_is_there(tmp_path):
    """With a voice, not with test tones, which are no speech to a detector: so the turn's end is known to us."""
    with Simulator(behaviour=Behaviour(engine="speech")) as simulator:
        where = {"api_key": KEY, "base_url": simulator.base_url}
        question = snb.speak("Please tell me when the museum is open.", voice="magnus", sample_rate=16000, **where)
        talk = snb.Conversation(lambda text: "It opens at nine.", final_secs=60, **where)
        try:
            check_everything(talk, question.padded(0.5, 1.0), tmp_path)
        finally:
            talk.close()


def check_everything(talk, question, folder):
    assert (talk.history, len(talk.transcript), len(talk.metrics), len(talk.to_dataframe())) == ([], 0, 0, 0)
    with pytest.raises(snb.ConfigError, match="no sound"):
        _ = talk.recording
    talk.feed(question, timeout=100)
    person, voice = talk.history
    assert person["role"] == "user"
    assert "museum" in person["content"]
    assert voice == {"role": "assistant", "content": "It opens at nine."}
    assert [(s.text, s.speaker) for s in talk.transcript] == [(person["content"], 0), (voice["content"], 1)]
    assert talk.transcript.speakers == {0: "Person", 1: "Voice"}
    figures = talk.metrics.to_dataframe()
    parts = figures[["end_of_turn_s", "transcript_s", "reply_s", "voice_s", "sound_s"]].sum(axis=1)
    assert parts[0] == pytest.approx(figures["total_s"][0], abs=0.01)
    assert talk.recording.duration > question.duration
    table = talk.to_dataframe()
    assert list(table["who"]) == ["person", "voice"]
    assert (table["end"] > table["start"]).all()
    assert table["total_s"][1] == figures["total_s"][0]
    assert talk.to_wav(folder / "talk.wav").stat().st_size > 4 * len(talk.recording) - 100
    assert snb.ConversationRecord.from_json(talk.to_json()).turns == talk.record.turns


def test_a_reply_without_end_goes_on_until_the_person_hangs_up(make, question):
    closed, given = threading.Event(), []

    def reply(text):
        try:
            while True:
                given.append(1)
                yield "alpha bravo charlie. "
        finally:
            closed.set()

    talk = make(reply)
    going = begin(talk, question.padded(0, 60))
    eventually(lambda: talk.state == "speaking", 60)
    talk.stop()
    going.result(60)
    assert closed.wait(20)
    eventually(lambda: idle(talk))
    turn = talk.record.turns[1]
    assert turn.is_interrupted
    assert len(turn.text) < len(turn.full_text)
    assert len(given) < 400
    assert talk.error == ""


@pytest.mark.parametrize("reply", [lambda t: None, lambda t: "", lambda t: iter(()), lambda t: iter(("", " "))],
                         ids=["nothing", "no text", "no piece", "blanks"])  # fmt: skip
def test_a_reply_of_nothing_is_a_turn_without_text(make, question, reply):
    talk = make(reply)
    talk.feed(question, timeout=60)
    assert idle(talk)
    assert talk.history == [{"role": "user", "content": "Red green blue."}]
    assert [(turn.who, turn.text, turn.error) for turn in talk.record.turns][1:] == [("voice", "", None)]
    assert talk.error == ""


def test_of_ten_thousand_words_the_history_has_those_that_were_heard(make, question):
    talk = make(lambda t: " ".join(["alpha bravo charlie delta."] * 2500))
    going = begin(talk, question.padded(0, 60))
    eventually(lambda: talk.state == "speaking", 60)
    talk.stop()
    going.result(60)
    eventually(lambda: idle(talk))
    turn = talk.record.turns[1]
    assert len(turn.full_text.split()) == 10_000
    assert len(turn.text.split()) < 100
    assert turn.full_text.startswith(turn.text)
    assert talk.turns[1]["text"] == turn.text


def test_a_service_that_goes_away_in_a_turn_is_shown_and_no_word_is_lost(make, simulator, question):
    talk = make(lambda text: "alpha.")
    going = begin(talk, (question + question).padded(0, 30))
    eventually(lambda: "green" in talk.interim.lower(), 60)
    simulator.stop()
    with pytest.raises(snb.SmallestError):
        going.result(120)
    eventually(lambda: idle(talk))
    assert talk.error
    assert KEY not in talk.error
    assert talk.history[0]["content"].lower().startswith("red green")


def test_a_voice_that_goes_away_in_an_answer_keeps_what_was_heard_and_the_conversation_goes_on(
    make, simulator, question, caplog
):
    texts = iter(["alpha bravo. charlie delta.", "echo."])
    talk = make(lambda text: next(texts))
    simulator.behaviour.complete_without_audio = True
    seen = []
    talk.on_turn(seen.append)

    def healed(turn):
        if turn.who == "voice":
            simulator.behaviour.complete_without_audio = False

    talk.on_turn(healed)
    talk.feed(question.padded(0, 6) + question, timeout=120)
    answers = [turn for turn in talk.record.turns if turn.who == "voice"]
    assert [(turn.text, bool(turn.error)) for turn in answers] == [("", True), ("echo.", False)]
    assert "reply failed" in talk.error or "IncompleteError" in talk.error
    assert seen == talk.record.turns
