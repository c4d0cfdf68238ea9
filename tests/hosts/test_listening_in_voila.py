"""A listening test as a page of its own: Voilà shows the notebook, and each visitor answers in an own kernel."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from host import Host, wait_for
from hosts_apps import Voila

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.hosts, pytest.mark.timeout(240)]
CELL = """import probe
import smallest_nb as snb
from tests.support.listening_sounds import voice_like
probe.serve(globals())
takes = {name: voice_like(n, 1.0, level) for n, (name, level) in enumerate({"sophia": 0.03, "magnus": 0.5}.items())}
test = snb.ListeningTest(takes, "ab", trials=2, training=0, checks=0, seed=8, listeners=["Ada"])
test.save("choice.json")
test"""


class VoilaListening(Voila):
    """Voilà in its own environment, with a kernel of this one's, where scipy and pyloudnorm are."""

    def prepare(self) -> None:
        kernels = Path(self.env["JUPYTER_DATA_DIR"]) / "kernels" / "trial"
        kernels.mkdir(parents=True)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernels.joinpath("kernel.json").write_text(
            json.dumps({"argv": command, "display_name": "trial", "language": "python"})
        )
        cell = {
            "cell_type": "code", "id": "c0", "metadata": {}, "execution_count": None, "outputs": [], "source": CELL
        }  # fmt: skip
        kernel = {"kernelspec": {"name": "trial", "display_name": "trial", "language": "python"}}
        notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (self.work / "both.ipynb").write_text(json.dumps(notebook))


@pytest.fixture
def voila(tmp_path):
    running: Host = VoilaListening(tmp_path / "host")
    yield running
    running.close()


def test_a_visitor_takes_the_test(voila):
    with voila.browse() as shown:
        page = shown.page
        page.wait_for_selector(".snb-listen[data-ready='true']", timeout=60_000)
        page.get_by_role("button", name="Begin").click()
        for number in range(2):
            page.wait_for_selector(f".snb-listen[data-loaded='true'][data-trial='{number}']")
            plays = page.locator(".snb-listen-play")
            for n in range(2):
                plays.nth(n).click()
                page.wait_for_function(
                    "(n) => document.querySelectorAll('.snb-listen-play')[n].textContent.includes('✓')", arg=n
                )
            assert "sophia" not in page.content()
            page.locator(".snb-listen-choices button").nth(number).click()
            page.get_by_role("button", name="Next").click()
            wait_for("the answer is kept", lambda n=number: shown.kernel.eval("len(test.results)") > n)
        page.wait_for_selector(".snb-listen[data-phase='done']")
        page.wait_for_selector(".snb-listen-bar")
        assert shown.kernel.eval("test.done")
        assert shown.kernel.eval("[a.given[0] for a in test.results]") == [0, 1]
        assert len((voila.work / "choice.answers.jsonl").read_text("utf-8").splitlines()) >= 2
        assert [line for line in shown.complaints() if "error" in line.lower()] == []
