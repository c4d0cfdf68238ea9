"""One JupyterLab for all browser tests."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest

import smallest_nb as snb
from tests.support.lab import Lab
from tests.support.speech import SENTENCE

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config, items):
    """What does not look at the theme itself is run in one; older kernels wait for `make hosts`."""
    named = any("::" in argument for argument in config.args)
    older = not ("hosts" in config.getoption("markexpr") or os.environ.get("SNB_HOSTS") or named)
    left_out = [
        item
        for item in items
        if item.path.parent == HERE and (_looks_at_no_theme(item) or (older and item.get_closest_marker("hosts")))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _looks_at_no_theme(item) -> bool:
    dark = getattr(getattr(item, "callspec", None), "params", {}).get("theme") == "dark"
    return dark and "theme" not in inspect.signature(item.function).parameters


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
