"""A listening test behind a link, in a browser without a notebook; over the network the page is not a secure one."""

from __future__ import annotations

import socket

import pytest

from smallest_nb.notebook.listen.server import ListenServer
from smallest_nb.results.listening import Study
from tests.support.chromiums import CHROMIUMS
from tests.support.lab import TAP
from tests.support.listening_sounds import voice_like

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
HEARD = "(n) => document.querySelectorAll('.snb-listen-play')[n].textContent.includes('✓')"


@pytest.fixture
def study(tmp_path):
    takes = {"sophia": voice_like(1, 0.8), "magnus": voice_like(2, 0.9)}
    made = Study.make(takes, "abx", seed=2, trials=2, training=1, checks=0)
    made.save(tmp_path / "choice.json")
    return made


@pytest.fixture
def page():
    with CHROMIUMS.borrow(viewport=(900, 700), scripts=(TAP,)) as context:
        yield context.new_page()


def own_address() -> str | None:
    """Return an address of this machine that is not the loopback's, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return None
        address = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def answer(page, number):
    page.wait_for_selector(f".snb-listen[data-loaded='true'][data-trial='{number}']")
    for place in range(3):
        page.locator(".snb-listen-play").nth(place).click()
        page.wait_for_function(HEARD, arg=place)
    page.get_by_role("button", name="X is B").click()
    page.get_by_role("button", name="Next").click()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_listener_with_a_link_takes_the_test(study, page, host):
    with ListenServer(study, host=host) as server:
        url = server.url
        if host == "0.0.0.0":
            address = own_address()
            if address is None:
                pytest.skip("this machine has no other address than the loopback's")
            url = url.replace("127.0.0.1", address)
        page.goto(url)
        assert page.evaluate("() => window.isSecureContext") is (host == "127.0.0.1")
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Begin").click()
        answer(page, 0)
        answer(page, 1)
        page.wait_for_selector(".snb-listen[data-trial='2']")
        page.reload()  # goes on where it was, without asking for the name
        answer(page, 2)
        page.wait_for_selector(".snb-listen[data-phase='done']")
        assert "Thank you, Ada" in page.locator(".snb-listen-body").inner_text()
        assert "sophia" not in page.content()
        page.reload()
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.get_by_text("Ada has answered already; type another name.").wait_for()
    assert [a.given for a in Study.load(study.path).answers] == [(1,)] * 3


def test_a_server_that_comes_back_loses_no_answer(study, page):
    with ListenServer(study) as server:
        port = server.port
        page.goto(server.url)
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Begin").click()
        page.wait_for_selector(".snb-listen[data-loaded='true']")
        for place in range(3):
            page.locator(".snb-listen-play").nth(place).click()
            page.wait_for_function(HEARD, arg=place)
        page.get_by_role("button", name="X is B").click()
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Next").click()
    with ListenServer(Study.load(study.path), port=port):
        page.wait_for_selector(".snb-listen[data-trial='1']")
    assert len(study.answers) == 1
