"""The Conversation: the core's loop, with a page's microphone and player as its ears and mouth."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

import smallest_nb as snb
from smallest_nb.client import background_loop
from smallest_nb.notebook.widgets.conversation_audio import MicrophoneAudio, PlayerSink
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.widget_page import Page


@pytest.fixture(scope="module")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture(scope="module")
def question(signals):
    spoken = snb.speak("red green blue", sample_rate=16000, api_key=KEY, base_url=signals.base_url)
    return spoken.padded(0.3, 1.0)


@pytest.fixture
def make(signals):
    made = []

    def conversation(reply, **options):
        talk = snb.Conversation(reply, api_key=KEY, base_url=signals.base_url, **options)
        made.append(talk)
        return talk

    yield conversation
    for talk in made:
        talk.close()


def test_a_clip_is_answered_without_a_page(make, question):
    asked, seen = [], []

    def reply(text, history):
        asked.append((text, history))
        yield "alpha bravo. "
        yield "charlie."

    talk = make(reply)
    talk.on_turn(seen.append)
    record = talk.feed(question, timeout=60)
    assert asked == [("Red green blue.", [])]
    assert talk.history == [
        {"role": "user", "content": "Red green blue."},
        {"role": "assistant", "content": "alpha bravo. charlie."},
    ]
    assert record is talk.record
    assert seen == record.turns
    assert [(row["who"], row["text"], row["unheard"]) for row in talk.turns] == [
        ("person", "Red green blue.", ""),
        ("voice", "alpha bravo. charlie.", ""),
    ]
    assert (talk.state, talk.interim, talk.answer, talk.error, talk.running) == ("idle", "", "", "", False)
    assert len(talk.metrics) == 1
    assert talk.recording.duration > question.duration
    assert "Red green blue." in talk.saved_html.draw()


def test_another_press_begins_another_conversation_and_the_former_is_kept(make, question):
    talk = make(lambda text: "alpha.")
    first = talk.feed(question, timeout=60)
    second = talk.feed(question, timeout=60)
    assert first is not second
    assert [list(record.turns) for record in talk.records] == [first.turns, second.turns]
    talk.clear()
    assert (talk.history, talk.turns, len(talk.records)) == ([], [], 3)


def test_an_error_in_reply_is_shown_and_logged_and_the_conversation_goes_on(make, question, caplog):
    def reply(text):
        raise ValueError("no such table")

    talk = make(reply, on_error="sorry.")
    talk.feed(question + question, timeout=90)
    assert "ValueError: no such table" in talk.error
    assert "no such table" in caplog.text
    assert [turn.who for turn in talk.record.turns].count("person") == 2
    assert KEY not in caplog.text


class Loudspeaker(Page):
    """A page that plays what it is sent, in real time, and reports it as a page does."""

    def __init__(self, player):
        super().__init__(player)
        self.rate, self.stream, self.received, self.began, self.held = 24000, "", 0, None, 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def receive(self, content, buffers):
        super().receive(content, buffers)
        kind = content["type"]
        if kind == "stream-open":
            self.rate, self.stream, self.received, self.began, self.held = (
                content["sample_rate"], content["stream"], 0, None, 0.0,
            )  # fmt: skip
        elif kind == "stream-audio":
            self.received += len(buffers[0]) // 2
            self.began = self.began if self.began is not None else time.monotonic()
        elif kind in ("playback", "stop"):
            self.held = self.position
            self.began = None
            if kind == "playback" and content["action"] == "resume":
                self.began = time.monotonic()

    @property
    def position(self):
        ahead = time.monotonic() - self.began if self.began is not None else 0.0
        return min(self.held + ahead, self.received / self.rate)

    def run(self):
        while not self.over.wait(0.05):
            if self.stream:
                played = round(self.position * self.rate)
                paused = self.began is None
                state = "paused" if paused else "idle" if played >= self.received else "playing"
                self.played(self.stream, played, state)

    def leave(self):
        self.over.set()
        self.thread.join(5)
        super().leave()


def test_what_was_heard_is_what_the_page_has_played(make, question):
    talk = make(lambda text: "alpha bravo charlie delta echo foxtrot golf hotel. " * 4, grace_secs=0.3)
    page = Loudspeaker(talk.player)
    page.hello()
    talk.feed((question + snb.Clip(bytes(32000 * 2), 16000) + question).padded(0, 1.0), timeout=90)
    turns = talk.record.turns
    cut = next(turn for turn in turns if turn.who == "voice")
    assert cut.is_interrupted
    assert cut.full_text.startswith(cut.text)
    assert 0 < len(cut.text.split()) < len(cut.full_text.split())
    assert talk.turns[1]["unheard"].split() == cut.full_text.split()[len(cut.text.split()) :]
    page.leave()


async def on_the_loop(coroutine):
    return await background_loop.wait(background_loop.submit(coroutine))


async def test_the_sink_knows_where_the_page_has_paused():
    player = snb.Player()
    page = Loudspeaker(player)
    page.hello()

    async def play():
        sink = PlayerSink(player)
        sink.begin(16000)
        await sink.write(bytes(32000 * 3))
        while sink.position < 0.5:
            await asyncio.sleep(0.02)
        paused = await sink.pause()
        assert paused == pytest.approx(page.position, abs=0.06)
        await asyncio.sleep(0.3)
        assert sink.position == paused
        await sink.resume()
        while sink.position < paused + 0.2:
            await asyncio.sleep(0.02)
        stopped = await sink.stop()
        assert sink.position == stopped
        return paused, stopped

    paused, stopped = await on_the_loop(play())
    assert 0.5 <= paused < stopped < 3
    page.leave()
    player.close()


async def test_an_answer_that_no_page_can_play_is_an_error():
    player = snb.Player()
    page = Page(player)
    page.hello()

    async def play():
        sink = PlayerSink(player)
        sink.begin(16000)
        await sink.write(bytes(32000))
        page.leave()
        await sink.finish()

    with pytest.raises(snb.FrontEndError, match="No page shows"):
        await on_the_loop(play())
    player.close()


async def test_a_conversation_that_is_held_up_drops_the_oldest_sound():
    microphone = snb.Microphone()
    source = MicrophoneAudio(microphone)
    for number in range(520):
        source.write(bytes([number % 256, 0]))
    source.end()
    pieces = [piece async for piece in source]
    assert source.dropped_chunks == 20
    assert (len(pieces), pieces[-1]) == (499, bytes([519 % 256, 0]))
    microphone.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"reply": "hello"}, "cannot be called"),
        ({"barge_in": "cough"}, "barge_in='cough'"),
        ({"stop_sec": 1}, "stop_secs"),
        ({"tts": {"speed": 9}}, "speed=9"),
        ({"stt": {"langauge": "hi"}}, "langauge"),
    ],
)
def test_bad_arguments_are_refused_in_words(arguments, words):
    with pytest.raises(snb.ConfigError, match=words):
        snb.Conversation(**{"reply": lambda text: text, **arguments})
