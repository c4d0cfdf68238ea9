"""Files from the page: several in order, broken ones, those that are stopped; and files that the page saves."""

from __future__ import annotations

import io

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.notebook.widgets.file_source import MAX_FILE_BYTES
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.speech import SENTENCE
from tests.support.widget_page import Page, chunks, eventually, noise, recording

PIECE = 48_000


@pytest.fixture(scope="module")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def live(signals):
    made = snb.LiveTranscriber(api_key=KEY, base_url=signals.base_url, word_timestamps=True)
    made.files.pace = 50.0
    yield made
    made.close()


@pytest.fixture(scope="module")
def clip(signals):
    return snb.speak(SENTENCE, sample_rate=16000, api_key=KEY, base_url=signals.base_url).padded(0.2, 0.5)


@pytest.fixture
def page(live):
    made = Page(live.files)
    made.hello()
    return made


def send(page, name, content, order=iter):
    for first in order(range(0, max(1, len(content)), PIECE)):
        piece = content[first : first + PIECE]
        page.say("upload", piece, file=name, name=name, size=len(content), first=first)


def states(live):
    return {row["name"]: row["state"] for row in live.files.rows}


def test_UX24_files_are_transcribed_in_order_and_a_broken_one_stops_none(live, page, clip):
    seen = []
    live.files.observe(lambda change: seen.append(change["new"]), names="rows")
    send(page, "one.wav", clip.wav_bytes())
    send(page, "letter.wav", b"Dear Sir or Madam")
    send(page, "short.wav", snb.Clip(bytes(640), 16000).wav_bytes())
    send(page, "silence.wav", snb.Clip(b"", 16000).wav_bytes())
    send(page, "two.wav", clip.wav_bytes())
    eventually(lambda: states(live).get("two.wav") == "done")
    assert states(live) == {
        "one.wav": "done", "letter.wav": "failed", "short.wav": "done", "silence.wav": "failed", "two.wav": "done",
    }  # fmt: skip
    problems = {row["name"]: row["problem"] for row in live.files.rows}
    assert "letter.wav" in problems["letter.wav"] or "WAV" in problems["letter.wav"]
    assert problems["silence.wav"].endswith("holds no samples; expected sound.")
    assert live.transcript.text.split() == SENTENCE.split() * 2
    assert [*dict.fromkeys(s.source for s in live.transcript)] == ["one.wav", "two.wav"]
    fractions = [row["done"] for rows in seen for row in rows if row["state"] == "transcribing"]
    assert len({f for f in fractions if 0 < f < 1}) > 5, "progress while it is transcribed"
    received = [m["received"] for m in page.of("upload-ack") if m["file"] == "one.wav"]
    assert received == sorted(received)
    assert received[-1] == len(clip.wav_bytes())


def test_UX24_stop_ends_the_file_that_is_transcribed_and_those_that_wait(live, page, clip):
    live.files.pace = 1.0
    for name in ("one.wav", "two.wav"):
        send(page, name, clip.padded(0, 20).wav_bytes())
    page.say("upload", b"RIFF", file="three.wav", name="three.wav", size=500_000, first=0)
    eventually(lambda: states(live) == {"one.wav": "transcribing", "two.wav": "waiting", "three.wav": "receiving"})
    eventually(lambda: live.microphone.received)
    page.say("press", action="stop")
    eventually(lambda: set(states(live).values()) == {"stopped"}, 10)
    eventually(lambda: not live.recording)
    page.say("upload", bytes(10), file="three.wav", name="three.wav", size=500_000, first=4)
    eventually(lambda: page.of("upload-ack")[-1]["error"])
    live.files.pace = 50.0
    send(page, "four.wav", clip.wav_bytes())
    eventually(lambda: states(live).get("four.wav") == "done")
    assert {s.source for s in live.transcript} >= {"four.wav"}


