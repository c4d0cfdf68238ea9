"""The main job, the same in every host: hear a voice, and see speech become text."""

from __future__ import annotations

import re

import jiwer
import pytest
from all_hosts import HOSTS
from cells import SENTENCE, TEXT
from host import wait_for
from playwright.sync_api import expect

from smallest_nb import Clip
from tests.support.page_sound import assert_same_sound

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(240), pytest.mark.parametrize("host", HOSTS, indirect=True)]


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def test_a_voice_is_heard(host, shown):
    shown.audition()
    sent = Clip(bytes.fromhex(shown.kernel.eval("tuner.takes[-1].clip.pcm.hex()")), 24000)
    assert shown.kernel.eval("tuner.takes[-1].text") == TEXT
    assert sent.duration > 1
    heard, rate = shown.rendered()
    assert_same_sound(sent, heard, rate)
    assert shown.player.get_attribute("data-underruns") == "0"
    assert shown.complaints() == []


def test_speech_becomes_text(host, shown):
    shown.press("Transcribe")
    shown.wait_state(shown.mic, "recording")
    assert shown.page_census()["tracks"] == 1
    expect(shown.lines.first).to_be_visible(timeout=30_000)
    shown.press("Stop transcribing")
    shown.wait_state(shown.mic, "idle")
    wait_for("the microphone is closed", lambda: shown.page_census()["tracks"] == 0)
    wait_for("the session is over", lambda: shown.kernel.eval("live.service is None"))
    assert jiwer.wer(words(SENTENCE), words(shown.transcript())) <= 0.34
    assert words(shown.kernel.eval("live.transcript.text")) == words(shown.transcript())
    assert shown.kernel.eval("live.microphone.dropped") == 0
    assert shown.complaints() == []
