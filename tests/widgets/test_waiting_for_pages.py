"""Calls that wait for a page, and commands to one that is not there yet."""

from __future__ import annotations

import asyncio
import time

import pytest

import smallest_nb as snb
from smallest_nb.notebook.comm import channel
from tests.support.services import KEY
from tests.support.widget_page import Page, noise, recording

SIGN = "soon"


class LivingPage(Page):
    """A page on the thread that runs cells, which answers where it is asked for a sign of life."""

    def __init__(self, widget, name="p1", *, answers=True):
        super().__init__(widget, name)
        self.answers = answers

    def receive(self, content, buffers):
        super().receive(content, buffers)
        if self.answers and content["type"] == SIGN and content["to"] == self.name:
            asyncio.get_running_loop().call_later(0.02, self.poll)

    def poll(self):
        self.say("poll", pull=False, again=False)


@pytest.fixture
def live(simulator):
    made = snb.LiveTranscriber(api_key=KEY, base_url=simulator.base_url)
    yield made
    made.close()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(channel, "ANSWER_SECS", 0.3)
    monkeypatch.setattr(channel, "MOUNT_SECS", 0.3)


async def test_UX2_turns_of_a_bot_wait_where_the_page_is_heard(player):
    page = LivingPage(player)
    page.hello()  # on the main thread, as the messages of ipykernel 7.4 come
    for turn in range(1, 4):
        player.play(noise(0.1))
        waiting = asyncio.ensure_future(player.wait(10))
        await asyncio.sleep(0.05)
        page.played(f"s{turn}", 0)
        page.played(f"s{turn}", 2400, "idle")
        await waiting


async def test_UX2_waiting_is_refused_each_time_where_the_page_is_not_heard(player, impatient):
    page = LivingPage(player, answers=False)
    page.hello()
    player.play(noise(0.1))
    for _ in range(3):
        with pytest.raises(snb.FrontEndError, match="only between cells"):
            await player.wait(10)


async def test_UX2_what_came_on_another_thread_last_is_no_proof_against_the_page(player, impatient):
    page = LivingPage(player, answers=False)
    page.hello()
    await asyncio.to_thread(page.poll)  # a subshell's thread
    player.play(noise(0.1))
    waiting = asyncio.ensure_future(player.wait(10))
    await asyncio.sleep(0.05)
    page.played("s1", 2400, "idle")
    await waiting


async def test_UX2_a_recording_starts_once_the_page_was_heard(live):
    page = LivingPage(live.microphone)
    page.hello()
    waiting = asyncio.ensure_future(live.record("stop"))
    while not page.of("mic-start"):
        await asyncio.sleep(0.01)
    assert page.of(SIGN)
    recording(page, "starting")
    recording(page, "idle", error="The browser was not allowed to use the microphone.")
    with pytest.raises(snb.FrontEndError, match="not allowed"):
        await waiting


async def test_UX2_no_microphone_is_opened_where_the_page_is_not_heard(live, impatient):
    page = LivingPage(live.microphone, answers=False)
    page.hello()
    with pytest.raises(snb.FrontEndError, match="only between cells"):
        await live.record()
    assert page.of("mic-start") == []


async def test_UX2_a_loop_that_was_held_up_is_no_silence_of_the_page(player, monkeypatch):
    monkeypatch.setattr(channel, "ANSWER_SECS", 0.5)
    page = LivingPage(player, answers=False)
    page.hello()
    player.play(noise(0.1))
    waiting = asyncio.ensure_future(player.wait(10))
    await asyncio.sleep(0.06)
    time.sleep(0.8)  # noqa: ASYNC251 - a cell that computes, while the page's answer lies in the queue
    page.poll()
    page.played("s1", 2400, "idle")
    await waiting


def test_UX12_two_clips_are_compared_by_the_page_that_comes(player):
    first, second = noise(2.2), noise(0.5)
    player.compare(("A", noise(0.2)), ("B", second))
    player.compare(("A", first), ("B", second), "longer")
    page = Page(player)
    page.hello()
    assert [(m["slot"], m["label"]) for m in page.of("compare")] == [("a", "A"), ("b", "B")]
    sound = b"".join(b[0] for c, b in page.got if c["type"] in ("piece", "compare"))
    assert sound == first.pcm + second.pcm
    before = len(page.got)
    Page(player, "p2").hello()
    assert not [c for c, _ in page.got[before:] if c["type"] == "compare"], "it was sent once more"


def test_UX12_commands_come_in_their_order_after_what_is_played(player):
    player.play(noise(0.3))
    player.pause()
    player.seek(0.1)
    page = Page(player)
    page.hello()
    kinds = [c["type"] for c, _ in page.got if c["type"] in ("stream-open", "stream-audio", "playback")]
    assert kinds[0] == "stream-open"
    assert kinds[-2:] == ["playback", "playback"]
    assert [c["action"] for c in page.of("playback")] == ["pause", "seek"]


def test_UX12_a_command_about_what_was_stopped_or_replaced_is_dropped(player):
    player.play(noise(0.3))
    player.pause()
    player.play(noise(0.3))
    player.stop()
    page = Page(player)
    page.hello()
    assert page.of("playback") == []


def test_UX12_a_microphone_starts_with_the_page_that_comes_soon(live):
    live.microphone.start()
    page = Page(live.microphone)
    page.hello()
    assert len(page.of("mic-start")) == 1


@pytest.mark.parametrize("why", ["stopped", "late"])
def test_UX12_no_microphone_starts_by_itself(live, monkeypatch, why):
    monkeypatch.setattr("smallest_nb.notebook.widgets.page_source._START_SECS", 5.0 if why == "stopped" else 0.0)
    live.microphone.start()
    if why == "stopped":
        live.microphone.stop()
    page = Page(live.microphone)
    page.hello()
    assert page.of("mic-start") == []


async def test_UX12_recording_waits_for_the_page(live):
    waiting = asyncio.ensure_future(live.record("stop"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    page = LivingPage(live.microphone)
    await asyncio.to_thread(page.hello)
    while not page.of("mic-start"):
        await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_UX12_waiting_waits_for_the_page(player):
    player.play(noise(0.1))
    waiting = asyncio.ensure_future(player.wait(10))
    await asyncio.sleep(0.2)
    page = LivingPage(player)
    page.hello()
    await asyncio.sleep(0.2)
    page.played("s1", 2400, "idle")
    await waiting


async def test_UX12_a_page_that_never_comes_is_missed(live, player, impatient):
    with pytest.raises(snb.FrontEndError, match="display it first"):
        await player.wait()
    with pytest.raises(snb.FrontEndError, match="display it first"):
        await live.record()


async def test_the_kernels_own_microphone_needs_no_page_that_answers(live, impatient):
    page = LivingPage(live.microphone, answers=False)
    page.hello()
    with pytest.raises(snb.FrontEndError, match="only between cells"):
        await live.microphone.check_page("Wait.")
    live.microphone.sources.choose("kernel")
    await live.microphone.check_page("Wait.")
