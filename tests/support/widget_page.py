"""The page at the other end of a widget's comm: what it says, and what the kernel sent it."""

from __future__ import annotations

import time

import numpy as np

from smallest_nb import Clip
from smallest_nb.notebook.comm.messages import PROBE, PROTOCOL_VERSION


class Page:
    """Stands at the other end of a widget's comm and remembers what came."""

    def __init__(self, widget, name="p1"):
        self.widget, self.name, self.got = widget, name, []
        self.send_real = widget._snb_send
        widget._channel._send = lambda content, buffers: self.got.append((content, buffers))

    def say(self, kind, buffer=None, **fields):
        content = {"v": PROTOCOL_VERSION, "type": kind, "page": self.name, "ack": 0, **fields}
        self.widget._snb_receive(self.widget, content, [buffer] if buffer is not None else [])

    def hello(self, **changes):
        fields = {"build": "x", "host": "test", "secure": True, "microphone": "ask", "worklet": True, "pull": False}
        self.say("hello", PROBE, **{**fields, **changes})

    def played(self, stream, position, state="playing", **fields):
        self.say("played", stream=stream, position=position, received=position, underruns=0, state=state, first_ms=9,
                 arrived=1000.5, rendered=1200.5, prebuffer_ms=150, clock_error_ms=1.5, **fields)  # fmt: skip

    def of(self, kind):
        return [c for c, _ in self.got if c["type"] == kind]

    def pcm(self):
        return b"".join(b[0] for c, b in self.got if c["type"] == "stream-audio")


def eventually(condition, seconds=3.0):
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
        page.say("mic-chunk", piece, n=first + n, t=0.0, level=0.1, clipped=False, last=n == len(pieces) - 1)
