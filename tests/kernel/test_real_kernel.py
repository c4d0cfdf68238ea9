"""Widgets in a real kernel, with this test as the front end: sound while a cell is busy, and no key anywhere."""

from __future__ import annotations

import contextlib
import queue
import time
import uuid

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from smallest_nb.notebook.comm.messages import PROBE

CANARY = "sk_canary_kernel_55aa"
HELLO = {"build": "x", "host": "test", "secure": True, "microphone": "ask", "worklet": True, "pull": False}


class Front:
    """A front end over the kernel's own sockets."""

    def __init__(self):
        self.manager, self.client = start_new_kernel(kernel_name="python3")
        self.models: dict[str, dict] = {}
        self.custom: list[tuple[float, str, dict, list]] = []
        self.everything: list[str] = []
        self.idle: dict[str, float] = {}
        """When each request was done."""

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def execute(self, code: str, *, wait: bool = True) -> str:
        message = self.client.execute(code)
        if wait:
            self.pump(lambda m: m["header"]["msg_type"] == "execute_reply", shell=message)
        return message

    def pump(self, until=lambda m: False, *, seconds=20.0, shell=None):
        """Read messages until a condition holds; returns whether it did."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                self._take(self.client.get_iopub_msg(timeout=0.02))
            if shell is not None:
                try:
                    reply = self.client.get_shell_msg(timeout=0.01)
                except queue.Empty:
                    continue
                if reply["parent_header"].get("msg_id") == shell:
                    assert reply["content"]["status"] == "ok", reply["content"]
                    # What the cell published comes on another socket, and its "idle" comes last.
                    return self.pump(lambda _: shell in self.idle)
            elif until(None):
                return True
        return False

    def _take(self, message):
        self.everything.append(repr(message["content"]))
        content, kind = message["content"], message["header"]["msg_type"]
        if kind == "status" and content["execution_state"] == "idle":
            self.idle[message["parent_header"].get("msg_id", "")] = time.monotonic()
        elif kind == "comm_open":
            self.models[content["comm_id"]] = content["data"].get("state", {})
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.models[content["comm_id"]].update(content["data"]["state"])
        elif kind == "comm_msg" and content["data"].get("method") == "custom":
            self.custom.append(
                (
                    time.monotonic(),
                    content["comm_id"],
                    content["data"]["content"],
                    [bytes(b) for b in message["buffers"]],
                )
            )

    def model(self, label: str) -> str:
        return next(k for k, s in self.models.items() if s.get("label") == label)

    def send(self, comm: str, content: dict, buffer: bytes | None = None) -> None:
        message = self.client.session.msg(
            "comm_msg",
            {"comm_id": comm, "data": {"method": "custom", "content": {"v": 1, "page": "t", "ack": 0, **content}}},
        )
        stream = self.client.shell_channel.socket
        self.client.session.send(stream, message, buffers=[buffer] if buffer else None)

    def of(self, kind: str):
        return [(t, c, b) for t, _, c, b in self.custom if c["type"] == kind]


@pytest.fixture
def front(simulator, monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    monkeypatch.setenv("SMALLEST_BASE_URL", simulator.base_url)
    made = Front()
    yield made
    made.close()


# Each cell is busy until the speech is complete; on a fast machine for a second at least.
BUSY = {
    "sleeping": "while going(): time.sleep(0.5)",
    "spinning": "while going(): pass",
    "awaiting": "while going(): await asyncio.sleep(0.5)",
}
GOING = """import asyncio, time
began = time.monotonic()
def going():
    passed = time.monotonic() - began
    return passed < 1 or (not future.done() and passed < 60)
