"""A cell that waits for the page, in a real kernel, with this test as a page that answers while the cell runs."""

from __future__ import annotations

import contextlib
import queue
import time

import pytest

from tests.support.kernel_front import Front

TURNS = """
import smallest_nb as snb
clip = snb.Clip(bytes(4800), 24000)
for turn in range(3):
    player.play(clip)
    await player.wait(20)
turns = turn + 1
"""


@pytest.fixture
def front():
    made = Front()
    yield made
    made.close()


class Speaker:
    """The part of a page that plays: says that it is there, and that each stream was played."""

    def __init__(self, front: Front, player: str):
        self.front, self.player, self.seen = front, player, 0

    def answer(self, _message=None):
        for _, _, content, _ in self.front.custom[self.seen :]:
            self.seen += 1
            if content["type"] == "soon" and content["to"] == "t":
                self.front.send(self.player, {"type": "poll", "pull": False, "again": False})
            if content["type"] == "stream-end":
                for state in ("playing", "idle"):
                    self.front.send(self.player, {
                        "type": "played", "stream": content["stream"], "position": content["samples"], "state": state,
                        "received": content["samples"], "more": False, "underruns": 0, "first_ms": 9, "arrived": 1.0,
                        "rendered": 2.0, "prebuffer_ms": 150, "clock_error_ms": 1.0,
                    })  # fmt: skip
        return False


def test_UX2_a_cell_waits_turn_after_turn(front):
    front.execute("import smallest_nb as snb; player = snb.Player(label='Turns'); player")
    player = front.model("Turns")
    front.show(player)
    assert front.pump(lambda _: front.of("welcome"))
    speaker = Speaker(front, player)
    cell = front.execute(TURNS, wait=False)
    reply, deadline = None, time.monotonic() + 60
    while reply is None:
        assert time.monotonic() < deadline, "the cell did not end"
        front.pump(speaker.answer, seconds=0.1)
        with contextlib.suppress(queue.Empty):
            message = front.client.get_shell_msg(timeout=0.01)
            reply = message["content"] if message["parent_header"].get("msg_id") == cell else None
    assert reply["status"] == "ok", reply
    front.execute("assert turns == 3")
