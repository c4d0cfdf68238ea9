"""Settings: deltas, snapshots, validation, and the documents' tables."""

from __future__ import annotations

import pytest

import smallest_nb as snb
from smallest_nb.api.fields import NOT_GIVEN
from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings, why_not_taken

DOCUMENTED_TTS = {
    "model": "lightning-v3.1", "voice": "sophia", "language": "en", "speed": None, "consistency": None,
    "similarity": None, "enhancement": None,
}  # fmt: skip
DOCUMENTED_STT = {
    "model": "pulse", "language": "en", "word_timestamps": False, "full_transcript": False,
    "sentence_timestamps": False, "redact_pii": False, "redact_pci": False, "numerals": "auto", "diarize": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("cls", "table"), [(SmallestTTSSettings, DOCUMENTED_TTS), (SmallestSTTSettings, DOCUMENTED_STT)]
)
def test_defaults_are_the_documents(cls, table):
    complete = cls.complete()
    assert {name: getattr(complete, name) for name in table} == table
    assert all(getattr(cls(), name) is NOT_GIVEN for name in cls.specs())


def test_a_delta_names_only_what_changes():
    base = SmallestTTSSettings.complete(speed=1.2)
    merged, changed = base.merged(SmallestTTSSettings(speed=1.2, voice="liam", extra={"x": 1}))
    assert changed == {"voice": "sophia", "extra": {}}
    assert (merged.voice, merged.speed, merged.extra) == ("liam", 1.2, {"x": 1})
    assert merged.merged(SmallestTTSSettings(speed=None))[1] == {"speed": 1.2}
    assert base.voice == "sophia"


def test_from_mapping_understands_aliases():
    assert SmallestTTSSettings.from_mapping({"voice_id": "liam"}) == SmallestTTSSettings(voice="liam")


def test_repr_has_no_noise():
    assert repr(SmallestTTSSettings(speed=None)) == "SmallestTTSSettings(speed=None)"
    assert repr(SmallestTTSSettings.complete(voice="liam")) == "SmallestTTSSettings(voice='liam')"


@pytest.mark.parametrize("model", ["lightning-v3.1-pro", "lightning_v3.1_pro", "Lightning_V3.1_PRO"])
def test_both_spellings_of_a_model(model):
    assert SmallestTTSSettings(model=model).model == "lightning-v3.1-pro"


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (SmallestTTSSettings, {"sped": 1}, "Did you mean 'speed'"),
        (SmallestTTSSettings, {"speed": 2.01}, "0.5 to 2"),
        (SmallestTTSSettings, {"speed": "1.2"}, "'1.2'"),
        (SmallestTTSSettings, {"speed": float("nan")}, "nan"),
        (SmallestTTSSettings, {"speed": True}, "True"),
        (SmallestTTSSettings, {"enhancement": 1.5}, "whole number from 0 to 2"),
        (SmallestTTSSettings, {"consistency": -0.1}, "0 to 1"),
        (SmallestTTSSettings, {"voice": ""}, "non-empty"),
        (SmallestTTSSettings, {"voice": None}, "cannot be None"),
        (SmallestTTSSettings, {"model": "lightning, please"}, "lightning-v3.1"),
        (SmallestTTSSettings, {"model": "pulse"}, "speech-to-text model; choose one of lightning-v3.1"),
        (SmallestSTTSettings, {"numerals": "sometimes"}, "'auto', 'always', 'none'"),
        (SmallestSTTSettings, {"diarize": "yes"}, "True or False"),
        (SmallestSTTSettings, {"eou_timeout_ms": 0}, "100 to 10000"),
        (SmallestSTTSettings, {"keywords": {"Ada": 21}}, "0 to 20"),
        (SmallestSTTSettings, {"model": "lightning_v2"}, "text-to-speech model; choose one of pulse"),
        (SmallestSTTSettings, {"model": "../pulse"}, "not the name of an STT model"),
    ],
)
def test_bad_values_name_value_range_and_way_out(cls, values, message):
    with pytest.raises(snb.ConfigError, match=message):
        cls(**values)


def test_keywords_in_every_form():
    forms = ({"Ada": 3.0, "New York": 5.0}, "Ada, New York:5", ["Ada", "New York:5"])
    assert {frozenset(SmallestSTTSettings(keywords=k).keywords.items()) for k in forms} == {
        frozenset({("Ada", 3.0), ("New York", 5.0)})
    }


def test_language_members_and_codes_are_the_same():
    assert SmallestTTSSettings(language=snb.Language.HI) == SmallestTTSSettings(language="hi")


def test_gates_say_why():
    v31 = SmallestTTSSettings.complete()
    assert why_not_taken(v31, "speed") is None
    assert why_not_taken(v31, "consistency") == (
        "lightning-v3.1 ignores consistency; lightning-v2, which takes it, was retired on 2026-05-19"
    )
    assert why_not_taken(SmallestTTSSettings.complete(model="lightning-v2"), "consistency") is None
