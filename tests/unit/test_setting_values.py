"""What settings take: real numbers of any library, members of enumerations; whatever else is refused in words."""

from __future__ import annotations

import enum
import itertools
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smallest_nb as snb
from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings


class Tempo(enum.Enum):
    """An enumeration of somebody's own, which is neither text nor a number."""

    FAST = 1.5


class Code(str, enum.Enum):  # noqa: UP042 - its str() is "Code.HINDI"; many programs still write them so
    """Text as older programs enumerate it."""

    HINDI = "hi"


class Rude:
    """Raises whatever is asked of it."""

    def __float__(self):
        raise OverflowError("no")

    def __repr__(self):
        raise RuntimeError("no")


ODD = [
    b"en", bytearray(b"x"), memoryview(b"x"), {}, {"a": object()}, {1, 2}, frozenset({None}), [], (), [[]], [None],
    [("a", 3)], object(), Rude(), Ellipsis, NotImplemented, type, len, range(3), math.nan, math.inf, -math.inf, 10**400,
    1j, Decimal("NaN"), Decimal("sNaN"), np.nan, np.array([1.0, 2.0]), np.array([1.0]), np.array([]), np.array("x"),
    np.complex64(1), np.datetime64("2026-11-30"), np.ma.masked, True, False, np.True_, 0, 1, 1.5, "", " ",
    "x" * 100_000, enum.Enum("Empty", {"A": None}).A,
]  # fmt: skip
FIELDS = [(cls, name) for cls in (SmallestTTSSettings, SmallestSTTSettings) for name in (*cls.specs(), "extra")]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_L5_a_value_is_taken_or_refused_in_words(cls, name):
    refusals = []
    for value in [*ODD, None, itertools.count(), (w for w in itertools.repeat("word"))]:
        try:
            cls(**{name: value})
        except snb.ConfigError as error:
            refusals.append(str(error))
    assert len(refusals) > 10
    assert max(map(len, refusals)) < 600
    assert all("expected" in text or "model" in text or "extra" in text for text in refusals)


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
))  # fmt: skip
def test_L5_nothing_but_a_refusal_is_raised(value):
    for cls, name in FIELDS:
        try:
            cls(**{name: value})
        except snb.ConfigError:
            continue


@pytest.mark.parametrize(
    ("cls", "given", "kept"),
    [
        (SmallestTTSSettings, {"speed": np.float64(1.5)}, 1.5),
        (SmallestTTSSettings, {"speed": np.float32(1.5)}, 1.5),
        (SmallestTTSSettings, {"speed": np.int64(1)}, 1.0),
        (SmallestTTSSettings, {"speed": np.array(1.5)}, 1.5),
        (SmallestTTSSettings, {"speed": Decimal("1.5")}, 1.5),
        (SmallestTTSSettings, {"speed": Fraction(3, 2)}, 1.5),
        (SmallestTTSSettings, {"speed": Tempo.FAST}, 1.5),
        (SmallestTTSSettings, {"enhancement": np.uint8(2)}, 2),
        (SmallestTTSSettings, {"enhancement": np.array(2)}, 2),
        (SmallestTTSSettings, {"word_timestamps": np.True_}, True),
        (SmallestTTSSettings, {"word_timestamps": np.array(False)}, False),
        (SmallestTTSSettings, {"math_notation": np.bool_(1)}, True),
        (SmallestTTSSettings, {"voice": np.str_("liam")}, "liam"),
        (SmallestTTSSettings, {"language": Code.HINDI}, "hi"),
        (SmallestTTSSettings, {"language": snb.Language.HI}, "hi"),
        (SmallestTTSSettings, {"model": snb.SmallestTTSModel.LIGHTNING_V3_1_PRO}, "lightning-v3.1-pro"),
        (SmallestTTSSettings, {"pronunciation_dicts": np.array(["a", "b"])}, ("a", "b")),
        (SmallestTTSSettings, {"pronunciation_dicts": "a, b,"}, ("a", "b")),
        (SmallestTTSSettings, {"extra": {"n": np.float64(1.5), "m": (1, 2)}}, {"n": 1.5, "m": [1, 2]}),
        (SmallestSTTSettings, {"diarize": np.True_}, True),
        (SmallestSTTSettings, {"max_words": np.int32(5)}, 5),
        (SmallestSTTSettings, {"eou_timeout_ms": 500.0}, 500),
        (SmallestSTTSettings, {"keywords": {np.str_("Ada"): np.float32(4)}}, {"Ada": 4.0}),
        (SmallestSTTSettings, {"keywords": {"Bob", "Ada"}}, {"Ada": 3.0, "Bob": 3.0}),
        (SmallestSTTSettings, {"keywords": ""}, {}),
        (SmallestSTTSettings, {"keywords": np.array(["Ada"])}, {"Ada": 3.0}),
    ],
)  # fmt: skip
def test_L5_numbers_and_names_of_other_libraries_are_taken(cls, given, kept):
    found = getattr(cls(**given), *given)
    assert found == kept
    assert type(found) is type(kept)
    assert not isinstance(found, np.generic)


