"""From one way to a microphone to another: a real tab's socket, a real session, what the buttons say."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import time
import urllib.request

import pytest
from websockets.asyncio.server import Server
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import smallest_nb as snb
from smallest_nb.client import background_loop
from smallest_nb.notebook.comm.messages import PROBE, PROTOCOL_VERSION
from smallest_nb.notebook.widgets import microphone_sources
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.widget_page import Page, eventually, noise
from tests.support.widget_page import recording as state

CHUNK = bytes(2560)


class TabPage:
    """The page behind the link: its socket, and what it says."""

    def __init__(self, url, name="tab"):
        self.name, host = name, url.split("/")[2]
        with urllib.request.urlopen(url, timeout=10) as page:
            session = re.search('data-session="([^"]+)', page.read().decode())[1]
        self.socket = connect(f"ws://{host}/socket?session={session}", origin=f"http://{host}").__enter__()

    def say(self, kind, buffer=None, **fields):
        content = {"v": PROTOCOL_VERSION, "type": kind, "page": self.name, "ack": 0, "part": "microphone", **fields}
        self.socket.send(json.dumps({"content": content, "buffers": int(buffer is not None)}))
        if buffer is not None:
            self.socket.send(buffer)

    def hello(self):
        able = {"secure": True, "microphone": "ask", "worklet": True, "pull": False}
        self.say("hello", PROBE, parts=["microphone"], build="x", host="tab", **able)
        self.until("welcome")

    def chunk(self, n, *, last=False):
        self.say("mic-chunk", CHUNK, n=n, oldest=0, t=None, level=0.1, clipped=False, last=last)

    def record(self, count):
        for name in ("starting", "recording"):
            state(self, name)
        for n in range(count):
            self.chunk(n)

    def until(self, kind):
        """Read until such a message comes."""
        while True:
            frame = self.socket.recv(timeout=5)
            if isinstance(frame, str) and json.loads(frame).get("content", {}).get("type") == kind:
                return

    def closed(self):
        """Read until the kernel has closed it."""
        with pytest.raises(ConnectionClosed):
            while True:
                self.socket.recv(timeout=5)


@pytest.fixture(scope="module")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def live(signals):
    made = snb.LiveTranscriber(api_key=KEY, base_url=signals.base_url)
    yield made
    made.close()


@pytest.fixture
def notebook(live):
    page = Page(live.microphone, "notebook")
    page.hello()
    return page


def link(live, page):
    """Press for a tab and return its link."""
    before = live.microphone.source_state.get("url", "")
    page.say("press", action="by-tab")
    eventually(lambda: live.microphone.source_state.get("url") not in ("", before, None))
    return live.microphone.source_state["url"]


@pytest.fixture
def tab(live, notebook):
    page = TabPage(link(live, notebook))
    page.hello()
    yield page
    page.socket.close()


@pytest.mark.parametrize("way", ["kernel", "page", "file"])
def test_another_way_ends_what_the_tab_records_with_its_last_words(live, notebook, tab, way):
    microphone, chosen = live.microphone, []
    microphone.sources.on_file(lambda: chosen.append("file"))
    tab.record(10)
    eventually(lambda: microphone.received == 10 * 1280)
    assert microphone.source_state["recording"], "the notebook's button says Stop"
    notebook.say("press", action=f"by-{way}")
    tab.until("mic-stop")
    state(tab, "stopping")
    tab.chunk(10, last=True)
    state(tab, "idle")
    eventually(lambda: microphone.state == "idle")
    eventually(lambda: not live.recording)
    assert live.transcript.recording.duration == pytest.approx(11 * 0.08), "the last words belong to it"
    assert microphone.sources.active == ("tab" if way == "file" else way)
    assert not microphone.source_state["recording"], "the notebook's button says Transcribe"
    eventually(lambda: notebook.owner == notebook.name)
    assert chosen == (["file"] if way == "file" else [])
    if way != "file":
        tab.closed()
        eventually(lambda: not microphone.source_state["connected"])
    live.feed(noise(0.2, 16000), pace=4)
    assert live.transcript.recording.duration == pytest.approx(11 * 0.08 + 0.2)


def test_a_tab_that_does_not_answer_is_not_waited_for(live, notebook, tab, monkeypatch):
    monkeypatch.setattr(microphone_sources, "_LAST_WORDS_SECS", 0.3)
    tab.record(3)
    eventually(lambda: live.microphone.received == 3 * 1280)
    notebook.say("press", action="by-page")
    tab.closed()
    assert live.microphone.state == "idle"
    eventually(lambda: not live.recording)


def test_a_clip_is_no_way_and_goes_on(live, notebook, monkeypatch):
    monkeypatch.setattr(microphone_sources, "_LAST_WORDS_SECS", 0.1)
    states = []
    live.microphone.on_state(states.append)
    notebook.say("press", action="by-kernel")
    done = live.microphone.feed(noise(0.8, 16000))
    eventually(lambda: live.microphone.received > 0)
    for way in ("page", "tab"):  # a page does that by itself where it remembers the way
        notebook.say("press", action=f"by-{way}")
    eventually(lambda: live.microphone.source_state.get("url"))
    done.result(5)
    assert live.microphone.received == pytest.approx(0.8 * 16000)
    assert states == ["recording", "idle"]
    eventually(lambda: not live.recording)
    assert live.transcript.recording.duration == pytest.approx(0.8)


def test_after_the_tab_was_closed_there_is_another_one(live, notebook, tab):
    eventually(lambda: live.microphone.source_state["connected"])
    tab.record(2)
    eventually(lambda: live.microphone.received == 2 * 1280)
    notebook.say("press", action="by-tab")  # where another page has not painted yet that there is one
    tab.socket.close()
    eventually(lambda: not live.microphone.source_state["connected"])
    assert (live.microphone.state, live.microphone.source_state["url"]) == ("idle", "")
    second = TabPage(link(live, notebook), "second")
    second.hello()
    second.record(4)
    eventually(lambda: live.microphone.received == 4 * 1280)
    second.socket.close()
    eventually(lambda: live.microphone.state == "idle")


def test_a_link_that_was_used_for_nothing_is_replaced(live, notebook):
    first = link(live, notebook)
    with urllib.request.urlopen(first, timeout=10):
        pass  # loaded, but its socket never came
    assert not live.microphone.source_state["connected"]
    page = TabPage(link(live, notebook))
    page.hello()
    eventually(lambda: live.microphone.source_state["connected"])
    page.socket.close()


@pytest.mark.parametrize("last", ["tab", "page"])
def test_ways_chosen_in_quick_succession_leave_no_server_too_many(live, notebook, last):
    async def press():
        for way in ("tab", "page", "tab", "kernel", "tab", "page", last):
            notebook.say("press", action=f"by-{way}")

    def serving():
        return {id(server) for server in gc.get_objects() if type(server) is Server and server.is_serving()}

    before = serving()  # the simulator's
    background_loop.call(press(), 5)  # at once: none of them is done when the next one comes
    eventually(lambda: live.microphone.source_state.get("active") == last)
    time.sleep(0.5)
    assert len(serving() - before) == (last == "tab")
    assert bool(live.microphone.source_state["url"]) == (last == "tab")
    if last == "tab":
        page = TabPage(live.microphone.source_state["url"])
        page.hello()
        assert live.microphone.source_state["connected"]
        page.socket.close()


async def test_a_recording_in_a_tab_that_is_not_open_is_refused_at_once(live):
    page = Page(live.microphone, "notebook")
    await asyncio.to_thread(page.hello)  # as a kernel with subshells hears it, also while a cell waits
    await asyncio.to_thread(page.say, "press", action="by-tab")
    while live.microphone.sources.active != "tab":
        await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        with pytest.raises(snb.FrontEndError, match="not open"):
            await live.record("stop")
    assert live.microphone.state == "idle"
