"""`snb.doctor()` in a real kernel: with no page, with one that answers, and where the service says nothing."""

from __future__ import annotations

import json
import socket
import threading
import time

import nbformat
import pytest
from nbclient import NotebookClient

from smallest_nb.notebook.comm.messages import PROBE
from smallest_nb.notebook.doctor.page import BURST
from tests.support.kernel_front import HELLO, Front

CANARY = "sk_canary_doctor_kernel_c3f8"


@pytest.fixture
def kernel(simulator, monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    monkeypatch.setenv("SMALLEST_BASE_URL", simulator.base_url)
    made = Front()
    yield made
    made.close()


def rows(kernel):
    state = next(s for s in kernel.models.values() if "rows" in s)
    return {row["id"]: row for row in state["rows"]}


def test_the_page_fills_its_lines(kernel):
    kernel.execute("import smallest_nb as snb; doctor = snb.doctor(); doctor")
    found = rows(kernel)
    assert {found[n]["found"] for n in found if n.startswith("page.")} == {"no page has answered yet"}
    assert kernel.pump(lambda _: "still checking" not in {row["found"] for row in rows(kernel).values()}, seconds=30)
    assert {row["status"] for n, row in rows(kernel).items() if not n.startswith("page.")} == {"green"}
    model = next(k for k, s in kernel.models.items() if "rows" in s)
    kernel.send(model, {"type": "hello", **HELLO}, PROBE)
    assert kernel.pump(lambda _: rows(kernel)["page.host"]["status"] == "green")
    assert rows(kernel)["page.build"]["status"] == "red"  # this test's build is another
    for n in range(3):
        kernel.send(model, {"type": "echo", "n": n}, PROBE)
        assert kernel.pump(lambda _, n=n: [m for _, m, b in kernel.of("echo") if m["n"] == n and b == [PROBE]])
    for n in range(BURST):
        kernel.send(model, {"type": "burst", "run": 1, "n": n})
    assert kernel.pump(lambda _: len(kernel.of("burst")) == BURST)
    assert [m["n"] for _, m, _ in kernel.of("burst")] == list(range(BURST))
    found = {"trips": [2.0, 3.0, 4.0], "binary": True, "burst_up": BURST, "burst_down": [BURST, 12.5]}
    kernel.send(model, {"type": "facts", "facts": found})
    assert kernel.pump(lambda _: rows(kernel)["page.down"]["found"] == "100 messages in 12 ms")
    found = rows(kernel)
    assert found["page.thread"]["found"] == "the thread that runs cells: 3 messages"
    assert found["page.binary"]["status"] == found["page.up"]["status"] == "green"
    kernel.send(model, {"type": "press", "action": "again"})
    kernel.execute("import json; assert doctor.report['page.binary'].status == 'green', doctor.report")
    kernel.execute("assert json.loads(doctor.to_json())['checks'] and repr(doctor).startswith('Doctor(')")
    kernel.execute("doctor.close(); snb.doctor().close()")
    assert CANARY not in "".join(kernel.everything)


def test_a_bad_hand_over_of_bytes_is_red(kernel):
    kernel.execute("import smallest_nb as snb; doctor = snb.doctor(); doctor")
    model = next(k for k, s in kernel.models.items() if "rows" in s)
    kernel.send(model, {"type": "hello", **HELLO}, PROBE[::-1])
    assert kernel.pump(lambda _: rows(kernel)["page.binary"]["status"] == "red")


def test_an_examination_that_breaks_leaves_no_line_waiting(kernel):
    kernel.execute(
        "import smallest_nb as snb\nfrom smallest_nb.notebook.widgets import doctor_view\n"
        f"async def fail(target): raise ValueError({CANARY!r})\n"
        "doctor_view.run_slow_checks = fail"
    )
    kernel.everything.clear()  # the cell above said it
    kernel.execute("doctor = snb.doctor(); doctor")
    found = {row["found"] for row in rows(kernel).values() if row["id"].startswith(("service.w", "simulator."))}
    assert found == {"could not be checked (ValueError); see the log"}
    assert CANARY not in repr(rows(kernel))


def test_a_mute_service_delays_the_table_by_three_seconds_and_is_reported_later(monkeypatch):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(8)
        held = []
        accepting = threading.Thread(target=lambda: held.append(mute.accept()), daemon=True)
        accepting.start()
        monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
        monkeypatch.setenv("SMALLEST_BASE_URL", f"ws://127.0.0.1:{mute.getsockname()[1]}")
        kernel = Front()
        try:
            kernel.execute("import time, smallest_nb as snb; began = time.monotonic(); doctor = snb.doctor()")
            kernel.execute("took = time.monotonic() - began; assert took < 6, took")
            kernel.execute("doctor")
            assert rows(kernel)["service.websocket"]["found"] == "still checking"
            assert kernel.pump(lambda _: rows(kernel)["service.websocket"]["status"] == "red", seconds=20)
            assert "did not answer within 5 s" in rows(kernel)["service.websocket"]["found"]
        finally:
            kernel.close()
            for connection, _ in held:
                connection.close()


def test_a_notebook_that_is_executed_without_a_page_keeps_the_table(simulator, monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", CANARY)
    monkeypatch.setenv("SMALLEST_BASE_URL", simulator.base_url)
    cell = nbformat.v4.new_code_cell("import smallest_nb as snb\nsnb.doctor()")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    began = time.monotonic()
    NotebookClient(notebook, timeout=60, store_widget_state=True).execute()
    assert time.monotonic() - began < 50
    saved = nbformat.writes(notebook)
    assert CANARY not in saved
    html = "".join(o["data"].get("text/html", "") for o in notebook.cells[0].outputs if "data" in o)
    assert "no page has answered yet" in html
    assert "***c3f8, from environment SMALLEST_API_KEY" in html
    assert json.loads(saved)["metadata"]["widgets"]
