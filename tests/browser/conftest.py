"""One JupyterLab for all browser tests."""

from __future__ import annotations

import inspect

import pytest

import smallest_nb as snb
from tests.support.lab import Lab
from tests.support.speech import SENTENCE


def pytest_collection_modifyitems(config, items):
    """What does not look at the theme itself is run in one."""
    twice = [
        item
        for item in items
        if getattr(getattr(item, "callspec", None), "params", {}).get("theme") == "dark"
        and "theme" not in inspect.signature(item.function).parameters
    ]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in twice]


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def spoken(simulator, tmp_path_factory):
    """A WAV of the sentence; the recogniser is given no hint of it."""
    with_key = {"api_key": "sk_test_canary_7f3a", "base_url": simulator.base_url}
    service = snb.SmallestTTSService(**with_key, settings=snb.SmallestTTSSettings(voice="magnus"))

    async def run():
        try:
            return await service.synthesize(SENTENCE)
        finally:
            await service.close()

    from smallest_nb.client import background_loop

    clip = background_loop.call(run(), 30).padded(0.7, 2.0)
    return clip, clip.to_wav(tmp_path_factory.mktemp("microphone") / "spoken.wav")
