"""A product of settings: its cells, their order, and the contact sheet as HTML."""

from __future__ import annotations

import base64
import re

import pytest

import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY

TEXT = "red green blue"


@pytest.fixture(scope="module")
def grid():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield snb.sweep(
            TEXT, voice=["sophia", "liam"], speed=[0.8, 1.0, 1.6], intelligibility=True, sample_rate=16000,
            api_key=KEY, base_url=running.base_url,
        )  # fmt: skip


def test_each_combination_is_a_cell_in_order(grid):
    assert [tuple(c.varied.values()) for c in grid] == [
        (voice, speed) for voice in ("sophia", "liam") for speed in (0.8, 1.0, 1.6)
    ]
    for cell in grid:
        assert (cell.take.settings.voice, cell.take.settings.speed) == tuple(cell.varied.values())
        assert (cell.take.text, cell.intelligibility) == (TEXT, 1.0)  # tones are heard as they are
        assert cell.take.ttfb_ms > 0
    assert repr(grid) == "Grid(2 voice x 3 speed)"
    assert grid.cell(voice="liam", speed=1.6) is grid[5]
    assert len(grid.takes) == 6
    assert list(grid.to_dataframe()["speed"]) == [0.8, 1.0, 1.6] * 2


def test_it_is_sorted_by_its_figures(grid):
    durations = [c.take.duration for c in grid.sorted("duration")]
    assert durations == sorted(durations)
    assert durations[0] < durations[-1]  # slower speech is longer
    first = [c.take.ttfb_ms for c in grid.sorted("ttfb", reverse=True)]
    assert first == sorted(first, reverse=True)
    assert len(grid.sorted("intelligibility")) == 6
    with pytest.raises(snb.ConfigError, match="by='price'"):
        grid.sorted("price")


def test_the_sheet_needs_nothing_else_and_its_sounds_can_be_decoded(grid):
    for shown in (grid, grid.sorted("duration")):
        html = shown.to_html()
        assert len(html) < 3.5 * 2**20
        assert not re.search(r"<script|<link|https?://(?!www\.w3\.org/2000/svg)", html)
        sounds = re.findall(r'src="data:audio/(\w+);base64,([^"]+)"', html)
        assert len(sounds) == 6
        for (kind, data), cell in zip(sounds, shown, strict=True):
            assert kind == "mpeg"
            heard = snb.read_sound(base64.b64decode(data))
            assert heard.duration == pytest.approx(cell.take.duration, abs=0.12)
            assert len(data) < len(cell.take.clip.pcm) / 4
        assert html.count("<svg") == 6
        assert "100% understood" in html
    assert grid.to_html().count('<th scope="col">speed') == 3


def test_the_sheet_is_bounded_and_says_what_is_cut(grid):
    long = snb.Clip(grid[0].take.clip.pcm * 20, 16000)
    take = snb.Take(1, TEXT, grid[0].take.settings, long)
    from smallest_nb.results.takes import GridCell

    sheet = snb.Grid({"speed": [1.0] * 150}, [GridCell({"speed": 1.0}, take)] * 150)
    html = sheet.to_html()
    assert len(html) < 4.5 * 2**20
    assert "are embedded" in html


def test_without_soundfile_the_sheet_plays_wav(grid, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    assert grid.to_html().count("data:audio/wav") == 6


def test_a_failed_cell_says_why_and_the_others_play():
    with Simulator(behaviour=Behaviour(engine="signal")) as running, pytest.warns(UserWarning, match="does not list"):
        made = snb.sweep("Hello.", language=["en", "tlh"], api_key=KEY, base_url=running.base_url)
    assert [c.take is None for c in made] == [False, True]
    assert "ServiceError" in made[1].error
    assert made.to_html().count("<audio") == 1
    assert "1 failed" in repr(made)
    with pytest.raises(snb.ConfigError, match="was not measured"):
        made.sorted("intelligibility")


def test_several_texts_are_an_axis():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        made = snb.sweep(["One.", "Two."], speed=[1.0], voice="liam", api_key=KEY, base_url=running.base_url)
    assert [(c.take.text, c.take.settings.voice) for c in made] == [("One.", "liam"), ("Two.", "liam")]


@pytest.mark.parametrize(
    ("axes", "message"),
    [({}, "Nothing is varied"), ({"speed": []}, "0 combinations"), ({"speed": range(2000)}, "2000 combinations"),
     ({"sped": [1]}, "speed"), ({"speed": [9]}, "speed=9")],
)  # fmt: skip
def test_what_cannot_be_swept(axes, message):
    with pytest.raises(snb.ConfigError, match=message):
        snb.sweep("Hello.", api_key=KEY, base_url="ws://127.0.0.1:9", **axes)
