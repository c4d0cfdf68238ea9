"""The doctor in a notebook: the kernel's lines at once, the page's when it answers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import traitlets

from smallest_nb.client import background_loop
from smallest_nb.notebook.comm.messages import PROBE, Burst, Echo, Facts, Hello, Press
from smallest_nb.notebook.doctor.checks import run_quick_checks, run_slow_checks
from smallest_nb.notebook.doctor.kernel import kernel_version
from smallest_nb.notebook.doctor.page import BURST, PageFacts, check_page
from smallest_nb.notebook.doctor.report import PENDING, Check, Report
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets.composite_widget import CompositeWidget

__all__ = ["Doctor"]

_log = logging.getLogger(__name__)
_AT_ONCE_SECS = 3.0


class Doctor(CompositeWidget):
    """Says what works here, what does not, and what to do; made by :func:`smallest_nb.doctor`.

    It checks the network for 3 s at most before it is shown, and goes on with that afterwards.

    Attributes:
        report: What is known so far.
        rows: What the page shows of it.
    """

    _esm = assets.esm("doctor")
    _css = assets.css("doctor")

    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: concurrent.futures.Future[None] | None = None
        self.report = Report()
        self._page: PageFacts | None = None
        self._pages: dict[str, PageFacts] = {}
        self._begin()
        super().__init__({}, self._draw)
        self._channel.on(Hello, self._hello)
        self._channel.on(Echo, self._echo)
        self._channel.on(Burst, self._burst)
        self._channel.on(Facts, lambda m, _b: background_loop.post(self._add_facts, m["page"], m["facts"]))
        self._channel.on(Press, lambda m, _b: background_loop.post(self._again) if m["action"] == "again" else None)
        try:
            report, target = run_quick_checks()
            self._add([*report.checks, *self._page_checks()])
            self._work = background_loop.submit(self._run_slow_checks(target))
            concurrent.futures.wait([self._work], timeout=_AT_ONCE_SECS)
            self._open()
        except BaseException:  # an interrupt too: the caller never gets the widget, so it could not close it
            self.close()
            raise

    def _hello(self, message: Hello, data: bytes) -> None:
        background_loop.post(self._add_page, message["page"], PageFacts(message, data == PROBE))

    def _echo(self, message: Echo, data: bytes) -> None:
        """Answer inside the handler: a host that drops messages of other threads delivers this one."""
        self._channel.post({"type": "echo", "n": message["n"]}, PROBE, to=message["page"])
        background_loop.post(self._count_echo, message["page"], _thread(), data == PROBE)

    def _burst(self, message: Burst, _data: bytes) -> None:
        background_loop.post(self._count_burst, message["page"], message["run"], message["n"], monotonic())

    def _add_page(self, name: str, facts: PageFacts) -> None:
        self._pages[name] = self._page = facts
        while len(self._pages) > 16:
            del self._pages[next(iter(self._pages))]
        self._page_reported()

    def _count_echo(self, name: str, thread: str, intact: bool) -> None:
        if (facts := self._pages.get(name)) is not None:
            facts.threads[thread] += 1
            facts.binary &= intact

    def _count_burst(self, name: str, run: int, number: int, at: float) -> None:
        if (facts := self._pages.get(name)) is None:
            return
        facts.burst.add(run, number, at)
        if number == BURST - 1:
            for n in range(BURST):
                self._channel.post({"type": "burst", "n": n}, to=name)

    def _add_facts(self, name: str, facts: dict[str, Any]) -> None:
        if (page := self._pages.get(name)) is not None:
            page.reported.update(facts)
            self._page = page
            self._page_reported()

    def _draw(self) -> str:
        return self.report._repr_html_()

    def to_json(self) -> str:
        """Return the report for a bug report; it holds no key."""
        return self.report.to_json()

    async def _run_slow_checks(self, target: Any) -> None:
        try:
            self._add(await run_slow_checks(target))
        except Exception as error:
            _log.exception("the service could not be checked")
            failed = f"could not be checked ({type(error).__name__}); see the log"
            self._add([replace(c, found=failed) for c in self.report.checks if c.found == PENDING])

    def _again(self) -> None:
        if self._work is None or self._work.done():
            self._work = background_loop.submit(self._run_again())

    async def _run_again(self) -> None:
        report, target = await asyncio.to_thread(run_quick_checks)
        self._add(report.checks)
        await self._run_slow_checks(target)

    def _page_reported(self) -> None:
        self._add(self._page_checks())

    def _page_checks(self) -> Sequence[Check]:
        return check_page(self._page, build=assets.build_hash(), ipykernel=kernel_version())

    def _add(self, checks: Sequence[Check]) -> None:
        with self._lock:  # the cell's thread and the background loop's
            self.report = self.report.with_checks(checks)
            self.rows = self.report.to_rows()
            self.status = self.report.summary()
        self.saved_html.refresh()

    def __repr__(self) -> str:
        return f"Doctor({self.report.summary()})"

    def close(self) -> None:
        """Cancel what still runs, and close the view."""
        if getattr(self, "_work", None) is not None:
            self._work.cancel()  # type: ignore[union-attr]
        super().close()


def _thread() -> str:
    if threading.current_thread() is threading.main_thread():
        return "main"
    name = threading.current_thread().name
    return "subshell" if name.startswith("subshell") else name
