"""The fault table of transcription in simulated time: every row, the long ones too, in seconds."""

from __future__ import annotations

import dataclasses
import functools
import re

import pytest

from bench import fault_drive, fault_server, fault_wire
from bench.fault_clients.ours import Ours
from bench.fault_judge import judge
from bench.fault_rows_stt import STT_ROWS
from bench.faults import MOST_CONNECTIONS, OURS
from smallest_nb.client import stt as service_module
from tests.support.simulated_network import SimulatedConnection, SimulatedServer
from tests.support.simulated_time import SimulatedLoop, run


@pytest.fixture
def loop(monkeypatch):
    made = SimulatedLoop()
    for module in (fault_drive, fault_server, fault_wire, service_module):
        monkeypatch.setattr(module, "monotonic", made.time)
    monkeypatch.setattr(fault_drive.time, "sleep", made.advance)
    monkeypatch.setattr(fault_drive, "suspend_this_process", made.advance)
    return made


@pytest.mark.parametrize("row", STT_ROWS, ids=str)
def test_row(row, loop, monkeypatch):
    server = SimulatedServer(row.plan, row.place)
    monkeypatch.setattr(fault_wire, "suspend_this_process", server.freeze)
    monkeypatch.setattr(service_module, "Connection", functools.partial(SimulatedConnection, server))

    there = dataclasses.replace(row, place="server")  # the simulated server knows where it is
    seen = run(fault_drive.drive(Ours, there, "ws://127.0.0.1:1"), loop)
    result = judge(row, OURS, seen, dataclasses.asdict(server.state.ledger))
    assert result.outcome == row.expect, result
    assert row.at_least <= result.seconds <= row.within, result
    assert (result.bytes_lost, result.text_lost) == (0, 0), result
    assert not row.counted or result.odd, result
    assert not result.outcome.startswith("whole") or result.dropped == 0, result
    assert re.search(row.says, result.says), result
    assert row.reconnects in (None, result.reconnects), result
    assert result.connections <= MOST_CONNECTIONS, result
