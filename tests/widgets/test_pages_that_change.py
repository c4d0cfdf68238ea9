"""Pages that come while sound is made, that go while another stays, that play something else meanwhile."""

from __future__ import annotations

import concurrent.futures
import json
import sys
import threading
import time

import pytest

from smallest_nb import Clip, Microphone, Player, VoiceTuner
from smallest_nb.client import background_loop
from tests.support.widget_page import Page, eventually, noise

RATE = 24000


def two_pages(widget):
    one, two = Page(widget), Page(widget, "p2")
    one.hello()
    two.hello()
    assert two.owner == "p1"
    return one, two


def streams(page, since=0):
    return [
        c["type"] for c, _ in page.got[since:] if c["type"] in ("owner", "stream-open", "stream-audio", "stream-end")
    ]


def newest(page):
    return max((c["seq"] or 0 for c, _ in page.got), default=0)


def ended(player):
    background_loop.call(player.wait(2), 3)


def has_ended(player):
    try:
        background_loop.call(player.wait(0.1), 3)
    except TimeoutError:
        return False
    return True


def test_the_page_that_stays_plays_what_comes_when_the_owner_has_gone(player):
    one, two = two_pages(player)
    one.say("bye")
    assert two.owner == "p2"
    player.play(noise(0.1))
    assert streams(two) == ["owner", "stream-open", "stream-audio", "stream-end"]
    two.played("s1", 2400, state="idle")
    ended(player)


def test_of_those_that_stay_the_one_that_was_heard_last_plays(player):
    one, two = two_pages(player)
    third = Page(player, "p3")
    third.hello()
    two.say("poll", pull=False, again=False)
    one.say("bye")
    assert third.owner == "p2"
    assert [m["page"] for m in third.of("owner")] == ["p2"]


def test_sound_whose_page_has_gone_is_not_waited_for(player):
    one, two = two_pages(player)
    ends, moves = [], []
    player.on_finished(lambda: ends.append(player.state))
    player.on_moved(lambda: moves.append(player.state))
    player.play(noise(30))
    one.played("s1", RATE)
    before = len(two.got)
    one.say("bye")
    one.played("s1", 2 * RATE)  # said before it went, heard after that
    ended(player)
    eventually(lambda: ends == ["idle"] and moves[-1] == "idle")
    assert streams(two, before) == ["owner"], "half a take out of the blue"


def test_sound_of_the_last_page_that_went_is_not_waited_for_either(player):
    page = Page(player)
    page.hello()
    player.play(noise(30))
    page.played("s1", RATE)
    waiting = background_loop.submit(player.wait(3))
    time.sleep(0.2)
    assert not waiting.done()
    page.say("bye")
    waiting.result(3)


def test_what_no_page_knows_yet_is_opened_for_the_page_that_stays(player):
    one, two = two_pages(player)
    stream = player.open_stream(RATE)
    one.say("bye")
    stream.write(bytes(4800))
    stream.end()
    assert streams(two) == ["stream-open", "owner", "stream-open", "stream-audio", "stream-end"]


def test_a_page_that_is_pressed_ends_what_another_one_plays(player):
    one, two = two_pages(player)
    player.play(noise(30))
    one.played("s1", RATE)
    two.say("press", action="stop")
    one.played("s1", 2 * RATE)  # it has not heard yet that it is not the owner any more
    ended(player)
    assert player.position == 1.0


def test_a_page_that_is_reloaded_has_the_sound_again_although_another_stayed(player):
    one, two = two_pages(player)
    one.say("bye")
    again = Page(player, "p3")
    again.hello()
    assert again.owner == "p3"
    assert [m["page"] for m in again.of("owner")] == ["p3"]
    assert again.of("welcome")[-1]["start"] <= again.of("owner")[-1]["seq"]
    again.say("bye")
    assert two.owner == "p2"
    player.play(noise(30))
    two.played("s1", RATE)
    Page(player, "p4").hello()
    assert two.owner == "p2", "it plays"


def test_the_microphone_of_the_page_that_stays_is_reached():
    microphone = Microphone()
    one, two = two_pages(microphone)
    one.say("bye")
    microphone.start()
    assert [c["type"] for c, _ in two.got if c["type"] in ("owner", "mic-start")] == ["owner", "mic-start"]
    two.say("mic-state", state="recording", error=None, rate=48000, dropped=0, granted=None)
    eventually(lambda: microphone.state == "recording")
    microphone.close()


def test_sound_that_is_written_while_a_page_says_hello_comes_behind_its_opening(player):
    page = Page(player)
    stream = player.open_stream(RATE)
    record = page.receive

    def receive(content, buffers):
        record(content, buffers)
        if content["type"] == "welcome":  # the page is known, and nothing else was done for it yet
            writer = threading.Thread(target=stream.write, args=(bytes(9600),))
            writer.start()
            writer.join(5)
            assert not writer.is_alive()

    page.receive = receive
    page.hello()
    stream.end()
    start = page.of("welcome")[0]["start"]
    after = [(c, b) for c, b in page.got if (c["seq"] or 0) >= start]
    assert [c["type"] for c, _ in after] == ["stream-open", "stream-audio", "stream-end"]
    assert b"".join(b[0] for c, b in after if b) == bytes(9600)
    assert not has_ended(player), "the page has not played it"


def come_and_report(page, over):
    for n in range(100_000):
        if over.is_set():
            return
        page.name = f"p{n % 3}"
        page.hello()
        page.name = page.owner
        page.played(f"s{n % 200}", 0, state="waiting")
        if n % 5 == 0:
            page.say("bye")


