"""The Player's kernel side: order, credit, pages that come and go. What is sent is recorded, acks are played back."""

from __future__ import annotations

import asyncio
import time

import pytest
import traitlets

from smallest_nb import Clip
from smallest_nb.errors import ConfigError, FrontEndError
from smallest_nb.notebook.widgets.player_stream import FILL_RATE, LEAD_SECS, START_SECS
from smallest_nb.results.takes import waterfall
from tests.support.widget_page import Page, eventually, noise


def test_what_is_written_arrives_whole_in_order_and_in_modest_messages(player):
    page, clip = Page(player), noise(3)
    page.hello()
    stream = player.open_stream(24000)
    for at in range(0, len(clip.pcm), 7002):
        stream.write(clip.pcm[at : at + 7002])
    stream.end()
    eventually(lambda: page.pcm() == clip.pcm)
    audio = page.of("stream-audio")
    assert [m["first"] for m in audio] == sorted(m["first"] for m in audio)
    assert max(len(b[0]) for c, b in page.got if b) <= 64_000
    numbers = [c["seq"] for c, _ in page.got if c["seq"] is not None]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert page.of("stream-end") == [{**page.of("stream-end")[0], "samples": len(clip)}]


def test_an_hour_at_once_never_has_more_than_the_lead_in_flight(player):
    page = Page(player)
    page.hello()
    rate = 8000
    player.play(Clip(bytes(2 * rate * 600), rate))
    page.played("s1", 0)
    eventually(lambda: len(page.pcm()) / 2 / rate >= LEAD_SECS)
    assert len(page.pcm()) / 2 / rate <= LEAD_SECS + 1
    page.played("s1", 5 * rate)
    eventually(lambda: len(page.pcm()) / 2 / rate >= LEAD_SECS + 5)
    assert len(page.pcm()) / 2 / rate <= LEAD_SECS + 6
    assert player.position == 5.0


@pytest.mark.parametrize("again", [False, True])
def test_what_is_not_needed_soon_follows_at_a_pace_that_leaves_the_page_time_to_play(player, again):
    page, rate = Page(player), 8000
    page.hello()
    began = time.monotonic()
    player.play(Clip(bytes(2 * rate * 60), rate))
    if again:
        page.played("s1", 0)
        eventually(lambda: len(page.pcm()) / 2 / rate >= LEAD_SECS)
        page.got.clear()
        began = time.monotonic()
        page.say("fetch", stream="s1", first=30 * rate)

    def all_is_there():
        sent = len(page.pcm()) / 2 / rate
        assert sent <= START_SECS + 0.4 + (FILL_RATE + 1) * (time.monotonic() - began)
        return sent >= LEAD_SECS

    eventually(lambda: len(page.pcm()) / 2 / rate >= START_SECS)
    eventually(all_is_there)


def test_what_is_queued_behind_a_take_does_not_hold_up_a_place_of_it_that_is_pressed(player):
    page, rate = Page(player), 8000
    page.hello()
    player.play(Clip(bytes(2 * rate * 30), rate))
    player.play(Clip(bytes(2 * rate * 30), rate), queued=True)
    for played in range(2, 31, 2):
        page.played("s1", played * rate)
        eventually(lambda: sum(s.in_flight_secs for s in player._streams) > LEAD_SECS or player._streams[0].all_sent)
    eventually(lambda: player._streams[1].in_flight_secs > LEAD_SECS - 1)
    page.got.clear()
    page.say("fetch", stream="s1", first=rate)
    page.played("s1", rate, state="waiting", received=rate, more=True)
    eventually(lambda: len(page.pcm()) / 2 / rate >= LEAD_SECS)


