"""The doctor in a notebook: the kernel's lines at once, the page's when it answers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import traitlets

from smallest_nb.client import background_loop
from smallest_nb.notebook.comm.messages import PROBE
from smallest_nb.notebook.doctor.examine import examine_at_once, examine_service
from smallest_nb.notebook.doctor.kernel import kernel_version
from smallest_nb.notebook.doctor.page import BURST, PageFacts, check_page
from smallest_nb.notebook.doctor.report import Check, Report
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.static_html import Faced

__all__ = ["Doctor", "DoctorView"]

_log = logging.getLogger(__name__)
_AT_ONCE_SECS = 3.0


class DoctorView(SpeechWidget):
    """The table in the page, and what the page tells of itself.

    Args:
        changed: Called on the background loop when a page told something.
        again: Called on the background loop when a person asks for a new examination.

    Attributes:
        rows: The lines.
        page: What is known of the page that answered last, or None.
    """

    _esm = assets.esm("doctor")
    _css = assets.css("doctor")

    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, changed: Callable[[], None], again: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.page: PageFacts | None = None
        self._pages: dict[str, PageFacts] = {}
        self._changed = changed
        self._channel.on("hello", self._met)
        self._channel.on("echo", self._echo)
        self._channel.on("burst", self._burst)
        self._channel.on("facts", lambda m, _b: background_loop.post(self._told, m["page"], m["facts"]))
        self._channel.on("press", lambda m, _b: background_loop.post(again) if m["action"] == "again" else None)

    def show(self, report: Report) -> None:
        """Draw a report."""
        self.rows = report.to_rows()
        self.status = report.summary()

    def _met(self, message: dict[str, Any], data: bytes) -> None:
        background_loop.post(self._know, message["page"], PageFacts(message, data == PROBE))

    def _echo(self, message: dict[str, Any], data: bytes) -> None:
        """Answer where it was heard: a host that holds messages of other threads back delivers this one."""
        self._channel.post("echo", PROBE, to=message["page"], n=message["n"])
        background_loop.post(self._heard, message["page"], _thread(), data == PROBE)

    def _burst(self, message: dict[str, Any], _data: bytes) -> None:
        background_loop.post(self._count, message["page"], message["run"], message["n"], monotonic())

    def _know(self, name: str, facts: PageFacts) -> None:
        self._pages[name] = self.page = facts
        while len(self._pages) > 16:
            del self._pages[next(iter(self._pages))]
        self._changed()

    def _heard(self, name: str, thread: str, intact: bool) -> None:
        if (facts := self._pages.get(name)) is not None:
            facts.threads[thread] += 1
            facts.binary &= intact

    def _count(self, name: str, run: int, number: int, at: float) -> None:
        if (facts := self._pages.get(name)) is None:
            return
        facts.burst.add(run, number, at)
        if number == BURST - 1:
            for n in range(BURST):
                self._channel.post("burst", to=name, n=n)

    def _told(self, name: str, told: dict[str, Any]) -> None:
        if (facts := self._pages.get(name)) is not None:
            facts.told.update(told)
            self.page = facts
            self._changed()

    def describe(self) -> str:
        """Return one line."""
        return f"DoctorView({self.status})"


def _thread() -> str:
    if threading.current_thread() is threading.main_thread():
        return "main"
    name = threading.current_thread().name
    return "subshell" if name.startswith("subshell") else name


class Doctor(Faced):
    """Says what works here, what does not, and what to do; made by :func:`smallest_nb.doctor`.

    It looks at the network for 3 s at most before it is shown, and goes on looking after that.

    Attributes:
        report: What is known so far.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: concurrent.futures.Future[None] | None = None
        self.report = Report()
        self._view = DoctorView(self._page_told, self._again)
        super().__init__([self._view], self._draw)
        try:
            report, target = examine_at_once()
            self._add([*report.checks, *self._page_checks()])
            self._work = background_loop.submit(self._look_on(target))
            concurrent.futures.wait([self._work], timeout=_AT_ONCE_SECS)
        except BaseException:  # an interrupt too: nobody has it, so nobody else would end it
            self.close()
            raise

    def _draw(self) -> str:
        return self.report._repr_html_()

    def to_json(self) -> str:
        """Return the report for a bug report; it holds no key."""
        return self.report.to_json()

    async def _look_on(self, target: Any) -> None:
        try:
            self._add(await examine_service(target))
        except Exception as error:
            _log.exception("the service could not be examined")
            told = f"could not be looked at ({type(error).__name__}); the log says more"
            asked = {"still asking", "starting"}
            self._add([replace(c, found=told) for c in self.report.checks if c.found in asked])

    def _again(self) -> None:
        if self._work is None or self._work.done():
            self._work = background_loop.submit(self._look_again())

    async def _look_again(self) -> None:
        report, target = await asyncio.to_thread(examine_at_once)
        self._add(report.checks)
        await self._look_on(target)

    def _page_told(self) -> None:
        self._add(self._page_checks())

    def _page_checks(self) -> Sequence[Check]:
        return check_page(self._view.page, build=assets.build_hash(), ipykernel=kernel_version())

    def _add(self, checks: Sequence[Check]) -> None:
        with self._lock:  # the cell's thread and the background loop's
            self.report = self.report.with_checks(checks)
            self._view.show(self.report)
        self.face.refresh()

    def __repr__(self) -> str:
        return f"Doctor({self.report.summary()})"

    def close(self) -> None:
        """End what still looks, and close the view."""
        if getattr(self, "_work", None) is not None:
            self._work.cancel()  # type: ignore[union-attr]
        if hasattr(self, "_view"):
            self._view.close()
        super().close()
