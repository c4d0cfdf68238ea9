"""Widgets as most of these tests have them."""

from __future__ import annotations

import pytest

from smallest_nb import Player


@pytest.fixture
def player():
    """A player that takes any front end."""
    made = Player()
    made._channel._build = None
    yield made
    made.close()
