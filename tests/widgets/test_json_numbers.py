"""Nothing goes to a page that JSON has no form for: Jupyter would make text of it, "-inf" for the level of silence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances

import smallest_nb as snb
from smallest_nb.notebook.widgets.take_list import TakeList
from tests.support.services import KEY
from tests.support.widget_page import Page, part

CLIPS = {
    "silence": np.zeros(12_000, np.int16),
    "nothing": np.zeros(0, np.int16),
    "one sample": np.ones(1, np.int16),
    "full scale": np.tile(np.array([32767, -32768], np.int16), 6_000),
}


@pytest.mark.parametrize("sound", CLIPS)
def test_traits_and_messages_are_json(sound, simulator):
    tuner = snb.VoiceTuner("One, two, three.", api_key=KEY, base_url=simulator.base_url)
    live = snb.LiveTranscriber(api_key=KEY, base_url=simulator.base_url)
    try:
        pages = [Page(widget) for widget in (tuner.player, part(tuner, TakeList))]
        for page in pages:
            page.hello()
        take = tuner.audition()
        clip = snb.Clip.from_array(CLIPS[sound], take.clip.sample_rate)
        tuner.player.play(clip)
        pages[0].played("s1", 0.0)
        sent = [content for page in pages for content, _ in page.got]
        state = [widget.get_state() for widget in _instances.values()]
        assert len(sent) > 2
        json.dumps([sent, state], allow_nan=False, default=str)
    finally:
        tuner.close()
        live.close()