def test_a_timer_that_an_interrupt_kept_from_being_set_is_set_again(player, monkeypatch):
    page, rate = Page(player), 8000
    page.hello()
    channel = player._channel.channel
    with monkeypatch.context() as patch:
        patch.setattr(type(channel), "call_later", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            player.play(Clip(bytes(2 * rate * 60), rate))
    time.sleep(1.1)  # it would have been due by then
    player.flush()
    eventually(lambda: len(page.pcm()) / 2 / rate >= LEAD_SECS)


def test_a_player_without_a_page_or_that_is_closed_sets_no_timers(player, monkeypatch):
    page, rate = Page(player), 8000
    page.hello()
    player.play(Clip(bytes(2 * rate * 60), rate))
    page.say("bye")
    calls, flush = [], player.flush
    monkeypatch.setattr(player, "flush", lambda: (calls.append(1), flush()))
    time.sleep(0.5)
    assert len(calls) <= 3
    page.hello()
    player.play(Clip(bytes(2 * rate * 60), rate))
    player.close()
    sent = len(page.pcm())
    time.sleep(0.3)
    assert len(page.pcm()) == sent


def test_a_page_that_must_ask_is_sent_all_at_once(player):
    """Each time it asks costs it a way there and back, which sound that is sent later would wait for."""
    page, rate = Page(player), 8000
    page.hello(pull=True)
    player.play(Clip(bytes(2 * rate * 60), rate))
    page.say("poll", ack=0, pull=True, again=True)
    assert len(page.pcm()) / 2 / rate >= LEAD_SECS


@pytest.mark.parametrize("reports", [0, 1])
def test_sound_goes_on_while_a_cell_keeps_the_kernel_from_hearing_reports(player, reports):
    page, rate = Page(player), 8000
    page.hello()
    player.play(Clip(bytes(2 * rate * 600), rate))
    if reports:
        page.played("s1", rate)
    eventually(lambda: len(page.pcm()) / 2 / rate >= reports + LEAD_SECS + 2)
    assert len(page.pcm()) / 2 / rate <= reports + LEAD_SECS + 5
    page.played("s1", 3 * rate, state="paused")
    eventually(lambda: len(page.pcm()) / 2 / rate > 3 + LEAD_SECS)
    before = len(page.pcm())
    time.sleep(1.5)  # nothing happens, so there is nothing else to wait for
    assert len(page.pcm()) == before, "what is paused needs nothing"


def test_a_stream_that_begins_again_is_sent_no_further_ahead_for_the_time_that_passed(player):
    """What was queued behind a dropped stream is new to the page: none of it has been played meanwhile."""
    page, rate = Page(player), 8000
    page.hello()
    first = player.play(Clip(bytes(2 * rate * 2), rate))
    player.play(Clip(bytes(2 * rate * 600), rate), queued=True)
    time.sleep(2.5)  # time that counts as played while no report comes
    before = len(page.pcm())
    player.drop(first)
    page.played("s2", 0)
    eventually(lambda: (len(page.pcm()) - before) / 2 / rate >= LEAD_SECS)
    assert (len(page.pcm()) - before) / 2 / rate <= LEAD_SECS + 1


def test_nothing_is_sent_before_a_page_is_there_and_everything_after(player):
    page, clip = Page(player), noise(1)
    player.play(clip)
    assert page.pcm() == b""
    page.hello()
    start = page.of("welcome")[0]["start"]
    after = [(c, b) for c, b in page.got if (c["seq"] or 0) >= start]
    assert after[0][0]["type"] == "stream-open"
    assert b"".join(b[0] for c, b in after if b) == clip.pcm


def test_a_reloaded_page_does_not_get_half_a_stream(player):
    page = Page(player)
    page.hello()
    player.play(noise(30))
    page.say("bye")
    fresh = Page(player, "p2")
    fresh.hello()
    assert fresh.of("stream-audio") == []
    assert fresh.owner == "p2"
    player.play(noise(0.1))
    assert fresh.of("stream-end")


def test_a_hello_said_twice_and_a_second_tab_do_not_cut_the_sound(player):
    page = Page(player)
    page.hello()
    player.play(noise(30))
    page.hello()
    Page(player, "p2").hello()
    page.played("s1", 20 * 24000)
    eventually(lambda: len(page.pcm()) == 2 * 30 * 24000)
    assert page.owner == "p1"


def test_a_new_stream_replaces_the_old_one(player):
    page = Page(player)
    page.hello()
    old = player.open_stream(24000)
    new = player.open_stream(24000)
    old.write(bytes(48000))
    new.write(b"\x01\x00" * 100)
    assert page.pcm() == b"\x01\x00" * 100
    player.stop()
    new.write(b"\x02\x00")
    assert page.pcm() == b"\x01\x00" * 100


def test_a_page_that_missed_messages_gets_them_again_in_the_handler(player):
    page = Page(player)
    page.hello()
    player.play(noise(1))
    sent = [c["seq"] for c, _ in page.got if c["seq"]]
    page.got.clear()
    page.say("poll", ack=sent[1], pull=False, again=False)
    assert [c["seq"] for c, _ in page.got] == [*sent[2:], None]
    assert {c["via"] for c, _ in page.got[:-1]} == {"pull"}
    assert page.of("polled")[0]["newest"] == sent[-1]
    page.got.clear()
    page.say("poll", ack=sent[-1], pull=False, again=False)
    assert [c["type"] for c, _ in page.got] == ["polled"]


def test_a_host_that_mangles_bytes_and_a_stale_page_are_explained(player):
    page = Page(player)
    page.hello(build="old")
    assert "reload the page" in page.of("welcome")[-1]["problem"]
    page.hello(probe=b"broken")
    assert "binary data" in page.of("welcome")[-1]["problem"]


def test_the_page_that_was_pressed_owns_the_sound(player):
    one = Page(player)
    one.hello()
    two = Page(player, "p2")
    two.hello()
    assert one.owner == "p1"
    pressed = []
    player.on_press(pressed.append)
    two.say("press", action="play")
    assert one.owner == "p2"
    assert two.of("owner")[-1]["page"] == "p2"
    eventually(lambda: pressed == ["play"])


def test_bad_messages_are_logged_and_do_no_harm(player, caplog):
    page = Page(player)
    page.hello()
    poll = {"v": 1, "type": "poll", "page": "p1", "ack": 0, "pull": False, "again": False}
    bad = ({}, {**poll, "v": 9}, {**poll, "type": "played"}, {**poll, "type": []}, {**poll, "ack": "x"}, None)
    for content in bad:
        page.send(content)
    assert len(caplog.records) == len(bad)
    page.send(poll)
    assert len(caplog.records) == len(bad)
    assert page.of("polled")


def test_an_ended_stream_takes_no_more(player):
    stream = player.open_stream(24000)
    stream.end()
    stream.end()
    with pytest.raises(ConfigError, match="ended"):
        stream.write(b"\x00\x00")
    with pytest.raises(ConfigError, match="1 bytes"):
        player.open_stream(24000).write(b"\x00")


def test_queued_streams_are_sent_one_after_the_other_within_one_lead(player):
    page, rate = Page(player), 8000
    page.hello()
    for _ in range(3):
        player.play(Clip(bytes(2 * rate * 6), rate), queued=True)
    assert [m["queued"] for m in page.of("stream-open")] == [True] * 3
    page.played("s1", 0)
    eventually(lambda: len(page.pcm()) / 2 / rate >= LEAD_SECS)
    assert len(page.pcm()) / 2 / rate <= LEAD_SECS + 1
    page.played("s1", 6 * rate)
    eventually(lambda: len(page.pcm()) / 2 / rate >= 6 + LEAD_SECS)
    page.played("s2", 6 * rate)
    eventually(lambda: len(page.pcm()) == 3 * 2 * rate * 6)
    assert len(page.of("stream-end")) == 3


def test_commands_reach_the_page(player):
    page = Page(player)
    page.hello()
    player.pause()
    player.resume()
    player.seek(2)
    player.replay()
    assert [(m["action"], m["at"]) for m in page.of("playback")] == [
        ("pause", None), ("resume", None), ("seek", 2.0), ("replay", None)]  # fmt: skip
    with pytest.raises(traitlets.TraitError):
        player.volume = 1.5


def test_the_end_is_reported_once_and_a_handler_that_fails_does_no_harm(player, caplog):
    page, ends = Page(player), []
    page.hello()
    player.on_finished(lambda: ends.append(player.position))
    player.on_finished(lambda: 1 / 0)
    player.on_finished(lambda: ends.append("second"))
    player.play(noise(1))
    page.played("s1", 12_000)
    page.played("s1", 24_000, state="idle")
    page.played("s1", 24_000, state="idle")
    eventually(lambda: len(ends) >= 2)
    assert ends == [1.0, "second"]
    assert "ZeroDivisionError" in caplog.text


async def test_waiting_ends_with_the_sound_and_refuses_where_it_never_would(player, monkeypatch):
    monkeypatch.setattr("smallest_nb.notebook.comm.channel.ANSWER_SECS", 0.2)
    monkeypatch.setattr("smallest_nb.notebook.comm.channel.MOUNT_SECS", 0.2)
    with pytest.raises(FrontEndError, match="display it first"):
        await player.wait()
    page = Page(player)
    page.hello()
    player.play(noise(1))
    with pytest.raises(FrontEndError, match="on_finished"):  # the page was heard on the thread that runs cells
        await player.wait()

    def in_another_thread():
        page.played("s1", 12_000)
        time.sleep(0.2)
        page.played("s1", 24_000, state="idle")

    listening = asyncio.get_running_loop().run_in_executor(None, in_another_thread)
    eventually(lambda: player.state == "playing")
    await player.wait(timeout=3)
    await listening
    assert player.position == 1.0


def test_where_the_milliseconds_went(player):
    page = Page(player)
    page.hello()
    stream = player.play(noise(1))
    assert stream.latency.sent is not None
    stream.latency.sent = 950.0
    page.played("s1", 12_000)
    assert waterfall(stream.latency, 0.03, 0.2) == {
        "connect": 30.0,
        "request to first byte": 200.0,
        "kernel to page": 50.5,
        "prebuffer and output": 200.0,
    }
    assert waterfall(None, None, 0.2) == {"request to first byte": 200.0}
    assert (stream.latency.prebuffer_ms, stream.latency.clock_error_ms) == (150, 1.5)


def test_a_ping_is_answered_at_once_with_the_kernels_clock(player):
    page = Page(player)
    page.hello()
    page.say("ping", t=12.5, trip=None)
    page.say("ping", t=13.5, trip=4.0)
    first, second = page.of("pong")
    assert (first["t"], first["to"], first["seq"]) == (12.5, "p1", None)
    assert abs(second["k"] - time.monotonic() * 1000) < 1000
    assert player.trip_ms == 4.0


def test_P18_a_place_far_ahead_is_sent_for_within_what_a_host_can_take(player):
    page, rate = Page(player), 8000
    page.hello()
    clip = noise(300, rate)
    player.play(clip)
    assert page.of("stream-end")[0]["samples"] == len(clip)  # the page knows how long it is
    here = len(page.pcm()) // 2
    page.played("s1", 240 * rate, state="waiting", received=here, more=True)
    rounds = 0
    while here < 240 * rate:
        eventually(lambda: len(page.pcm()) // 2 > here)  # noqa: B023
        eventually(lambda: player._streams[0].on_its_way_secs >= LEAD_SECS)
        sent = len(page.pcm()) // 2
        assert (sent - here) / rate <= LEAD_SECS + 0.4
        here, rounds = sent, rounds + 1
        page.played("s1", 240 * rate, state="waiting", received=here, more=True)
    assert rounds <= 26
    eventually(lambda: len(page.pcm()) / 2 / rate >= 240 + LEAD_SECS)
    assert len(page.pcm()) / 2 / rate <= 241 + LEAD_SECS
    assert clip.pcm.startswith(page.pcm())


def test_P18_a_take_that_was_stopped_is_played_again_to_its_end(player):
    page, clip = Page(player), noise(30)
    page.hello()
    player.play(clip)
    here = len(page.pcm()) // 2
    page.played("s1", 60_000, state="idle", received=here, more=False)
    page.say("press", action="stop")
    assert not player._streams
    player.flush()
    assert len(page.pcm()) // 2 == here
    for position in range(0, len(clip) + 1, 48_000):
        page.played("s1", position, received=min(len(clip), len(page.pcm()) // 2), more=True)
        eventually(lambda: player._streams[0].in_flight_secs > LEAD_SECS or player._streams[0].all_sent)
    assert page.pcm() == clip.pcm
    page.played("s1", len(clip), state="idle")
    assert player.state == "idle"
    assert not player._streams


def test_P18_of_a_stream_that_is_gone_no_more_comes_and_the_page_hears_so(player):
    page = Page(player)
    page.hello()
    player.play(noise(30))
    page.played("s7", 100, state="waiting", received=4800, more=True)
    assert page.of("stream-end")[-1]["samples"] == 30 * 24000  # s1 is under way: the page will play that
    player.stop()
    page.played("s7", 100, state="waiting", received=4800, more=True)
    assert page.of("stream-end")[-1] == {**page.of("stream-end")[-1], "stream": "s7", "samples": 4800, "to": "p1"}
    player.clear()
    page.played("s1", 100, state="waiting", received=4800, more=True)
    assert page.of("stream-end")[-1]["stream"] == "s1"
    assert page.of("playback")[-1]["action"] == "clear"


def since(page, count):
    """Return the sound that came after so many messages, and the number of its first sample."""
    found = [(c, b) for c, b in page.got[count:] if c["type"] == "stream-audio"]
    return (found[0][0]["first"], b"".join(b[0] for _, b in found)) if found else (None, b"")


@pytest.mark.parametrize("at", [0, 5 * 24000, 250 * 24000, 299 * 24000])
def test_a_place_that_a_page_has_not_got_is_sent_at_once(player, at):
    page, clip = Page(player), noise(300)
    page.hello()
    player.play(clip)
    page.played("s1", 8 * 24000)
    eventually(lambda: len(page.pcm()) / 2 >= 18 * 24000)
    count = len(page.got)
    page.say("fetch", stream="s1", first=at)
    page.played("s1", at, state="waiting", received=at, more=True)
    wanted = min(len(clip) - at, int(LEAD_SECS * 24000))
    eventually(lambda: len(since(page, count)[1]) / 2 >= wanted)
    first, pcm = since(page, count)
    assert first == at
    assert clip.pcm[2 * at :].startswith(pcm)
    assert len(pcm) / 2 <= wanted + 0.4 * 24000
    assert page.of("stream-end")[-1]["samples"] == len(clip)


def test_a_take_that_is_over_is_sent_again_from_any_place(player):
    page, clip = Page(player), noise(2)
    page.hello()
    player.play(clip)
    page.played("s1", len(clip), state="idle")
    eventually(lambda: not player._streams)
    count = len(page.got)
    page.say("fetch", stream="s1", first=24_000)
    eventually(lambda: since(page, count)[1] == clip.pcm[48_000:])
    page.played("s1", len(clip), state="idle")
    eventually(lambda: player.state == "idle" and not player._streams)


def test_a_place_whose_sound_is_not_made_yet_is_sent_when_it_is(player):
    page, clip = Page(player), noise(60)
    page.hello()
    stream = player.open_stream(24000)
    stream.write(clip.pcm[: 2 * 24000])
    count = len(page.got)
    page.say("fetch", stream="s1", first=50 * 24000)
    stream.write(clip.pcm[2 * 24000 :])
    stream.end()
    eventually(lambda: since(page, count)[1] == clip.pcm[100 * 24000 :])
    assert since(page, count)[0] == 50 * 24000


def test_what_is_not_here_is_not_awaited(player):
    page = Page(player)
    page.hello()
    player.play(noise(1))
    for stream, first in (("s1", 24_001), ("s1", -1), ("s9", 100)):
        if stream == "s9":
            player.stop()  # else the page will play what is under way
        page.say("fetch", stream=stream, first=first)
        eventually(lambda: any((c["stream"], c["samples"]) == (stream, first) for c in page.of("stream-end")))  # noqa: B023
    count = len(page.got)
    other = Page(player, "p2")
    other.hello()
    other.say("fetch", stream="s1", first=0)  # it plays nothing: another page does
    assert since(page, count)[1] == b""


def test_a_page_that_comes_again_under_another_name_goes_on_with_its_stream(player):
    page, clip = Page(player), noise(30)
    page.hello()
    player.play(clip)
    had = len(page.pcm()) // 2
    page.say("bye")
    again = Page(player, "p2")
    again.hello()
    again.played("s1", 48_000, received=had - 100, more=True)
    eventually(lambda: again.of("stream-audio"))
    later = [
        (c, b) for c, b in again.got if c["type"] == "stream-audio" and c["seq"] >= again.of("welcome")[0]["start"]
    ]
    assert later[0][0]["first"] == had - 100
    rest = b"".join(b[0] for _, b in later)
    assert clip.pcm[2 * (had - 100) :].startswith(rest)


def test_a_page_that_was_stopped_and_plays_again_becomes_the_owner(player):
    one, two = Page(player), Page(player, "p2")
    for page in (one, two):
        page.hello()
    pressed = []
    player.on_press(pressed.append)
    two.say("press", action="replay")
    assert one.owner == "p2"
    two.say("press", action="play")
    eventually(lambda: pressed == ["play"])