def speak(player):
    for _ in range(500):
        for _ in range(8):
            stream = player.open_stream(RATE, queued=True)
            stream.write(bytes(480))
            stream.end()
        player.stop()


@pytest.fixture
def quick_switches():
    former = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(former)


@pytest.mark.usefixtures("quick_switches")
def test_pages_come_and_report_while_threads_write_and_nothing_fails_or_hangs(player):
    page, over = Page(player), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        telling = threads.submit(come_and_report, page, over)
        try:
            for speaking in [threads.submit(speak, player) for _ in range(2)]:
                speaking.result(30)
        finally:
            over.set()
        telling.result(30)
    for n in range(3):
        page.name = f"p{n}"
        page.say("bye")
    fresh = Page(player, "fresh")
    fresh.hello()
    stream = player.play(noise(0.1))
    assert streams(fresh) == ["stream-open", "stream-audio", "stream-end"]
    fresh.played(stream.name, 2400, state="idle")
    ended(player)


def test_what_the_page_plays_of_its_own_ends_what_it_knew(player):
    page = Page(player)
    page.hello()
    player.compare(("1", noise(1)), ("2", noise(1)))
    player.play(Clip(bytes(2 * 9 * RATE), RATE))  # all of it is in the page
    page.played("s1", RATE)
    page.played("compare-a", RATE, ack=newest(page))
    assert not has_ended(player), "what is queued behind it is still to be played"
    page.played("compare-a", RATE, state="idle", ack=newest(page))
    ended(player)


def test_the_end_of_something_else_does_not_end_what_the_page_has_not_played_yet(player):
    page = Page(player)
    page.hello()
    player.play(noise(0.5))
    before = newest(page)
    stream = player.open_stream(RATE)
    page.played("s1", 12_000, state="idle", ack=before)  # on its way when the new one was opened
    page.played("s1", 12_000, state="idle", ack=stream.opened)  # said in opening the new one
    stream.write(bytes(4800))
    stream.end()
    assert streams(page)[-3:] == ["stream-open", "stream-audio", "stream-end"]


def test_a_stop_in_the_page_in_mid_stream_opens_the_way_for_the_next(player):
    page = Page(player)
    page.hello()
    player.play(noise(30))
    page.played("s1", RATE)
    page.played("s1", RATE, state="idle", ack=newest(page))  # as a press on Compare says
    page.played("compare-a", 0, state="waiting", ack=newest(page))
    player.play(noise(0.1), queued=True)
    assert streams(page)[-3:] == ["stream-open", "stream-audio", "stream-end"]
    page.played("s2", 2400, state="idle", ack=newest(page))
    ended(player)


def test_of_many_pages_the_one_that_was_silent_for_longest_is_forgotten_and_never_the_owner():
    microphone = Microphone()
    owner, silent = two_pages(microphone)
    for n in range(3, 18):
        Page(microphone, f"p{n}").hello()
    known = microphone._channel.pages
    assert owner.name in known
    assert silent.name not in known
    owner.say("mic-state", state="recording", error=None, rate=48000, dropped=0, granted=None)
    eventually(lambda: microphone.state == "recording")
    microphone.close()


def test_a_page_that_was_forgotten_hears_so_and_comes_again_with_its_press():
    player = Player()
    pressed = []
    player.on_press(pressed.append)
    _, second = two_pages(player)
    third = Page(player, "p3")
    third.hello()
    for n in range(4, 19):
        Page(player, f"p{n}").hello()
    lost = next(page for page in (second, third) if page.name not in player._channel.pages)
    for kind, fields in (("press", {"action": "play"}), ("ping", {"t": 1.0, "trip": None}), ("bye", {})):
        lost.say(kind, **fields)
    assert [one["page"] for one in lost.of("unknown")] == [lost.name] * 2
    assert not lost.of("pong")
    assert pressed == []
    again = Page(player, "p99")
    again.hello()
    again.say("press", action="play")
    eventually(lambda: pressed == ["play"])
    assert player._channel.owner == "p99"
    assert len(player._channel.pages) <= 16
    player.close()


def test_what_is_no_page_yet_gets_the_widgets_module():
    tuner = VoiceTuner()
    page = Page(tuner, "")
    page.say("module")
    pieces = page.of("module")
    assert [piece["n"] for piece in pieces] == list(range(pieces[0]["of"]))
    assert set(json.loads("".join(piece["text"] for piece in pieces))) == {"esm", "css"}
    assert not page.of("unknown")
    tuner.close()


@pytest.mark.parametrize("field", ["error", "granted", "rate"])
def test_a_message_without_a_field_is_refused(field):
    microphone = Microphone()
    page = Page(microphone)
    page.hello()
    fields = {"state": "recording", "error": None, "rate": 48000, "dropped": 0, "granted": None}
    page.say("mic-state", **{name: value for name, value in fields.items() if name != field})
    assert microphone._channel.channel.problem == f"Message 'mic-state': field '{field}' is missing."
    microphone.close()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -(10**400), 2**53 + 1])
def test_a_number_that_no_page_can_mean_is_refused(number):
    microphone = Microphone()
    page = Page(microphone)
    page.hello()
    page.say("mic-chunk", bytes(2560), n=0, oldest=0, t=number, level=0.1, clipped=False, last=False)
    assert "field 't' is out of range" in microphone._channel.channel.problem
    microphone.close()
