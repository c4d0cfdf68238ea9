"""The page at the other end of a widget's comm: what it says, and what the kernel sent it."""

from __future__ import annotations

import time
import weakref

import numpy as np

from smallest_nb import Clip
from smallest_nb.notebook.comm.messages import PROBE, PROTOCOL_VERSION
from smallest_nb.notebook.widgets.assets import build_hash

PAGES: weakref.WeakSet[Page] = weakref.WeakSet()
"""Those that are open."""


class Page:
    """Stands at the other end of a widget's comm and remembers what came; several pages may show one widget.

    For a part of a composite it is a page that draws this part only; what is for other parts is left out.
    """

    def __init__(self, widget, name="p1"):
        self.widget, self.part, self.got, self.owner = widget, widget.part_name, [], None
        self.root = widget.snb_root() if self.part else widget
        self.name = f"{name}-{self.part}" if self.part else name
        before, sent = self.root.comm.send, weakref.WeakMethod(self._sent)

        def send(data=None, metadata=None, buffers=None):
            before(data=data, metadata=metadata, buffers=buffers)
            if (alive := sent()) is not None:  # a page that the test forgot does not keep the widget
                alive(data, buffers)

        self.root.comm.send = send
        PAGES.add(self)

    def _sent(self, data, buffers):
        if data["method"] == "custom":
            if data["content"].get("part", self.part) == self.part:
                self.receive(data["content"], list(buffers or []))
        elif data["method"] == "update":
            prefix = f"{self.part}." if self.part else ""
            self.update({k.removeprefix(prefix): v for k, v in data["state"].items() if k.startswith(prefix)})

    def receive(self, content, buffers):
        """Take a message of the kernel."""
        self.got.append((content, buffers))
        if content["type"] == "owner":
            self.owner = content["page"]
        elif content["type"] == "welcome" and content["page"] == self.name:
            self.owner = content["owners"].get(self.part)

    def update(self, state):
        """Take changed traits."""

    def send(self, content, buffers=()):
        """Send anything to the kernel, as a host delivers it."""
        message = {
            "content": {"data": {"method": "custom", "content": content}},
            "buffers": [memoryview(b) for b in buffers],
        }
        self.root.comm.handle_msg(message)

    def say(self, kind, buffer=None, **fields):
        whose = {"part": self.part} if self.part else {}
        content = {"v": PROTOCOL_VERSION, "type": kind, "page": self.name, "ack": 0, **whose, **fields}
        self.send(content, [buffer] if buffer is not None else [])

    def hello(self, *, probe=PROBE, **changes):
        able = {"parts": [self.part], "secure": True, "microphone": "ask", "worklet": True, "pull": False}
        self.say("hello", probe, **{"build": build_hash() or "x", "host": "test", **able, **changes})

    def leave(self):
        """Close the page."""
        PAGES.discard(self)
        if self.root.comm is not None:
            self.say("bye")

    def played(self, stream, position, state="playing", **fields):
        self.say("played", **{
            "stream": stream, "position": position, "received": position, "more": False, "underruns": 0, "state": state,
            "first_ms": 9, "arrived": 1000.5, "rendered": 1200.5, "prebuffer_ms": 150, "clock_error_ms": 1.5, **fields,
        })  # fmt: skip

    def of(self, kind):
        return [c for c, _ in self.got if c["type"] == kind]

    def pcm(self):
        return b"".join(b[0] for c, b in self.got if c["type"] == "stream-audio")


def part(root, kind):
    """Return the one part of a class of a composite."""
    found = [one for one in root.parts.values() if isinstance(one, kind)]
    assert len(found) == 1, found
    return found[0]


def eventually(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def noise(seconds, rate=24000):
    return Clip.from_array(np.random.default_rng(5).integers(-9000, 9000, int(seconds * rate)).astype(np.int16), rate)


def recording(page, name, **fields):
    page.say("mic-state", **{"state": name, "error": None, "rate": 48000, "dropped": 0, "granted": None, **fields})


def chunks(page, clip, first=0):
    pieces = [clip.pcm[at : at + 2560] for at in range(0, len(clip.pcm), 2560)]
    for n, piece in enumerate(pieces):
        last = n == len(pieces) - 1
        page.say("mic-chunk", piece, n=first + n, oldest=first, t=0.0, level=0.1, clipped=False, last=last)
