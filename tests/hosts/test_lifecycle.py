"""What people do to a page while it speaks and listens leaves no sound, no open microphone, no task, no socket."""

from __future__ import annotations

import time

import numpy as np
import pytest
from host import wait_for

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(240)]
LONG = "One, two, three, four, five, six, seven, eight, nine, ten. " * 4
REST_SECS = 20.0
"""A tuner that no page shows rests after 5 s; a transcription takes a moment for its last words."""


def with_hosts(*names):
    return pytest.mark.parametrize("host", names, indirect=True)


def make_busy(shown) -> None:
    """Let it speak and listen at once."""
    shown.kernel.do(f"tuner.text = {LONG!r}")
    shown.press("Speak")
    shown.wait_state(shown.player, "playing")
    shown.press("Transcribe")
    shown.wait_state(shown.mic, "recording")
    wait_for("a session is open", lambda: shown.kernel.eval("live.service is not None and live.service.connected"))
    assert shown.page_census()["tracks"] == 1


def assert_silent(shown) -> None:
    """Nothing sounds in this page, and no microphone is open."""
    wait_for("the microphone is closed", lambda: shown.page_census()["tracks"] == 0)
    shown.page.wait_for_timeout(200)
    shown.clear_tap()
    shown.page.wait_for_timeout(500)
    heard, _ = shown.rendered()
    assert np.max(np.abs(heard), initial=0) < 1e-4, "it sounds on"


def wait_at_rest(kernel, threads: int) -> None:
    """Nothing is left open in a kernel: what an idle one has is two threads of ours and no task."""
    rest = {"ours": 2, "tasks": 0, "sockets": 0, "sessions": 0}
    deadline = time.monotonic() + REST_SECS
    while True:
        census = kernel.eval("probe.census()")
        if {name: census[name] for name in rest} == rest and census["threads"] <= threads + 2:  # Python's own pools
            return
        assert time.monotonic() < deadline, f"left open: {census}, with {threads} threads before"
        time.sleep(0.3)


def threads_after_a_job(shown) -> int:
    """Count the kernel's threads when everything was used once."""
    shown.audition()
    return shown.kernel.eval("probe.census()['threads']")


def model_of_the_tuner(kernel) -> str | None:
    """Return which widget it is, or None while a cell makes another."""
    return kernel.eval("getattr(probe.names.get('tuner'), 'model_id', None)")


@with_hosts("jupyterlab", "notebook7", "marimo")
def test_a_cell_that_is_run_again(host):
    with host.browse() as shown:
        shown.wait_ready()
        threads = threads_after_a_job(shown)
        for _ in range(3):
            make_busy(shown)
            before = model_of_the_tuner(shown.kernel)
            shown.rerun()
            wait_for("it is another", lambda: model_of_the_tuner(shown.kernel) not in (before, None))  # noqa: B023
            shown.wait_ready()
            assert_silent(shown)
            wait_for("the audio devices are given back", lambda: shown.page_census()["contexts"] == 0)
        wait_at_rest(shown.kernel, threads)
        shown.audition()
        assert shown.complaints() == []


@with_hosts("jupyterlab", "notebook7")
def test_an_output_that_is_cleared(host):
    with host.browse() as shown:
        shown.wait_ready()
        threads = threads_after_a_job(shown)
        make_busy(shown)
        shown.clear_outputs()
        wait_for("the widgets are gone", lambda: shown.player.count() == 0)
        assert_silent(shown)
        wait_for("the audio devices are given back", lambda: shown.page_census()["contexts"] == 0)
        wait_at_rest(shown.kernel, threads)
        shown.rerun()
        shown.wait_ready()
        shown.audition()


VOILA_CUTS_OFF = pytest.param(
    "voila",
    marks=pytest.mark.xfail(
        strict=True,
        reason="Voilà disposes the comms before `pagehide` and before our own `beforeunload`, so no `bye` comes "
        "through, and its request to end the kernel is refused (403): the old kernel keeps its sockets until culled",
    ),
)


@with_hosts("jupyterlab", "notebook7", "marimo", VOILA_CUTS_OFF, "solara")
def test_a_page_that_is_reloaded(host):
    """In Voilà and Solara the visitor gets new widgets, elsewhere the old ones are there again."""
    with host.browse() as shown:
        shown.wait_ready()
        threads = threads_after_a_job(shown)
        before = shown.kernel
        make_busy(shown)
        shown.reload()
        shown.wait_ready()
        assert_silent(shown)
        assert shown.page_census() == {"contexts": 0, "tracks": 0, "opened": 0}
        if host.name == "voila":
            assert shown.kernel.pid != before.pid
        if host.name in ("voila", "solara"):
            wait_at_rest(before, threads)
        else:
            wait_for("the session is over", lambda: shown.kernel.eval("live.service is None"))
            wait_for("the socket is ready for the next", lambda: shown.kernel.eval("probe.census()['sockets']") <= 2)
        shown.audition()


@with_hosts("jupyterlab", "notebook7", "marimo")
def test_a_kernel_that_is_restarted(host):
    with host.browse() as shown:
        shown.wait_ready()
        before = shown.kernel
        make_busy(shown)
        shown.restart()
        wait_for("the old kernel is gone", lambda: not before.alive)
        assert_silent(shown)
        shown.run_all()
        wait_for("there is a new kernel", lambda: [p for p in host.kernels() if p.pid != before.pid])
        shown.wait_ready()
        shown.audition()
        assert shown.page_census()["contexts"] == 1


@with_hosts("jupyterlab", "notebook7", "marimo")
def test_two_views_of_one_widget_sound_once(host):
    with host.browse(notebook="views") as shown:
        shown.wait_ready()
        speak = shown.page.get_by_role("button", name="Speak", exact=True)
        players = shown.page.locator(".snb-player").filter(has=speak)
        wait_for("both views are there", lambda: players.count() == 2)
        shown.audition()
        sent = np.frombuffer(bytes.fromhex(shown.kernel.eval("tuner.takes[-1].clip.pcm.hex()")), "<i2") / 32768
        heard, rate = shown.rendered()
        assert shown.page_census()["contexts"] == 1
        assert np.sum(heard**2) / rate == pytest.approx(np.sum(sent**2) / 24000, rel=0.05), "not the same loudness"
