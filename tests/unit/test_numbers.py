"""What counts as a number."""

from __future__ import annotations

import math

import pytest

from smallest_nb.common.numbers import finite_float, is_integer, is_number


@pytest.mark.parametrize(
    ("value", "number", "integer"),
    [
        (0, True, True),
        (-3, True, True),
        (0.5, True, False),
        (math.nan, True, False),
        (math.inf, True, False),
        (True, False, False),
        (False, False, False),
        (None, False, False),
        ("1", False, False),
        (1j, False, False),
        ([1], False, False),
    ],
)
def test_bools_and_texts_are_no_numbers(value, number, integer):
    assert (is_number(value), is_integer(value)) == (number, integer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, 2.0),
        (0.5, 0.5),
        (" 1.5 ", 1.5),
        ("-3e2", -300.0),
        ("", None),
        ("one", None),
        ("nan", None),
        ("inf", None),
        (math.nan, None),
        (-math.inf, None),
        (10**400, None),
        ("9" * 5000, None),
        (True, None),
        (None, None),
        ([1.0], None),
        (b"1", None),
    ],
)
def test_finite_float(value, expected):
    found = finite_float(value)
    assert found == expected
    assert found is None or type(found) is float
