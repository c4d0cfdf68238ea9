"""The place where two sockets heard the same audio: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from smallest_nb.client.audio_clock import AudioClock
from smallest_nb.client.text_alignment import TextAlignment
from smallest_nb.client.unacknowledged_audio import UnacknowledgedAudio
from smallest_nb.results.transcript import Segment
from tests.support.services import scripted, stt

RATE = 16000


def joined(before: str, *after: str) -> str:
    """Put the finals of a second socket behind the text of the first."""
    seam, text = TextAlignment(before.split()), [before]
    for final in after:
        count = seam.repeated(final, is_final=True)
        text.extend(final.split()[count:])
    return " ".join(text).strip()


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("the cat sat down", ["Down on the mat."], "the cat sat down on the mat."),
        ("the cat sat down", ["the cat sat down on the mat"], "the cat sat down on the mat"),
        ("the cat sat down", ["on the mat"], "the cat sat down on the mat"),
        ("a b c d e f g h", ["a b c", "d e f", "g h i"], "a b c d e f g h i"),
        ("a b c d e f g h", ["c d", "e f g", "h", "i"], "a b c d e f g h i"),
        ("a b c d e f g h", ["c d", "x y"], "a b c d e f g h x y"),
        ("one two three four", ["oh three four five"], "one two three four five"),
        ("please call me at fi", ["call me at five thirty"], "please call me at fi thirty"),
        ("no no no", ["no no yes"], "no no no yes"),
        ("so it is - really", ["It is, really! And"], "so it is - really And"),
        ("", ["hello there"], "hello there"),
        ("hello", [""], "hello"),
        ("hello", ["...", "hello you"], "hello ... you"),
        ("we paid 3.5", ["35 euros"], "we paid 3.5 35 euros"),
        ("we paid 3.5", ["3.5 euros"], "we paid 3.5 euros"),
        ("the nai\u0308ve", ["na\u00efve idea"], "the nai\u0308ve idea"),
        ("die STRASSE", ["Straße ist"], "die STRASSE ist"),
    ],
)
def test_X3_words_of_both_sides_are_aligned(before, after, whole):
    assert joined(before, *after) == whole


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("यह राम का", "की किताब है"),
        ("वह दिन", "दिना है"),
        ("அவன் படி", "படு என்று"),
        ("เขา ไป", "ไป่ แล้ว"),
        ("שָׁלוֹם", "שָׁלֵם עולם"),
    ],
)
def test_R5_marks_tell_words_apart_at_a_seam(before, after):
    assert joined(before, after) == f"{before} {after}"
    last = before.split()[-1]
    assert joined(before, f"{last} x") == f"{before} x"


def test_X3_an_interim_shows_what_is_new_and_decides_nothing():
    seam = TextAlignment("the cat sat".split())
    assert [seam.repeated(text, is_final=False) for text in ("cat", "cat sat", "cat sat on", "dog")] == [1, 2, 2, 0]
    assert not seam.resolved
    assert seam.repeated("cat sat on", is_final=True) == 2
    assert seam.resolved
    assert seam.repeated("cat sat on", is_final=True) == 0, "later it is said again"


@pytest.mark.parametrize("seed", range(200))
def test_X3_wherever_the_audio_was_cut_nothing_is_doubled_or_lost(seed):
    """Two hundred seams: words from somewhere in what was final are heard again, in finals of any length."""
    rng = random.Random(seed)
    words = [f"w{number}" for number in range(60)]
    final_until = rng.randint(1, 50)
    resent_from = rng.randint(max(0, final_until - 30), final_until)
    earliest = rng.randint(0, resent_from)
    seam, kept, at = TextAlignment(words[earliest:final_until]), words[:final_until], resent_from
    while at < len(words):
        size = rng.randint(1, 8)
        final = words[at : at + size]
        kept.extend(final[seam.repeated(" ".join(final), is_final=True) :])
        at += size
    assert kept == words


def test_X3_a_long_seam_is_found_in_linear_time():
    words = [f"w{number}" for number in range(20_000)]
    seam, kept = TextAlignment(words), []
    for at in range(0, 21_000, 10):
        final = [f"w{number}" for number in range(at, at + 10)]
        kept.extend(final[seam.repeated(" ".join(final), is_final=True) :])
    assert kept == [f"w{number}" for number in range(20_000, 21_000)]


class Sent:
    """Audio that was sent, and what a service says of it."""

    def __init__(self, limit_secs=60.0):
        self.clock = AudioClock(RATE, 2)
        self.audio = UnacknowledgedAudio(self.clock, int(limit_secs * 2 * RATE), sample_bytes=2, is_timed=True)

    def send(self, seconds, now=0.0):
        self.audio.sent(bytes(int(seconds * RATE) * 2), now)

    def reconnect(self, now):
        pieces, lost = self.audio.take_back()
        self.clock.new_socket()
        self.audio.new_socket()
        for piece in pieces:
            self.audio.sent(piece, now)
        return lost


def test_X3_what_an_earlier_socket_was_sent_says_nothing_about_this_one():
    """A minute was sent long ago on the lost socket; a final of the new one covers none of it for certain."""
    sent = Sent()
    sent.send(30.0, now=100.0)
    sent.reconnect(now=160.0)
    covered = sent.audio.confirm(Segment("the first words"), 160.0)
    assert covered == (0, sent.clock.position)


def test_X3_a_time_beyond_what_was_sent_covers_nothing_for_certain():
    sent = Sent()
    sent.send(5.0)
    assert sent.audio.confirm(Segment("x", start=0.0, end=1e5), 0.0).at_least == 0
    assert sent.audio.acknowledged == 0
    assert sent.audio.confirm(Segment("x", start=0.0, end=1.0), 0.0) == (2 * RATE, 2 * RATE)
    assert sent.audio.acknowledged == 2 * RATE
    sent.audio.take_back()
    assert sent.clock.position == 2 * RATE


def test_X3_a_final_whose_last_word_has_no_time_is_heard_again_from_the_word_before():
    sent = Sent()
    sent.send(5.0)
    covered = sent.audio.confirm(Segment("one two", start=0.0, end=1.0), 0.0, ends_exactly=False)
    assert covered == (2 * RATE, 10 * RATE)


def test_audio_that_is_no_longer_kept_is_counted_unless_a_final_covers_it():
    """A final that covers less than was forgotten says nothing about the rest."""
    sent = Sent(limit_secs=2.0)
    sent.send(1.0)
    sent.send(1.0)
    sent.send(1.0)
    sent.audio.confirm(Segment("x", start=0.0, end=0.25), 0.0)
    assert sent.reconnect(0.0) == 0.75 * 2 * RATE
    assert sent.reconnect(0.0) == 0, "it is counted once"
    sent.audio.confirm(Segment("x", start=0.0, end=0.5), 0.0)
    assert sent.reconnect(0.0) == 0


def test_seconds_of_other_encodings_are_their_own():
    """One byte a sample: a final of the first second covers as many bytes, not twice as many."""
    clock = AudioClock(8000, 1)
    audio = UnacknowledgedAudio(clock, 80_000, sample_bytes=1, is_timed=True)
    audio.sent(bytes(16_000), 0.0)
    assert audio.confirm(Segment("x", start=0.0, end=1.0), 0.0) == (8000, 8000)
    assert [len(piece) for piece in audio.take_back()[0]] == [8000]
    compressed = UnacknowledgedAudio(AudioClock(48_000, 2), 80_000, sample_bytes=2, is_timed=False)
    compressed.sent(bytes(16_000), 0.0)
    assert compressed.confirm(Segment("x", start=0.0, end=0.1), 0.0).at_least == 0


def final(text, **more) -> str:
    return json.dumps({"type": "transcription", "transcript": text, "is_final": True, "is_last": False, **more})


async def lost_between(first: list[str], second: list[str]) -> str:
    """Return the text of a session whose connection is lost after some finals; the next one brings the others."""
    sockets = []

    async def handler(ws):
        sockets.append(ws)
        await ws.recv()
        for frame in first if len(sockets) == 1 else second:
            await ws.send(frame)
        if len(sockets) == 1:
            await ws.close(1011)
            return
        async for message in ws:
            if isinstance(message, str):
                await ws.send(final("", is_last=True))

    async with scripted(handler) as url:
        service = stt(url)
        await service.connect()
        await service.send(bytes(64000))
        async with asyncio.timeout(20):
            while len(sockets) < 2:
                await asyncio.sleep(0.01)
            await service.close()
    return service.transcript.text


async def test_R5_hindi_across_a_lost_connection():
    assert await lost_between([final("यह राम का")], [final("की किताब है")]) == "यह राम का की किताब है"


async def test_X3_several_finals_are_repeated_across_a_lost_connection():
    first = [final("one two three"), final("four five six")]
    second = [final("one two"), final("three four five"), final("six seven"), final("eight")]
    assert await lost_between(first, second) == "one two three four five six seven eight"


async def test_X3_a_word_without_a_time_at_the_seam():
    """Its sound is sent again, and with it what follows: it is written once."""
    timed = [{"word": "one", "start": 0.0, "end": 0.1}, {"word": "two"}]
    again = [{"word": "two", "start": 0.0, "end": 0.1}, {"word": "three", "start": 0.1, "end": 0.2}]
    text = await lost_between([final("one two", words=timed)], [final("two three", words=again)])
    assert text == "one two three"
