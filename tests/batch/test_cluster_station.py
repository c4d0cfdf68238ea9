"""What a worker of a cluster does with its orders, without a cluster: its share, what it gives back, and its end."""

from __future__ import annotations

import pickle
import threading

import pytest

import smallest_nb as snb
from smallest_nb.client.batch.cluster_job import Job
from smallest_nb.client.batch.cluster_station import Orders, Station
from smallest_nb.client.batch.rows import items_of_rows, read_rows
from smallest_nb.client.batch.speaking import Speaking
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.sessions import counted_sessions

TEXTS = [f"This is sentence number {n}." for n in range(12)]


@pytest.fixture(scope="module")
def narrow():
    """A simulator that serves two requests at once and refuses a third one."""
    with Simulator(behaviour=Behaviour(engine="signal", concurrency=2, first_audio_secs=0.02)) as running:
        yield running


@pytest.fixture
def items():
    return items_of_rows(read_rows(TEXTS), snb.SmallestTTSSettings.complete(), name="{id}.wav", sample_rate=None)


@pytest.fixture
async def station(narrow, tmp_path, monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", KEY)
    made = Station(Job("speak", narrow.base_url, str(tmp_path), 2, "run"), lambda: True)
    yield made
    await made.close()


async def all_of(station, orders, wanted):
    """Exchange until so many items are done; return what they are, and the most requests at once."""
    done, highest, refusals = {}, 0, []
    while len(done) < wanted:
        report = await station.exchange(orders)
        done |= dict(report.done)
        highest = max(highest, report.highest)
        refusals += report.refusals
        orders = Orders(orders.number + 1, orders.share, wait_secs=5.0)
    return done, highest, refusals


async def test_no_more_than_its_share_is_under_way_and_each_file_is_there(station, narrow, items, tmp_path):
    with counted_sessions(narrow) as counted:
        done, highest, refusals = await all_of(station, Orders(0, 2, tuple(items), wait_secs=5.0), len(items))
        await station.close()
    assert (highest, refusals) == (2, [])
    assert counted.total("requests") == len(items)
    assert all((tmp_path / outcome["pending"][item.outputs[0]]).is_file() for item, outcome in
               ((item, done[item.number]) for item in items))  # fmt: skip


async def test_without_a_share_nothing_is_begun_and_all_is_given_back(station, narrow, items):
    with counted_sessions(narrow) as counted:
        await station.exchange(Orders(0, 0, tuple(items[:3])))
        report = await station.exchange(Orders(1, 0, recall=9, wait_secs=5.0))
        await station.close()
    assert sorted(report.returned) == [0, 1, 2]
    assert counted.total("requests") == 0


async def test_an_older_order_that_comes_later_changes_no_share(station):
    await station.exchange(Orders(5, 1))
    assert (await station.exchange(Orders(4, 2))).share == 1


async def test_after_a_refusal_it_waits_for_what_it_is_to_do(station, items):
    """The plan has two units, and its orders say three: until others come, what is done is not followed by more."""
    done = {}
    report = await station.exchange(Orders(0, 3, tuple(items), wait_secs=5.0))
    while not report.refusals:
        done |= dict(report.done)
        report = await station.exchange(Orders(0, 3, wait_secs=5.0))
    while report.in_use:
        done |= dict(report.done)
        report = await station.exchange(Orders(0, 3, wait_secs=0.5))
    done |= dict(report.done)
    assert len(done) < len(items)
    more, highest, _ = await all_of(station, Orders(1, 1, wait_secs=5.0), len(items) - len(done))
    assert highest == 1
    assert {*done, *more} == set(range(len(items)))


async def test_the_last_order_ends_what_is_under_way_and_leaves_no_file(station, narrow, items, tmp_path):
    with counted_sessions(narrow) as counted:
        await station.exchange(Orders(0, 2, tuple(items)))
        report = await station.exchange(Orders(1, 0, is_last=True))
    assert station.is_over
    assert len(report.done) + counted.total("requests") <= 4
    written = {name for _, outcome in report.done for name in outcome["pending"].values()}
    assert {path.name for path in tmp_path.iterdir()} == written


async def test_a_worker_that_left_its_cluster_gives_up(narrow, items, tmp_path, monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", KEY)
    alive = True
    made = Station(Job("speak", narrow.base_url, str(tmp_path), 2, "run"), lambda: alive)
    await made.exchange(Orders(0, 2, tuple(items)))
    alive = False
    while not made.is_over:
        await made.exchange(Orders(1, 2, wait_secs=0.2))
    assert (await made.exchange(Orders(2, 2, tuple(items)))).is_unknown


async def test_an_error_comes_back_without_what_cannot_be_pickled(station, items, monkeypatch):
    async def fail(*_):
        raise snb.ConnectionLost("gone") from OSError(threading.Lock())

    monkeypatch.setattr(Speaking, "request", fail)
    done, *_ = await all_of(station, Orders(0, 1, tuple(items[:1]), wait_secs=5.0), 1)
    error = pickle.loads(done[0])
    assert (type(error), str(error), error.__cause__, error.__traceback__) == (snb.ConnectionLost, "gone", None, None)
