"""What a row of the fault table has to end in, whether it was run over sockets or in simulated time."""

from __future__ import annotations

import re

from bench.faults.pair import MOST_CONNECTIONS


def check(row, result, *, simulated_time: bool = True) -> None:
    """Hold a result to its row; over sockets the time it may take is measured by `bench.faults`, on a quiet machine."""
    assert result.outcome == row.expect, result
    assert row.at_least <= result.seconds <= (row.within if simulated_time else row.limit), result
    assert (result.bytes_lost, result.text_lost, result.leaks) == (0, 0, 0), result
    assert row.requests in (None, result.requests), result
    assert not row.counted or result.odd, result
    assert not result.outcome.startswith("whole") or result.dropped == 0, result
    assert re.search(row.says, result.says), result
    assert row.reconnects in (None, result.reconnects), result
    assert result.connections <= MOST_CONNECTIONS, result
