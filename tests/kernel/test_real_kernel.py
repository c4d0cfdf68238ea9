"""Widgets in a real kernel, with this test as the front end: sound while a cell is busy, and no key anywhere."""

from __future__ import annotations

import time
import uuid

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.kernel_front import Front

CANARY = "sk_canary_kernel_55aa"


@pytest.fixture
def front(simulator, monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    monkeypatch.setenv("SMALLEST_BASE_URL", simulator.base_url)
    made = Front()
    yield made
    made.close()


# Each cell is busy until all of the sound came, which a file says.
BUSY = {
    "sleeping": "while going(): time.sleep(0.5)",
    "spinning": "while going(): pass",
    "awaiting": "while going(): await asyncio.sleep(0.5)",
}
GOING = """import asyncio, pathlib, time
began = time.monotonic()
def going():
    return time.monotonic() - began < 60 and not pathlib.Path({!r}).exists()
"""


@pytest.mark.parametrize("kind", BUSY)
def test_sound_goes_on_while_a_cell_is_busy(front, kind, tmp_path):
    front.execute("import smallest_nb as snb; tuner = snb.VoiceTuner('One, two, three. Four, five, six.'); tuner")
    front.show(front.model("Speak", "player"), "player")
    assert front.pump(lambda _: front.of("welcome"))
    front.execute("future = tuner.submit()", wait=False)
    came = tmp_path / "came"
    busy = front.execute(GOING.format(str(came)) + BUSY[kind], wait=False)

    def sound():
        return b"".join(b[0] for _, _, b in front.of("stream-audio"))

    def is_whole(_):
        ends = front.of("stream-end")
        return bool(ends) and len(sound()) == 2 * ends[0][1]["samples"]

    assert front.pump(is_whole, seconds=50)
    assert busy not in front.idle, "the last sound came when the cell was over"
    pcm = sound()
    came.touch()
    front.pump(shell=busy)
    front.execute(f"future.result(20); assert tuner.takes[-1].clip.pcm.hex()[:4000] == {pcm.hex()[:4000]!r}")


def test_a_press_in_the_page_speaks_and_the_microphone_becomes_text(front, simulator):
    front.execute(
        "import smallest_nb as snb; tuner = snb.VoiceTuner('The weather will be cold and cloudy this morning.', "
        "sample_rate=16000, voice='magnus'); live = snb.LiveTranscriber(mute_while_playing=False); tuner"
    )
    tuner, live = front.model("Speak", "player"), front.model("Transcribe", "microphone")
    front.show(tuner, "player")
    front.show(live, "microphone", "transcript")
    front.send(tuner, {"type": "press", "part": "player", "action": "play"})
    assert front.pump(lambda _: front.of("stream-end"))
    pcm = b"".join(b[0] for _, _, b in front.of("stream-audio"))

    fields = {"part": "microphone", "error": None, "rate": 48000, "dropped": 0, "granted": None}
    front.send(live, {"type": "mic-state", "state": "starting", **fields})
    front.send(live, {"type": "mic-state", "state": "recording", **fields})
    pieces = [pcm[at : at + 2560] for at in range(0, len(pcm), 2560)]
    for n, piece in enumerate(pieces):
        message = {"n": n, "oldest": 0, "t": 0.0, "level": 0.1, "clipped": False, "last": n == len(pieces) - 1}
        front.send(live, {"type": "mic-chunk", "part": "microphone", **message}, piece)
        time.sleep(0.02)
    front.send(live, {"type": "mic-state", "state": "idle", **fields})

    def finals():
        return [x for _, m, _ in front.of("lines") for x in m["lines"] if x["final"] and x["text"]]

    assert front.pump(lambda _: finals())
    text = finals()[0]["text"].lower()
    assert sum(word in text for word in ("weather", "cold", "cloudy", "morning")) >= 3
    assert [m["n"] for _, m, _ in front.of("mic-ack")][-1] == len(pieces) - 1


@pytest.mark.parametrize("cell", ["time.sleep(0.05)", "pass"])
def test_the_microphone_is_heard_while_a_cell_is_busy_and_in_order(front, cell):
    """ipykernel 7.4 by itself hands messages to the thread that sent last: the cell's, then the subshell's, in turn."""
    front.execute("import smallest_nb as snb; live = snb.LiveTranscriber(mute_while_playing=False); live")
    front.use_subshell()
    live = front.model("Transcribe", "microphone")
    front.show(live, "microphone", "transcript")
    assert front.pump(lambda _: front.of("welcome"))
    front.execute("heard = []; _ = live.microphone.on_audio(lambda pcm: heard.append(pcm[0]))")
    fields = {"part": "microphone", "error": None, "rate": 48000, "dropped": 0, "granted": None}
    front.execute("import time; until = time.monotonic() + 30")
    busy = front.execute(f"while len(heard) < 31 and time.monotonic() < until: {cell}", wait=False)
    front.execute("in_time = time.monotonic() < until", wait=False)
    front.send(live, {"type": "mic-state", "state": "starting", **fields})
    front.send(live, {"type": "mic-state", "state": "recording", **fields})
    chunk = {"type": "mic-chunk", "part": "microphone", "oldest": 0, "t": 0.0, "level": 0.1, "clipped": False}
    for n in range(31):
        front.send(live, {**chunk, "n": n, "last": False}, bytes([n]) * 2560)
        front.pump(seconds=0.02)
    assert front.pump(lambda _: busy in front.idle, seconds=40)
    front.execute("assert in_time, 'no chunk was heard before the cell was over'")
    front.send(live, {**chunk, "n": 31, "last": True}, bytes([31]) * 2560)
    assert front.pump(lambda _: [m["n"] for _, m, _ in front.of("mic-ack")][-1:] == [31])
    front.execute("assert heard == [*range(32)], heard")


def test_the_key_is_in_no_message_no_output_and_no_saved_notebook(front, simulator, tmp_path):
    front.execute("import smallest_nb as snb, logging; logging.basicConfig(level=10)")
    front.execute("tuner = snb.VoiceTuner('One.'); live = snb.LiveTranscriber(); tuner.audition(); print(tuner.code())")
    front.execute("print(repr(tuner), repr(tuner.service.target), vars(tuner.service), str(tuner.service.target.key))")
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
