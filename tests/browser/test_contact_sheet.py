"""The contact sheet of a sweep as a page of its own: it plays in a browser without a network and a kernel."""

from __future__ import annotations

import pytest

import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.chromiums import CHROMIUM_FLAGS, CHROMIUMS

PLAYED = """async player => {
    const began = new Promise(done => player.addEventListener("timeupdate", () => player.currentTime > 0 && done()));
    await player.play();
    await began;
    player.pause();
    return [player.currentTime, player.duration, player.currentSrc.slice(0, 15)];
}"""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        grid = snb.sweep(
            "red green blue", voice=["sophia", "liam"], speed=[0.8, 1.6], api_key="sk_test_canary_7f3a",
            base_url=running.base_url,
        )  # fmt: skip
    return grid, grid.save(tmp_path_factory.mktemp("sheet") / "sheet.html")


def test_every_cell_plays_without_a_kernel(sheet):
    grid, path = sheet
    browser = CHROMIUMS.launch(*CHROMIUM_FLAGS)
    try:
        context = browser.new_context(offline=True, viewport={"width": 900, "height": 600})
        page = context.new_page()
        page.goto(path.as_uri())
        players = page.locator("audio")
        assert players.count() == len(grid) == 4
        for at, cell in enumerate(grid):
            now, duration, source = players.nth(at).evaluate(PLAYED)
            assert now > 0
            assert duration == pytest.approx(cell.take.duration, abs=0.15)
            assert source == "data:audio/mpeg"
        headers = page.locator("th").all_inner_texts()
        assert headers == ["voice", "speed 0.8", "speed 1.6", "sophia", "liam"]
        boxes = [page.locator("td").nth(at).bounding_box() for at in range(4)]
        assert boxes[0]["y"] == boxes[1]["y"] < boxes[2]["y"] == boxes[3]["y"]
        assert boxes[0]["x"] == boxes[2]["x"] < boxes[1]["x"]
    finally:
        browser.close()
