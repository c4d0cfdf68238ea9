"""Several people on one machine: kernels share no port and no state, and only the page that was pressed sounds."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from all_hosts import HOSTS
from host import wait_for
from host_page import HostPage
from hosts_apps import MarimoApp, Solara
from hosts_jupyter import JupyterLab

from smallest_nb import Clip
from tests.support.page_sound import assert_same_sound

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(240)]


def sent(kernel, tuner: str = "tuner") -> Clip:
    return Clip(bytes.fromhex(kernel.eval(f"{tuner}.takes[-1].clip.pcm.hex()")), 24000)


def two_users(host, first, second):
    """Open two notebooks, each with a kernel and a Chromium of its own; returns their pages and kernels."""
    one = host.open(first)
    one.run_all()
    kernel_one = host.probe()
    two = host.open(second, "views")
    two.run_all()
    kernel_two = wait_for("there are two kernels", lambda: [k for k in host.kernels() if k.pid != kernel_one.pid])[0]
    return (one, kernel_one), (two, kernel_two)


def speak_at_once(users) -> None:
    """Press in both pages at once; each hears its own sentence and nothing of the other's."""
    for number, (shown, kernel) in enumerate(users):
        shown.wait_ready()
        kernel.do(f"tuner.text = 'This is what number {number + 1} has to say to you today.'")
        kernel.do(f"tuner.settings = {{'voice': {('sophia', 'magnus')[number]!r}}}")
        shown.clear_tap()
    for shown, _ in users:
        shown.press("Speak")
    for shown, kernel in users:
        wait_for("it has spoken", lambda kernel=kernel: kernel.eval("len(tuner.takes)") == 1, 40)
        shown.wait_state(shown.player, "idle")
        assert_same_sound(sent(kernel), *shown.rendered())


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    running = JupyterLab(tmp_path_factory.mktemp("users") / "lab")
    yield running
    running.close()


def test_two_kernels_speak_at_once_each_with_its_own_simulator(lab):
    with lab.browsers(2) as contexts:
        try:
            users = two_users(lab, *contexts)
            speak_at_once(users)
            places = [kernel.eval("tuner.service.target.base_url") for _, kernel in users]
            assert places[0] != places[1]
            # Each simulator serves its own kernel only: the socket in use and the one held ready.
            assert all(0 < kernel.eval("probe.census()['sessions']") <= 2 for _, kernel in users)
        finally:
            lab.end_kernels()


@pytest.fixture
def shared(tmp_path):
    """`smallest-nb simulate` as a process of its own."""
    command = [sys.executable, "-m", "smallest_nb.cli", "simulate", "--port", "0"]
    log = (tmp_path / "simulate.log").open("w+")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def read_address() -> str | None:
        assert process.poll() is None, "the simulator ended"
        found = re.search(r"ws://127\.0\.0\.1:\d+", (tmp_path / "simulate.log").read_text())
        return found and found[0]

    try:
        yield wait_for("the simulator says where it is", read_address, 30)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        log.close()


def test_two_kernels_share_one_simulator_by_its_address(shared, tmp_path):
    running = JupyterLab(tmp_path / "lab", {"SMALLEST_BASE_URL": shared, "SMALLEST_API_KEY": "sk_test_canary_7f3a"})
    try:
        with running.browsers(2) as contexts:
            users = two_users(running, *contexts)
            speak_at_once(users)
            for _, kernel in users:
                assert kernel.eval("tuner.service.target.base_url") == shared
                assert kernel.eval("probe.census()['ours']") == 1, "it has a simulator of its own all the same"
            running.end_kernels()
    finally:
        running.close()


@pytest.mark.parametrize("name", ["jupyterlab", "notebook7"])
def test_a_notebook_server_that_is_restarted(name, tmp_path):
    """The kernels end with the server; the page says so, finds the server again, and works when the cells are run."""
    running = HOSTS[name](tmp_path / name)
    try:
        with running.browser() as context:
            shown = running.open(context)
            shown.run_all()
            shown.wait_ready()
            shown.audition()
            before = shown.kernel
            running.stop()
            wait_for("the kernel ended with its server", lambda: not before.alive)
            running.start()
            message = shown.page.locator(".snb-tuner .snb-connection").filter(has_text="run the cell again")

            def press_and_look() -> bool:
                # JupyterLab's own message about the server lies over everything.
                shown.player.get_by_role("button", name="Speak", exact=True, include_hidden=True).dispatch_event(
                    "click"
                )
                shown.page.wait_for_timeout(1000)
                return message.count() > 0

            wait_for("the widget says that its kernel is away", press_and_look, 60)
            shown.page.reload()
            shown.notes.wait_ready(120)
            shown.run_all()
            shown.wait_ready()
            shown.audition()
            assert shown.kernel.pid != before.pid
            running.end_kernels()
    finally:
        running.close()


def test_two_browsers_on_one_notebook_only_the_one_that_was_pressed_sounds(lab):
    with lab.browsers(2) as (first, second):
        try:
            one = lab.open(first)
            one.run_all()
            one.wait_ready()
            one.notes.save()
            two = lab.open(second)
            two.wait_ready()
            one.audition()
            assert np.max(np.abs(two.rendered()[0]), initial=0) < 1e-4
            one.clear_tap()
            two.audition()
            assert_same_sound(sent(lab.probe()), *two.rendered())
            assert np.max(np.abs(one.rendered()[0]), initial=0) < 1e-4
            assert one.page_census()["contexts"] == two.page_census()["contexts"] == 1
        finally:
            lab.end_kernels()


@pytest.mark.parametrize("kind", [Solara, MarimoApp], ids=["solara", "marimo"])
def test_visitors_of_one_process_do_not_meet(kind, tmp_path):
    """An app's visitors share a process and our background loop; what one of them does reaches no other."""
    running = kind(tmp_path / "app")
    try:
        with running.browsers(2) as (first, second):
            pages = []
            for context in (first, second):
                page = context.new_page()
                page.goto(running.url)
                shown = HostPage(running, page)
                shown.wait_ready()
                pages.append(shown)
            kernel = running.probe()
            kernel.do("visitors[0].text = 'The first of us says this.'; visitors[1].text = 'And the second one that.'")
            for shown in pages:
                shown.clear_tap()
                shown.press("Speak")
            for number, shown in enumerate(pages):
                spoken = f"len(visitors[{number}].takes)"
                wait_for("it has spoken", lambda spoken=spoken: kernel.eval(spoken) == 1, 40)
                shown.wait_state(shown.player, "idle")
                assert_same_sound(sent(kernel, f"visitors[{number}]"), *shown.rendered())
                assert shown.page.locator("textarea").first.input_value() == kernel.eval(f"visitors[{number}].text")
            pages[0].page.goto("about:blank")
            # marimo keeps a session for a visitor who may come back; it holds no socket meanwhile.
            gone = "visitors[0].comm is None" if kind is Solara else "not visitors[0].service.connected"
            wait_for("nothing is held open for the first one", lambda: kernel.eval(gone))
            kernel.do("visitors[1].text = 'Now I am alone.'")
            pages[1].audition()
            assert_same_sound(sent(kernel, "visitors[1]"), *pages[1].rendered())
    finally:
        running.close()
