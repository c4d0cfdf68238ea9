"""An interrupt at any line of a call that changes the session leaves either the state before it or the new one."""

from __future__ import annotations

import itertools
import socket
import sys
import threading
from urllib.parse import urlsplit

import pytest

import smallest_nb as snb
from smallest_nb.client.installed_transport import current_transport, uninstall
from smallest_nb.client.network import NETWORK
from smallest_nb.notebook import session
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.server import running_simulators

QUIET = {"behaviour": Behaviour(engine="signal")}


class Interrupt:
    """Raises KeyboardInterrupt before the n-th line that runs in given files, on this thread only."""

    def __init__(self, files, at):
        self.files, self.left, self.happened = files, at, False

    def __enter__(self):
        sys.settrace(self.trace)

    def __exit__(self, *exc):
        sys.settrace(None)

    def trace(self, frame, event, arg):
        if not frame.f_code.co_filename.endswith(self.files) or frame.f_code.co_name == "__del__":
            return None
        if event == "line" and not self.happened:
            self.left -= 1
            if self.left < 0:
                self.happened = True
                raise KeyboardInterrupt
        return self.trace


def each_interrupt(call, *files):
    """Run `call` once for each of its lines, interrupted there, and yield after each."""
    for at in itertools.count():
        interrupt = Interrupt(files, at)
        try:
            with interrupt:
                call()
        except KeyboardInterrupt:
            pass
        yield at
        if not interrupt.happened:
            assert at > 3
            return


def answers(url):
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10):
        return True


@pytest.fixture
def untouched():
    """A session in which nothing was chosen, before the test and after it."""
    session.reset()  # a tracing function, unlike a signal, can also raise where `with` would release the lock
    yield
    session.reset()


def test_K8_use_simulator_leaves_the_old_one_or_the_new_one(untouched):
    others = running_simulators()
    snb.use_simulator(**QUIET)
    for _ in each_interrupt(lambda: snb.use_simulator(port=0, **QUIET), "session.py", "server.py"):
        assert answers(session.current_target().base_url)
        assert session.current_target().base_url == session.simulator().base_url
        assert {s.port for s in running_simulators() - others} >= {session.simulator().port}
        for orphan in running_simulators() - others - {session.simulator()}:
            orphan.stop()  # one that was interrupted while it was stopped


def test_K8_a_simulator_on_the_same_port_comes_back(untouched):
    port = urlsplit(snb.use_simulator(**QUIET).base_url).port
    former = session.simulator()
    for _ in each_interrupt(lambda: snb.use_simulator(port=port, **QUIET), "session.py"):
        assert answers(f"ws://127.0.0.1:{port}")
        assert session.current_target().base_url == f"ws://127.0.0.1:{port}"
    assert session.simulator() is not former


def test_K8_a_simulator_that_cannot_start_leaves_the_old_one(untouched):
    before = snb.use_simulator(**QUIET)
    with Simulator(**QUIET) as other, pytest.raises(snb.ConfigError, match="is in use"):
        snb.use_simulator(port=other.port)
    assert session.current_target() is before
    assert answers(before.base_url)


def test_K8_use_service_leaves_the_old_target_or_the_new_one(untouched):
    old = snb.use_service("sk_old")
    for _ in each_interrupt(lambda: snb.use_service("sk_new"), "session.py", "target.py", "secret.py"):
        assert session.current_target() is old or session.current_target().key.unwrap() == "sk_new"
    assert session.current_target() is not old


def test_K8_a_simulator_that_was_interrupted_at_its_start_is_gone():
    others, before = running_simulators(), set(threading.enumerate())

    def start():
        simulator = Simulator(**QUIET)
        try:
            simulator.start()
        except KeyboardInterrupt:
            assert simulator not in running_simulators()
            raise
        simulator.stop()

    for _ in each_interrupt(start, "server.py"):
        for left in running_simulators() - others:
            left.stop()  # interrupted in `stop`
    for thread in set(threading.enumerate()) - before:
        if thread.name == "smallest_nb simulator":
            thread.join(20)
            assert not thread.is_alive()


@pytest.mark.parametrize("what", ["record", "replay"])
def test_K8_an_interrupted_block_is_not_entered(what, tmp_path):
    kept = tmp_path / "kept.cassette"
    with snb.record(kept):
        pass
    entered = []

    def enter():
        entered.clear()
        with snb.record(tmp_path / "talk.cassette") if what == "record" else snb.replay(kept):
            entered.append(True)

    for _ in each_interrupt(enter, "recorder.py" if what == "record" else "replayer.py", "installed_transport.py"):
        if entered:
            uninstall(current_transport())  # Python cannot catch an interrupt at the first line of `__exit__`
        assert current_transport() is NETWORK


def test_K8_using_a_simulator_for_a_while_gives_back_what_was_before(untouched):
    before = snb.use_service("sk_old")

    def use():
        with session.using(running):
            pass

    with Simulator(**QUIET) as running:
        not_restored = 0
        for _ in each_interrupt(use, "session.py"):
            if session.current_target() is not before:
                not_restored += 1
                session.use_target(before)
        assert not_restored <= 3, "only where the interrupt takes the place of the lines that restore it"
