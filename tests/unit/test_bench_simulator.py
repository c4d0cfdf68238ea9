"""The simulator's bench judges right: words, places in the sound, frames by hand, bounds."""

from __future__ import annotations

import numpy as np
import pytest

from bench.simulator.figures import Figures, table
from bench.simulator.paced import RATE, Clip, Punctuality, _judge
from bench.simulator.raw import BINARY, TEXT, frame
from bench.simulator.word_times import pair
from bench.simulator.words import errors, plain
from smallest_nb.audio.clip import as_pcm16
from smallest_nb.simulator.speech.signal_code import burst_of


def test_words_are_compared_without_case_and_marks():
    assert plain("It's “Ready”, Über-Mensch.") == "its ready über mensch"
    assert plain("人人生而自由、平等。", "zh") == "人 人 生 而 自 由 平 等"
    assert errors(["one two three"], ["One, too three four."]) == (2, 3)


def test_word_ends_and_lateness_come_from_the_sound():
    gap = np.zeros(RATE * 80 // 1000)
    sound = [np.zeros(1600)]
    for word in ["word"] * 12:
        sound += [burst_of(word, 0, 0.04, RATE), gap]
    clip = Clip(" ".join(["word"] * 12), as_pcm16(np.concatenate(sound)))
    ends = clip.word_ends()
    assert ends == pytest.approx([0.1 + 0.24 * (n + 1) + 0.08 * n for n in range(12)], abs=0.003)

    chunks = -(-len(clip.pcm) // 3200)
    due = [int((ends[9] + 0.02) / 0.1 + 1) * 0.1, chunks * 0.1]
    words = [" ".join(["word"] * n) for n in (10, 2)]
    finals = [(100 + due[n] + 0.05 + n, {"transcript": words[n], "is_last": False}) for n in range(2)]
    seen = Punctuality()
    _judge(clip, [*finals, (105.0, {"transcript": "", "is_last": True})], 100.0, chunks, seen)
    assert (seen.finals, seen.missing, seen.wrong) == (pytest.approx([0.05, 1.05]), 0, 0)
    _judge(clip, finals[:1], 100.0, chunks, seen)
    assert (seen.missing, seen.wrong) == (1, 1)


@pytest.mark.parametrize(("size", "head"), [(5, 2), (126, 4), (70_000, 10)])
def test_frames_by_hand(size, head):
    made = frame(BINARY if size > 5 else TEXT, b"x" * size)
    assert len(made) == head + 4 + size
    assert made[1] & 0x80


def test_targets_and_ratios():
    figures = Figures()
    figures.add("wait", "floor", "ms", [1.0, 2.0, 3.0])
    figures.add("wait", "ours", "ms", [4.0, 4.0, 9.0], target=8)
    figures.add("wait", "ours, by quantile", "ms", [4.0, 4.0, 9.0], target={"median": 4, "p95": 9})
    figures.add("wait", "ours, one quantile missed", "ms", [4.0, 4.0, 9.0], target={"median": 3, "p95": 9})
    figures.add("never", "ours", "ms", [], target=8)
    figures.add("never", "ours, by quantile", "ms", [], target={"p95": 8})
    figures.one("errors", "all", "%", 28, client="before")
    rows = figures.rows()
    assert [(r["ok"], r["ratio_to_floor"]) for r in rows] == [
        (None, 1.0), (False, 2.0), (True, 2.0), (False, 2.0), (False, None), (False, None), (None, None)
    ]  # fmt: skip
    assert [r["client"] for r in rows] == ["smallest_nb"] * 6 + ["before"]
    assert all({"metric", "client", "median", "p95", "target", "ok"} <= set(r) for r in rows if r["n"])
    assert "MISSED" in table(rows)


def test_heard_words_are_paired_with_said_ones():
    said = [("the", 0.0, 0.1), ("train", 0.1, 0.5), ("leaves", 0.5, 0.9)]
    heard = [{"word": "A"}, {"word": "train"}, {"word": "Leaves."}]
    assert [spoken and spoken[0] for spoken, _ in pair(said, heard)] == [None, "train", "leaves"]
