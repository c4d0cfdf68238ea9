"""What was said for what a recogniser wrote."""

from __future__ import annotations

import pytest

from smallest_nb.simulator.text.spoken_form import read_spoken_form


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("My phone number is 555-1234.", "my phone number is five five five one two three four."),
        ("It was the 21st of May, 1995.", "it was the twenty first of May, nineteen ninety five."),
        ("At 4.30pm, or 4:05 am?", "at four thirty p m, or four oh five am?"),
        ("$12.50, $1 and 99%", "twelve dollars and fifty cents, one dollar and ninety nine percent"),
        ("I need 1,200 of them, 3.5 each.", "I need one thousand two hundred of them, three point five each."),
        ("Mr. Smith met Dr. Jones.", "mister Smith met doctor Jones."),
        ("Mail john@example.com!", "mail john at example dot com!"),
        ("A well-known face — twenty-first.", "a well known face twenty first."),
        ("“Hello,” she said. Then what?", "hello, she said. then what?"),
        ("the 1990s, 2005 and 0800", "the nineteen nineties, two thousand five and zero eight zero zero"),
        ("", ""),
        ("... — !", ""),
    ],
)
def test_numbers_and_abbreviations_are_read_out(written, said):
    assert " ".join(read_spoken_form(written)) == said


def test_other_languages_keep_their_numbers():
    assert read_spoken_form("Um 8 Uhr, bitte.", "de") == ["um", "8", "Uhr,", "bitte."]


def test_a_number_without_end_is_read_digit_by_digit():
    assert read_spoken_form("9" * 40) == ["nine"] * 40
