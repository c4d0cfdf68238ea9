"""One server per host for all its tests."""

from __future__ import annotations

import pytest
from cells import SENTENCE
from hosts_apps import Marimo, Solara, Voila
from hosts_jupyter import JupyterLab, Notebook7

import smallest_nb as snb
from smallest_nb import runtime

HOSTS = {host.name: host for host in (JupyterLab, Notebook7, Voila, Marimo, Solara)}


@pytest.fixture(scope="module")
def host(request, tmp_path_factory):
    """The running host that the test names."""
    running = HOSTS[request.param](tmp_path_factory.mktemp(request.param) / "host")
    yield running
    running.close()


@pytest.fixture(scope="session")
def spoken(simulator, tmp_path_factory):
    """A WAV of the sentence for the browser's microphone; the recogniser is given no hint of it."""
    service = snb.SmallestTTSService(
        api_key="sk_test_canary_7f3a", base_url=simulator.base_url, settings=snb.SmallestTTSSettings(voice="magnus")
    )

    async def run():
        try:
            return await service.synthesize(SENTENCE)
        finally:
            await service.close()

    clip = runtime.call(run(), 30).padded(0.7, 2.0)
    return clip.to_wav(tmp_path_factory.mktemp("microphone") / "spoken.wav")
