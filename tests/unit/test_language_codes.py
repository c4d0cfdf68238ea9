"""How a language is spelled on the wire: regions are left out, everything that may mean more stays whole."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from smallest_nb.api.language import LANGUAGE_NAMES, STT_VENDOR_LANGUAGES, Language, needs_us_host, service_code
from smallest_nb.api.rest import recording_url
from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.api.tts_wire import tts_request


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("multi-eu", "multi-eu"),
        ("multi_eu", "multi-eu"),
        ("Multi-EU", "multi-eu"),
        ("multi", "multi"),
        ("multi-in", "multi-in"),
        ("multi_south_indic", "multi-south-indic"),
        ("MULTI-ASIAN", "multi-asian"),
        ("north_indic", "north_indic"),
        ("north-indic", "north_indic"),
        ("North_Indic", "north_indic"),
        ("hi-dev", "hi-dev"),
        ("hi_DEV", "hi-dev"),
        ("auto", "auto"),
        ("AUTO", "auto"),
        ("en-US", "en"),
        ("en_US", "en"),
        ("EN_us", "en"),
        ("EN", "en"),
        (" en ", "en"),
        ("\ten-GB\n", "en"),
        ("es-419", "es"),
        ("pt_BR", "pt"),
        ("pt_BR.UTF-8", "pt"),
        ("ca_ES.UTF-8@valencia", "ca"),
        ("yue", "yue"),
        ("yue-HK", "yue"),
        ("zh-CN", "zh"),
        ("zh-Hant", "zh-Hant"),
        ("ZH_HANT", "zh-Hant"),
        ("zh_hant_tw", "zh-Hant-TW"),
        ("hi-Latn", "hi-Latn"),
        ("en-US-x-twain", "en-us-x-twain"),
        ("klingon", "klingon"),
    ],
)
def test_L1_only_a_region_is_left_out_of_a_language(given, code):
    assert service_code(given) == code
    assert service_code(code) == code, "a code of the wire stays what it is"


def test_L1_every_code_that_is_documented_stays_whole():
    for code in {*STT_VENDOR_LANGUAGES, *LANGUAGE_NAMES, "auto", "multi-eu", "multi-indic"}:
        assert service_code(code) == code
    assert {service_code(member) for member in Language} <= set(LANGUAGE_NAMES)


def test_L1_a_recording_is_sent_with_the_whole_code():
    url = recording_url("wss://api.smallest.ai", SmallestSTTSettings.complete(language="multi_EU"))
    assert parse_qs(urlsplit(url).query)["language"] == ["multi-eu"]


def test_L1_the_host_follows_the_language_whatever_its_script():
    assert needs_us_host("zh-Hant")
    assert needs_us_host("multi_asian")
    assert not needs_us_host("multi-eu")
    assert recording_url("wss://api.smallest.ai", SmallestSTTSettings.complete(language="zh_TW")).startswith(
        "https://api.us.smallest.ai/"
    )


def test_L1_the_language_of_numbers_is_spelled_alike():
    settings = SmallestTTSSettings.complete(number_pronunciation_language="hi_IN")
    assert tts_request(settings, "a", sample_rate=24000)["number_pronunciation_language"] == "hi"
