"""The fault table of transcription in simulated time: every row, the long ones too, in seconds."""

from __future__ import annotations

import dataclasses
import functools

import pytest

from bench.clients.ours import Client
from bench.faults import drive, server, state, wire
from bench.faults.judge import judge
from bench.faults.pair import OURS
from bench.faults.rows_stt import STT_ROWS
from smallest_nb.client import stt
from tests.support.fault_check import check
from tests.support.simulated_network import SimulatedConnection, SimulatedServer
from tests.support.simulated_time import SimulatedLoop, run


@pytest.fixture
def loop(monkeypatch):
    made = SimulatedLoop()
    for module in (drive, server, state, stt):
        monkeypatch.setattr(module, "monotonic", made.time)
    monkeypatch.setattr(drive.time, "sleep", made.advance)
    monkeypatch.setattr(drive, "suspend_this_process", made.advance)
    return made


@pytest.mark.parametrize("row", STT_ROWS, ids=str)
def test_row(row, loop, monkeypatch):
    simulated = SimulatedServer(row.plan, row.place)
    monkeypatch.setattr(wire, "suspend_this_process", simulated.freeze)
    monkeypatch.setattr(stt, "Connection", functools.partial(SimulatedConnection, simulated))

    there = dataclasses.replace(row, place="server")  # the simulated server knows where it is
    seen = run(drive.drive(Client, there, "ws://127.0.0.1:1"), loop)
    check(row, judge(row, OURS, seen, dataclasses.asdict(simulated.state.ledger)))