@pytest.mark.parametrize(
    ("cls", "given", "words"),
    [
        (SmallestTTSSettings, {"extra": None}, "extra=None cannot be used; expected {'wire field': value}"),
        (SmallestTTSSettings, {"extra": [("a", 1)]}, "extra="),
        (SmallestTTSSettings, {"extra": {1: 2}}, "names in extra must be text; got 1"),
        (SmallestTTSSettings, {"extra": {"a": {"b": object}}}, "extra['a']['b']="),
        (SmallestTTSSettings, {"extra": {"a": math.nan}}, "extra['a']=nan"),
        (SmallestTTSSettings, {"speed": np.bool_(1)}, "speed=True"),
        (SmallestTTSSettings, {"speed": np.float64("nan")}, "speed=nan"),
        (SmallestTTSSettings, {"speed": 10**400}, "0.5 to 2"),
        (SmallestTTSSettings, {"enhancement": Decimal("1.5")}, "a whole number from 0 to 2"),
        (SmallestTTSSettings, {"voice": b"liam"}, "voice=b'liam'"),
        (SmallestTTSSettings, {"pronunciation_dicts": {"a": 1}}, "a list of names"),
        (SmallestTTSSettings, {"pronunciation_dicts": b"ab"}, "a list of names"),
        (SmallestSTTSettings, {"keywords": [("a", 3)]}, "keywords=[('a', 3)] cannot be used; expected {'word': boost}"),
        (SmallestSTTSettings, {"keywords": {"a": None}}, "boosts from 0 to 20"),
        (SmallestSTTSettings, {"keywords": {"a": True}}, "boosts from 0 to 20"),
        (SmallestSTTSettings, {"keywords": {b"a": 3}}, "boosts from 0 to 20"),
        (SmallestSTTSettings, {"keywords": b"abc"}, "a list of words"),
        (SmallestSTTSettings, {"keywords": 0}, "a list of words"),
        (SmallestSTTSettings, {"diarize": 1}, "True or False"),
        (SmallestSTTSettings, {"numerals": np.array(["auto", "none"])}, "'auto', 'always', 'none'"),
    ],
)
def test_L5_a_refusal_names_the_value_and_what_was_expected(cls, given, words):
    with pytest.raises(snb.ConfigError) as caught:
        cls(**given)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"), [(None, "NoneType"), ([("a", 1)], "list"), ("x", "str"), ({1: 2}, "got 1")]
)
def test_L5_a_mapping_is_one(values, words):
    with pytest.raises(snb.ConfigError, match=words):
        SmallestTTSSettings.from_mapping(values)


def test_L5_one_setting_under_two_names_is_named():
    with pytest.raises(snb.ConfigError, match="voice is given twice, as 'liam' and as voice_id='magnus'"):
        SmallestTTSSettings.from_mapping({"voice": "liam", "voice_id": "magnus"})
    assert SmallestTTSSettings.from_mapping({"voice": "liam", "voice_id": "liam"}).voice == "liam"