def test_UX24_a_file_waits_until_the_microphone_is_free(live, page, clip):
    device = Page(live.microphone, "p2")
    device.hello()
    recording(device, "starting")
    recording(device, "recording")
    chunks(device, clip)
    send(page, "talk.wav", clip.wav_bytes())
    eventually(lambda: states(live) == {"talk.wav": "waiting"})
    recording(device, "idle")
    eventually(lambda: states(live) == {"talk.wav": "done"})
    assert [*dict.fromkeys(s.source for s in live.transcript)] == ["Recording 1", "talk.wav"]


@pytest.mark.parametrize("order", [reversed, lambda firsts: [*firsts, *firsts], lambda firsts: sorted(firsts, key=str)])
def test_UX24_pieces_that_come_out_of_order_or_twice_make_the_same_file(live, page, clip, order):
    content = clip.padded(0, 5).wav_bytes()
    assert len(content) > 4 * PIECE
    send(page, "talk.wav", content, order)
    eventually(lambda: states(live) == {"talk.wav": "done"})
    assert live.transcript.text.split() == SENTENCE.split()


@pytest.mark.parametrize("size", [MAX_FILE_BYTES + 1, 0])
def test_a_file_of_no_use_is_refused_before_it_is_sent(live, page, size):
    page.say("upload", b"x", file="f", name="big.wav", size=size, first=0)
    eventually(lambda: page.of("upload-ack"))
    assert "big.wav" in page.of("upload-ack")[0]["error"]
    assert live.files.rows == []


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_a_recording_is_saved_in_parts_no_faster_than_the_page_takes_them(live, suffix):
    sound = noise(60.0, 16000)
    live.transcript.recording.write(sound.pcm)
    page = Page(live.sound)
    page.hello()
    page.say("act", action="save", text=suffix)
    eventually(lambda: page.of("file-part"))
    content = bytearray()
    taken = 0
    while True:
        held = [(c, b) for c, b in page.got if c["type"] in ("piece", "file-part")]
        ahead = sum(len(b[0]) for _, b in held[taken:])
        assert ahead <= 4 * 240_000
        content += b"".join(b[0] for _, b in held[taken:])
        taken = len(held)
        part = page.of("file-part")[-1]
        if len(content) >= part["size"]:
            break
        page.say("more", file=part["file"], received=len(content))
        eventually(lambda seen=taken: sum(c["type"] in ("piece", "file-part") for c, _ in page.got) > seen)
    assert part["name"] == f"recording.{suffix}"
    saved = snb.read_sound(io.BytesIO(bytes(content)))
    if suffix == "mp3":
        assert saved.duration == pytest.approx(60.0, abs=0.2)
    else:
        assert np.array_equal(saved.samples, sound.samples)


def test_what_cannot_be_saved_says_so_and_the_next_success_ends_it(live, clip):
    page = Page(live.sound)
    page.hello()
    page.say("act", action="save", text="wav")
    eventually(lambda: "No sound is kept" in live.sound.error)
    live.feed(clip, pace=50)
    page.say("act", action="save", text="midi")
    eventually(lambda: "midi" in live.sound.error)
    page.say("act", action="save", text="wav")
    eventually(lambda: page.of("file-part"))
    assert live.sound.error == ""


def test_the_recording_is_heard_from_any_second_to_its_end(live, clip):
    sound = noise(90.0, 16000)
    live.transcript.recording.write(sound.pcm)
    player, page = Page(live.player), Page(live.sound)
    player.name = page.name  # one page draws both
    page.hello(parts=["player", "recording"])
    page.say("transcript", action="hear", number=0, at=30.08, text="")
    eventually(lambda: player.of("stream-open") and player.pcm())
    stream = player.of("stream-open")[-1]["stream"]
    assert live.sound.playing == {"stream": stream, "from": 30.0}
    expected = sound.pcm[30 * 32000 :]
    while len(player.pcm()) < len(expected):
        position = len(player.pcm()) // 2
        player.played(stream, position)
        eventually(lambda at=position: len(player.pcm()) // 2 > at)
    assert player.pcm() == expected
    assert player.of("stream-end")[-1]["samples"] == len(expected) // 2
