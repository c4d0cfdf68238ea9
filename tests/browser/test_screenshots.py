"""Pictures of both widgets in JupyterLab, light and dark; `make screenshots` keeps them in docs/images."""

from __future__ import annotations

import pytest

import smallest_nb as snb
from tests.support.screenshots import contrast, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
POSITION = "document.querySelector('.snb-player-wave').getAttribute('aria-valuenow')"
SAID_BY_AND_BY = """() => {
  const line = document.querySelector(".snb-transcript-line[data-final='false'] .snb-transcript-text");
  return line && line.textContent.split(" ").length >= 3;
}"""


def test_voice_tuner(lab):
    with lab.browse("01_tune_a_voice.ipynb") as notes:
        notes.run_first()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        for theme in ("light", "dark"):
            notes.set_theme(dark=theme == "dark")
            assert notes.page.locator(".snb-tuner").get_attribute("data-theme") == theme
            notes.page.get_by_role("button", name="Speak").click()
            notes.page.wait_for_selector(".snb-player[data-state='playing']")
            notes.page.wait_for_function(f"() => {POSITION} > 1")
            notes.do("tuner.auto_play = False; tuner.settings = {'speed': 1.2}; tuner.auto_play = True")
            picture(notes, ".snb-player", f"voice-tuner-{theme}.png")
            assert contrast(notes, ".snb-tuner .snb-pane-head") >= 4.5
            notes.page.wait_for_selector(".snb-player[data-state='idle']")


def test_live_transcriber(lab, simulator, tmp_path):
    key = {"api_key": "sk_test_canary_7f3a", "base_url": simulator.base_url}
    from smallest_nb.client import background_loop

    service = snb.SmallestTTSService(**key, settings=snb.SmallestTTSSettings(voice="magnus"))

    async def say():
        try:
            first = await service.synthesize("The weather will be cold and cloudy this morning.")
            return first, await service.synthesize("The train to the city leaves in twenty minutes.")
        finally:
            await service.close()

    first, second = background_loop.call(say(), 30)
    wav = (first.padded(0.5, 1.6) + second.padded(0, 3)).to_wav(tmp_path / "spoken.wav")
    with lab.browse("02_live_transcription.ipynb", microphone=wav) as notes:
        notes.run_first()
        notes.page.wait_for_selector(".snb-mic[data-ready='true']")
        notes.page.get_by_role("button", name="Transcribe").click()
        notes.page.wait_for_selector(".snb-transcript-line[data-final='true']", timeout=20_000)
        notes.page.wait_for_function(SAID_BY_AND_BY, timeout=20_000)
        for theme in ("light", "dark"):
            notes.set_theme(dark=theme == "dark")
            picture(notes, ".snb-mic", f"live-transcriber-{theme}.png")
            assert contrast(notes, ".snb-transcript-line[data-final='true'] .snb-transcript-text") >= 7
            assert contrast(notes, ".snb-transcript-at") >= 4.5
