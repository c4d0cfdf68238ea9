"""Widgets as most of these tests have them."""

from __future__ import annotations

import pytest

import smallest_nb as snb
from smallest_nb import Player
from smallest_nb.notebook.widgets.take_list import TakeList
from tests.support.services import KEY
from tests.support.widget_page import PAGES, Page, part


@pytest.fixture(autouse=True)
def pages_leave():
    """Close the pages of a test at its end: a transcriber is mute while any player of the process is playing."""
    yield
    for page in list(PAGES):
        page.leave()


@pytest.fixture
def player():
    made = Player()
    yield made
    made.close()


@pytest.fixture
def tuner(simulator):
    made = snb.VoiceTuner("One, two, three.", api_key=KEY, base_url=simulator.base_url)
    yield made
    made.close()


@pytest.fixture
def page(tuner):
    found = Page(tuner.player)
    found.hello()
    return found


@pytest.fixture
def tray(tuner):
    found = Page(part(tuner, TakeList))
    found.hello()
    return found


@pytest.fixture
def voices(tuner):
    """The page, for the search of a voice."""
    found = Page(tuner.voices)
    found.hello()
    return found


@pytest.fixture
def whole(tuner):
    """The page, for what belongs to no part."""
    found = Page(tuner)
    found.hello()
    return found