"""


@pytest.mark.parametrize("kind", BUSY)
def test_sound_goes_on_while_a_cell_is_busy(front, kind):
    front.execute("import smallest_nb as snb; tuner = snb.VoiceTuner('One, two, three. Four, five, six.'); tuner")
    player = front.model("Speak")
    front.send(player, {"type": "hello", **HELLO}, PROBE)
    assert front.pump(lambda _: front.of("welcome"))
    front.execute("future = tuner.submit()", wait=False)
    busy = front.execute(GOING + BUSY[kind], wait=False)
    assert front.pump(lambda _: front.of("stream-end"), seconds=50)
    assert busy not in front.idle, "the last sound came when the cell was over"
    pcm = b"".join(b[0] for _, _, b in front.of("stream-audio"))
    assert len(pcm) == 2 * front.of("stream-end")[0][1]["samples"]
    front.pump(shell=busy)
    front.execute(f"assert tuner.takes[-1].clip.pcm.hex()[:4000] == {pcm.hex()[:4000]!r}")


def test_a_press_in_the_page_speaks_and_the_microphone_becomes_text(front, simulator):
    front.execute(
        "import smallest_nb as snb; tuner = snb.VoiceTuner('The weather will be cold and cloudy this morning.', "
        "sample_rate=16000, voice='magnus'); live = snb.LiveTranscriber(mute_while_playing=False); tuner"
    )
    player, microphone = front.model("Speak"), front.model("Transcribe")
    for model in (player, microphone):
        front.send(model, {"type": "hello", **HELLO}, PROBE)
    front.send(player, {"type": "press", "action": "play"})
    assert front.pump(lambda _: front.of("stream-end"))
    pcm = b"".join(b[0] for _, _, b in front.of("stream-audio"))

    view = next(k for k, s in front.models.items() if "placeholder" in s and "live" in s)
    front.send(view, {"type": "hello", **HELLO}, PROBE)
    told = {"error": None, "rate": 48000, "dropped": 0, "granted": None}
    front.send(microphone, {"type": "mic-state", "state": "starting", **told})
    front.send(microphone, {"type": "mic-state", "state": "recording", **told})
    pieces = [pcm[at : at + 2560] for at in range(0, len(pcm), 2560)]
    for n, piece in enumerate(pieces):
        message = {"type": "mic-chunk", "n": n, "t": 0.0, "level": 0.1, "clipped": False, "last": n == len(pieces) - 1}
        front.send(microphone, message, piece)
        time.sleep(0.02)
    front.send(microphone, {"type": "mic-state", "state": "idle", **told})

    def finals():
        return [x for _, m, _ in front.of("lines") for x in m["lines"] if x["final"] and x["text"]]

    assert front.pump(lambda _: finals())
    text = finals()[0]["text"].lower()
    assert sum(word in text for word in ("weather", "cold", "cloudy", "morning")) >= 3
    assert [m["n"] for _, m, _ in front.of("mic-ack")][-1] == len(pieces) - 1


def test_the_key_is_in_no_message_no_output_and_no_saved_notebook(front, simulator, tmp_path):
    front.execute("import smallest_nb as snb, logging; logging.basicConfig(level=10)")
    front.execute("tuner = snb.VoiceTuner('One.'); live = snb.LiveTranscriber(); tuner.audition(); print(tuner.code())")
    front.execute(
        "print(repr(tuner), repr(tuner._service.target), vars(tuner._service), str(tuner._service.target.key))"
    )
    for mode in ("Plain", "Context", "Verbose"):
        front.execute(f"get_ipython().run_line_magic('xmode', {mode!r})")
        front.execute("try:\n    tuner.audition('')\nexcept Exception:\n    get_ipython().showtraceback()")
    assert len(front.everything) > 20
    assert CANARY not in "".join(front.everything)

    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "import smallest_nb as snb\ntuner = snb.VoiceTuner('One.')\ntuner.audition()\ntuner"
            )
        ]
    )
    NotebookClient(notebook, timeout=60, store_widget_state=True).execute()
    saved = nbformat.writes(notebook)
    assert "widgets" in notebook.metadata
    assert CANARY not in saved


def test_a_second_kernel_needs_no_port_of_its_own(front):
    other = Front()
    try:
        for one in (front, other):
            one.execute("import os; del os.environ['SMALLEST_API_KEY']; import smallest_nb as snb; snb.speak('Hi.')")
            one.execute(f"print('{uuid.uuid4()}')")
    finally:
        other.close()
