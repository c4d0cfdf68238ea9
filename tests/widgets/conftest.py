"""Widgets as most of these tests have them."""

from __future__ import annotations

import pytest

import smallest_nb as snb
from smallest_nb import Player
from tests.support.services import KEY
from tests.support.widget_page import Page


@pytest.fixture
def player():
    """A player that takes any front end."""
    made = Player()
    made._channel._build = None
    yield made
    made.close()


@pytest.fixture
def tuner(simulator):
    made = snb.VoiceTuner("One, two, three.", api_key=KEY, base_url=simulator.base_url)
    made.player._channel._build = made._tray._channel._build = None
    yield made
    made.close()


@pytest.fixture
def page(tuner):
    found = Page(tuner.player)
    found.hello()
    return found


@pytest.fixture
def tray(tuner):
    found = Page(tuner._tray)
    found.hello()
    return found
