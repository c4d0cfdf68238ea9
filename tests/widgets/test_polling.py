"""Hosts that lose what a thread sends: a comm that delivers only inside the handler of a page's message."""

from __future__ import annotations

import threading
import time

import numpy as np

from smallest_nb import Clip, Microphone, VoiceTuner
from smallest_nb.client import background_loop
from smallest_nb.notebook.comm import delivery_log
from smallest_nb.notebook.comm.channel import MAX_PIECE
from tests.support.widget_page import Page, eventually, noise


class LossyPage(Page):
    """A page behind such a comm: `got` is what was delivered, once each and in order, `raw` how often it was sent."""

    def __init__(self, widget, name="p1"):
        super().__init__(widget, name)
        self.open, self.raw, self.states, self.next = False, [], [], None
        self.lost = False

    def update(self, state):
        if self.open:
            self.states.append(state)

    def receive(self, content, buffers):
        if self.lost or not self.open or threading.current_thread() is not threading.main_thread():
            return
        self.raw.append(content)
        if content["type"] == "welcome" and self.next is None:
            self.next = content["start"]
        if content["seq"] is None or content["seq"] == self.next:
            super().receive(content, buffers)
            self.next += content["seq"] is not None

    def say(self, kind, buffer=None, **fields):
        self.open = True
        super().say(kind, buffer, **{"ack": (self.next or 1) - 1, **fields})
        self.open = False

    def poll(self, **fields):
        self.say("poll", **{"pull": True, "again": False, **fields})

    def numbered(self):
        return [c["seq"] for c in self.raw if c["seq"] is not None]


def on_a_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_sound_of_a_thread_comes_with_the_answer_whole_and_once(player):
    page, clip = LossyPage(player), noise(3)
    page.hello(pull=True)
    on_a_thread(player.play, clip)
    assert page.of("stream-audio") == []
    page.poll()
    assert page.pcm() == clip.pcm
    assert page.of("stream-end") == [{**page.of("stream-end")[0], "samples": len(clip), "via": "pull"}]
    before = len(page.raw)
    page.poll()
    assert [c["type"] for c in page.raw[before:]] == ["polled"], "it was sent again although it had come"
    assert page.numbered() == sorted(set(page.numbered()))


def test_any_message_of_any_widget_brings_what_all_have(player):
    page = LossyPage(player)
    page.hello(pull=True)
    microphone = Microphone()
    other = LossyPage(microphone, "m1")
    other.hello(pull=True)
    page.open = True  # one host: while a handler runs, every comm is delivered
    on_a_thread(player.play, noise(0.3))
    other.say("mic-state", state="starting", error=None, rate=48000, dropped=0, granted=None)
    assert page.of("stream-end")
    microphone.close()


def test_an_answer_is_bounded_and_says_that_there_is_more(player, monkeypatch):
    monkeypatch.setattr(delivery_log, "_BATCH", 5)
    page, clip = LossyPage(player), noise(3)
    page.hello(pull=True)
    on_a_thread(player.play, clip)
    for count in (5, 10, 15):
        page.poll()
        assert len(page.numbered()) == count
        polled = page.of("polled")[-1]
        assert polled["newest"] >= page.next
        assert polled["oldest"] <= page.next
    page.poll()
    assert page.pcm() == clip.pcm


def test_what_an_answer_lost_is_sent_again_when_the_page_says_so(player):
    page, clip = LossyPage(player), noise(1)
    page.hello(pull=True)
    on_a_thread(player.play, clip)
    page.lost = True
    page.poll()
    page.lost = False
    page.poll()
    assert page.pcm() == b""
    page.poll(again=True)
    assert page.pcm() == clip.pcm


def test_what_came_between_two_hellos_of_a_page_is_not_lost(player):
    page, clip = LossyPage(player), noise(1)
    page.hello(pull=True)
    on_a_thread(player.play, clip)
    page.hello(pull=True)  # it waited for a busy kernel, which heard both at last
    page.poll()
    page.poll(again=True)
    assert page.pcm() == clip.pcm
    assert [c["start"] for c in page.raw if c["type"] == "welcome"] == [1, 1]


def test_what_the_bounded_outbox_dropped_is_not_waited_for(player, monkeypatch):
    monkeypatch.setattr(delivery_log, "MAX_MESSAGES", 4)
    page = LossyPage(player)
    page.hello(pull=True)
    on_a_thread(player.play, noise(3))
    page.poll()
    assert page.pcm() == b""
    assert page.of("polled")[-1]["oldest"] > page.next


def test_what_a_cell_or_handler_sends_is_not_sent_twice(player):
    page = LossyPage(player)
    page.hello(pull=True)
    page.open = True
    player.play(noise(1))
    page.open = False
    sent = len(page.numbered())
    assert sent > 3
    page.poll(ack=0)
    assert len(page.numbered()) == sent


def test_traits_that_a_thread_changed_come_with_the_answer(player):
    page = LossyPage(player)
    page.hello(pull=True)
    on_a_thread(setattr, player, "status", "spoken")
    assert page.states == []
    page.poll()
    assert page.states == [{"status": "spoken"}]
    page.poll()
    assert len(page.states) == 1


def test_nothing_is_kept_for_pages_that_messages_reach_by_themselves(player):
    page = LossyPage(player)
    page.hello()
    on_a_thread(setattr, player, "status", "spoken")
    page.say("press", action="stop")
    assert page.states == []
    assert page.numbered() == []


def test_the_probe_comes_from_a_thread_and_polls_say_so(player):
    seen = []
    page = LossyPage(player)
    deliver = page.receive
    page.receive = lambda content, buffers: (
        seen.append((content["type"], threading.current_thread().name)),
        deliver(content, buffers),
    )
    page.hello()
    page.poll()
    assert page.of("polled")[-1]["probed"] is False
    eventually(lambda: ("probe", "smallest_nb") in seen)
    time.sleep(0.5)
    page.poll()
    assert page.of("polled")[-1]["probed"] is True
    assert page.of("probe") == []


def test_a_large_message_goes_in_pieces_that_belong_together(player):
    page = LossyPage(player)
    page.hello()
    page.open = True
    one, two = noise(3), Clip.from_array(np.zeros(700, np.int16), 24000)
    player.compare(("Take 1", one), ("Take 2", two))
    kinds = [c["type"] for c, _ in page.got if c["type"] in ("piece", "compare")]
    assert kinds == ["piece", "piece", "compare", "compare"]
    assert max(len(b[0]) for _, b in page.got if b) <= MAX_PIECE
    whole = b"".join(b[0] for c, b in page.got if c["type"] in ("piece", "compare"))
    assert whole == one.pcm + two.pcm


def test_a_tuner_that_speaks_by_itself_tells_the_page_to_ask(simulator):
    tuner = VoiceTuner("Good evening.", api_key="sk_test_canary_7f3a", base_url=simulator.base_url)
    page = LossyPage(tuner.player)
    page.hello(pull=True)
    page.open = True
    take = tuner.submit()
    page.open = False
    assert page.of("soon")
    take.result(20)
    eventually(lambda: page.poll() or page.of("stream-end"))
    assert page.pcm() == tuner.takes[-1].clip.pcm
    assert [s["busy"] for s in page.states if "busy" in s][-1] is False
    background_loop.call(tuner.service.close(), 5)
    tuner.close()
