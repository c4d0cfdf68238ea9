"""What is done with a long sound takes no second copy of it, let alone one in a wider type."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from smallest_nb import Clip, SmallestTTSSettings
from smallest_nb.results.takes import Take, estimated_words
from smallest_nb.results.takes.html import waveform_svg
from smallest_nb.results.takes.take import take_html
from smallest_nb.results.transcript import Recording

MB = 2**20
TEXT = "One sentence of a few words. " * 100
CLIP = Clip(np.random.default_rng(5).integers(-9000, 9000, 12 * MB).astype("<i2").tobytes(), 24000)
TAKE = Take(1, TEXT, SmallestTTSSettings(), CLIP)
JOBS = {
    "word times": (lambda: estimated_words(TEXT, CLIP), 4),
    "waveform": (lambda: waveform_svg(CLIP), 4),
    "card": (lambda: take_html(TAKE), 4),
    "recording": (lambda: Recording.of(CLIP), 4),
    "resampled": (lambda: CLIP.resample(8000), 8 + 10),
    "part of a recording": (lambda: Recording.of(CLIP).clip(1.0, 2.0), 4),
}


def peak_of(function) -> int:
    function()  # imports, and what is made once
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", JOBS)
def test_a_long_sound_is_not_copied(name):
    function, most = JOBS[name]
    assert peak_of(function) < most * MB


def test_the_list_of_takes_draws_a_long_one_without_a_copy():
    from smallest_nb.notebook.widgets.take_list import TakeList

    shown = TakeList(lambda *_: None)
    try:
        assert peak_of(lambda: shown.show([Take(2, TEXT, SmallestTTSSettings(), CLIP)])) < 4 * MB
        assert max(shown.rows[0]["peaks"]) == 99
    finally:
        shown.close()


def test_the_outline_of_the_shortest_take():
    from smallest_nb.notebook.widgets.take_list import TakeList

    shown = TakeList(lambda *_: None)
    try:
        shown.show([Take(3, "a", SmallestTTSSettings(), Clip(np.array([-32768, 3], "<i2").tobytes(), 8000))])
        peaks = shown.rows[0]["peaks"]
        assert len(peaks) == 48
        assert sorted(peaks)[-2:] == [0, 99]
    finally:
        shown.close()
