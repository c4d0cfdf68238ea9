"""The fault table's rows about speech against the session alone, in simulated time."""

from __future__ import annotations

import pytest

from bench.faults.table import ROWS
from tests.support.fault_check import check
from tests.support.simulated_speech import run_row

SPEECH = [row for row in ROWS if row.side == "tts"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("row", SPEECH, ids=str)
def test_session(row):
    check(row, run_row(row))


def test_the_simulated_server_can_lose_audio():
    """... which is seen: the rows above do not pass because nothing is judged."""
    row = next(row for row in SPEECH if row.fault == "silent mid-audio")
    result = run_row(row)
    with pytest.raises(AssertionError):
        check(next(row for row in SPEECH if row.fault == "no fault"), result)
