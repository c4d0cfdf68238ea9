"""Settings come back from wherever they went: mappings, JSON, requests, Pipecat's objects, code. Nothing is run."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallest_nb.api.code_export import TARGETS, tts_code
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.settings_import import read_settings
from smallest_nb.errors import ConfigError

MAGNUS = SmallestTTSSettings(voice="magnus", speed=1.25)


class _NotGiven:
    """As Pipecat writes it: its own class, never imported here."""


NOT_GIVEN = _NotGiven()


@dataclass
class PipecatSettings:
    """Pipecat's shape: a dataclass whose fields are given or not."""

    model: Any = NOT_GIVEN
    voice: Any = NOT_GIVEN
    language: Any = NOT_GIVEN
    speed: Any = NOT_GIVEN
    consistency: Any = NOT_GIVEN
    content_filter: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    "source",
    [
        MAGNUS,
        {"voice": "magnus", "speed": 1.25},
        {"voice_id": "magnus", "speed": 1.25},
        '{"voice_id": "magnus", "speed": 1.25}',
        '  {"text": "Hello", "voice_id": "magnus", "speed": 1.25, "sample_rate": 24000, "request_id": "r1"}\n',
        PipecatSettings(voice="magnus", speed=1.25),
        'tts = SmallestTTSService(api_key=KEY, settings=SmallestTTSService.Settings(voice="magnus", speed=1.25))',
        'await worker.queue_frame(TTSUpdateSettingsFrame(delta=S.Settings(voice="magnus", speed=1.25)))',
        'tts = smallestai.TTS(voice_id="magnus", speed=1.25, sample_rate=8000)',
        'snb.speak("Hello", voice="magnus", speed=1.25)',
        'REQUEST = {"text": "a", "voice_id": "magnus", "speed": 1.25}',
        """curl -d '{"text": "It'"'"'s", "voice_id": "magnus", "speed": 1.25}' https://api.smallest.ai/waves/v1/tts""",
    ],
)
def test_the_same_settings_from_everywhere(source):
    assert read_settings(source) == MAGNUS


def test_names_of_languages_and_models():
    found = read_settings("S.Settings(language=Language.HI, model=SmallestTTSModel.LIGHTNING_V3_1_PRO, voice='meher')")
    assert found == SmallestTTSSettings(language="hi", model="lightning-v3.1-pro", voice="meher")


def test_a_whole_pipecat_store_is_understood():
    stored = PipecatSettings(
        model="lightning_v3.1", voice="liam", language="en", speed=None, content_filter="flag", extra={"new": 1}
    )
    assert read_settings(stored) == SmallestTTSSettings(
        model="lightning-v3.1", voice="liam", language="en", speed=None,
        extra={"new": 1, "content_filter": {"enabled": True, "action": "flag"}},
    )  # fmt: skip


def test_a_model_with_an_address_of_its_own():
    code = tts_code("websocket", SmallestTTSSettings.complete(model="lightning-v2", voice="emily"), text="a")
    assert read_settings(code).model == "lightning-v2"


def test_what_a_request_has_that_is_new_is_kept():
    assert read_settings({"text": "a", "voice_id": "liam", "warmth": 3}).extra == {"warmth": 3}
    with pytest.raises(ConfigError, match="warmth"):
        read_settings({"voice": "liam", "warmth": 3})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "NoneType"),
        (3, "int"),
        (PipecatSettings, "type"),
        ("", "empty"),
        ("[1]", "expected an object"),
        ("12", "expected an object"),
        ("hello there", "neither JSON nor Python"),
        ("x = 1", "no settings"),
        ("Settings(voice='a')\nSettings(voice='b')", "2 different sets"),
        ("Settings(voice=open('/etc/passwd').read())", "not known before the code runs"),
        ("Settings(voice=__import__('os').name)", "not known before the code runs"),
        ("Settings(language=Language.KLINGON)", "KLINGON"),
        ("Settings(voice='a', speed=9)", "0.5 to 2"),
        ("Settings(sped=1.2)", "speed"),
        ("curl -d '{", "quotes"),
        ("curl https://api.smallest.ai", "--data"),
        ({1: 2}, "[1]"),
        ("(" * 5000, "neither JSON nor Python"),
        ("[" * 100_000, "neither JSON nor Python"),
        ("x" * 1_000_001, "1,000,001"),
        (PipecatSettings(voice="liam", extra={}, content_filter=None, model=[]), "model"),
    ],
)
def test_what_is_not_understood_is_named(source, message):
    with pytest.raises(ConfigError) as caught:
        read_settings(source)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 600


_TEXTS = st.text(min_size=1, max_size=60).filter(lambda t: (t.strip() and t.isprintable()) or "\n" in t)
_SETTINGS = st.builds(
    SmallestTTSSettings.complete,
    voice=st.sampled_from(["sophia", "magnus", "my 'own' \"voice\" $(x) `y` \\ ü"]),
    speed=st.none() | st.floats(0.5, 2.0).map(lambda s: round(s, 2)),
    language=st.sampled_from(["en", "hi", "auto"]),
    model=st.sampled_from(["lightning-v3.1", "lightning-v3.1-pro"]),
)


@given(settings=_SETTINGS, text=_TEXTS, target=st.sampled_from(TARGETS))
def test_every_snippet_leads_back(settings, text, target):
    text = text.encode("utf-8", "ignore").decode()
    if not text.strip():
        return
    back = SmallestTTSSettings.complete().merged(read_settings(tts_code(target, settings, text=text)))[0]
    assert back.given_fields() | {"complete_backoff_ms": 0} == settings.given_fields() | {"complete_backoff_ms": 0}


@given(st.text(max_size=200))
def test_no_text_breaks_it(text):
    with contextlib.suppress(ConfigError):
        json.dumps(read_settings(text).given_fields(), default=str)
