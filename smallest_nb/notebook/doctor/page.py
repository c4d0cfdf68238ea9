"""What a page reported of itself, as lines of the table.

The facts are those of js/src/page-facts.ts, each of which may be missing, and what the kernel counted itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from smallest_nb.notebook.doctor.kernel import busy_behaviour
from smallest_nb.notebook.doctor.python_checks import release
from smallest_nb.notebook.doctor.report import Check, Status

__all__ = ["BURST", "Burst", "PageFacts", "check_page"]

BURST = 100
"""Messages of a burst, each way; twin of js/src/page-facts.ts."""

_SLOW_TRIP_MS = 150
_DELAYED_TRIP_MS = 40
"""What Linux delays an acknowledgement by, for which a Jupyter server without our extension holds each answer back
(`findings/jupyter-server-nagle.sh`)."""
_SERVER = ("If the browser is on the same machine, the Jupyter server delays small messages: install smallest-nb in "
           "the server's environment too, and start the server again.")  # fmt: skip
_SLOW_BURST_MS = 5000
_RELOAD = "Reload the page, and restart the kernel after an upgrade."
_TUNNEL = "Open it over https or on localhost: ssh -L 8888:localhost:8888 your-server."
_HOSTS = {"jupyter": "Jupyter", "vscode": "VS Code", "colab": "Colab"}
_THREADS = {"main": "the thread that runs cells", "subshell": "a subshell's thread"}
_TITLES = {
    "page.host": "Host and browser",
    "page.build": "Its front end",
    "page.secure": "Secure context",
    "page.microphone": "Microphone",
    "page.devices": "Microphones",
    "page.worklet": "Audio worklet",
    "page.autoplay": "Sound without a click",
    "page.rate": "Output device",
    "page.binary": "Binary messages",
    "page.trip": "Round trip",
    "page.thread": "Handled by",
    "page.up": "Burst to the kernel",
    "page.down": "Burst to the page",
    "page.busy": "During a cell",
}


@dataclass
class Burst:
    """Many messages in a row, counted where they arrive.

    Attributes:
        run: Which run of the checks they belong to.
        count: How many came.
        late: How many came after a later one, as they do if a kernel handles messages on two threads.
        took_ms: From the first to the last that came.
    """

    run: int = 0
    count: int = 0
    late: int = 0
    took_ms: float = 0.0
    _highest: int = -1
    _began: float = 0.0

    def add(self, run: int, number: int, at: float) -> None:
        """Count one that came at `at`, s; a new run starts the count again."""
        if run != self.run:
            self.run, self.count, self.late, self._highest, self._began = run, 0, 0, -1, at
        self.count += 1
        self.late += number < self._highest
        self._highest = max(self._highest, number)
        self.took_ms = 1000 * (at - self._began)


@dataclass
class PageFacts:
    """What is known of one page.

    Attributes:
        hello: What it said of itself.
        binary: Whether its five known bytes came unchanged.
        reported: What it found, by name.
        threads: How many of its messages each thread handled, the one that runs cells as "main".
        burst: What came of its burst.
    """

    hello: Mapping[str, Any]
    binary: bool
    reported: dict[str, Any] = field(default_factory=dict)
    threads: Counter[str] = field(default_factory=Counter)
    burst: Burst = field(default_factory=Burst)


def check_page(page: PageFacts | None, *, build: str | None, ipykernel: str | None) -> list[Check]:
    """Judge what a page reported.

    Args:
        page: Its facts, or None if none has answered.
        build: Of the front end that this kernel serves.
        ipykernel: Its version, or None if it is another kernel.
    """
    if page is None:
        return [Check(i, title, "unknown", "no page has answered yet") for i, title in _TITLES.items()]
    return [
        *_front(page, build), *_microphone(page), _worklet(page), *_sound(page),
        _binary(page), *_trips(page), *_bursts(page), _busy(page, ipykernel),
    ]  # fmt: skip


def _line(name: str, status: Status, found: str, fix: str = "") -> Check:
    return Check(name, _TITLES[name], status, found, fix)


def _front(page: PageFacts, build: str | None) -> list[Check]:
    hello = page.hello
    found = f"{_HOSTS.get(hello['host'], 'another host')}, {page.reported.get('browser') or 'an unknown browser'}"
    same = hello["build"] == build
    front = f"build {hello['build']}" + ("" if same else f", the kernel's is {build}")
    secure = hello["secure"]
    return [
        _line("page.host", "green", found),
        _line("page.build", "green" if same else "red", front, "" if same else _RELOAD),
        _line("page.secure", "green" if secure else "red",
              "yes" if secure else "no: neither microphone nor audio worklets", "" if secure else _TUNNEL),
    ]  # fmt: skip


def _microphone(page: PageFacts) -> list[Check]:
    able, permission = page.hello["microphone"], page.reported.get("permission")
    if able == "insecure":
        line = _line("page.microphone", "red", "not on a page that is not secure", _TUNNEL)
    elif able == "forbidden":
        line = _line("page.microphone", "red", "this host does not let outputs use one",
                     "Open the notebook in JupyterLab, or live.feed(clip).")  # fmt: skip
    elif able == "missing":
        line = _line("page.microphone", "red", "this browser does not support it", "Use another browser.")
    elif permission == "denied":
        line = _line("page.microphone", "red", "allowed by the host, refused in the browser",
                     "Allow it in the address bar's site settings, then reload the page.")  # fmt: skip
    else:
        words = {"granted": "allowed", "prompt": "the browser will ask at the first press"}
        line = _line("page.microphone", "green", words.get(str(permission), "allowed by the host"))
    many = page.reported.get("devices")
    if many is None:
        return [line, _line("page.devices", "unknown", "not known")]
    if many == 0:
        return [line, _line("page.devices", "amber", "none", "Plug one in, or transcribe a file.")]
    return [line, _line("page.devices", "green", f"{many} (before permission the browser may count them as one)"
                        if many == 1 and permission != "granted" else f"{many}")]  # fmt: skip


def _worklet(page: PageFacts) -> Check:
    way = page.reported.get("worklet")
    if way == "blob":
        return _line("page.worklet", "green", "loaded from a blob and ran")
    if way == "data":
        return _line("page.worklet", "green", "blobs are blocked; loaded from a data URL and ran")
    if way is None:
        return _line("page.worklet", "unknown", "not known yet")
    return _line("page.worklet", "red", str(way), "Open the notebook in another host or browser.")


def _sound(page: PageFacts) -> list[Check]:
    state, rate = page.reported.get("autoplay"), page.reported.get("rate")
    if state is None:
        auto = _line("page.autoplay", "unknown", "not known yet")
    elif state == "running":
        auto = _line("page.autoplay", "green", "allowed")
    else:
        auto = _line("page.autoplay", "amber", f"the browser waits for a click ({state})",
                     'Press "Enable sound" or "Speak" once.')  # fmt: skip
    if not isinstance(rate, int | float) or rate <= 0:
        return [auto, _line("page.rate", "unknown", "not known yet")]
    return [auto, _line("page.rate", "green", f"{rate:g} Hz")]


def _binary(page: PageFacts) -> Check:
    down = page.reported.get("binary")
    if page.binary and down:
        return _line("page.binary", "green", "unchanged, both ways")
    if page.binary and down is None:
        return _line("page.binary", "unknown", "unchanged to the kernel; the way back is not known yet")
    way = "to the page" if page.binary else "to the kernel"
    return _line("page.binary", "red", f"this host changes them on the way {way}, so there is no sound",
                 "Open the notebook in JupyterLab or Notebook 7.")  # fmt: skip


def _trips(page: PageFacts) -> list[Check]:
    reported_trips = page.reported.get("trips")
    trips = [t for t in reported_trips if isinstance(t, int | float)] if isinstance(reported_trips, list) else []
    thread = _line("page.thread", "unknown", "no message yet")
    if page.threads:
        many_each = (f"{_THREADS.get(name, name)}: {many}" for name, many in page.threads.most_common())
        thread = _line("page.thread", "green", f"{', '.join(many_each)} messages")
    if not trips:
        slow = "trips" in page.reported
        return [_line("page.trip", "amber" if slow else "unknown", "no answer: the kernel was busy" if slow else
                      "not known yet", 'Press "Check again" when no cell runs.' if slow else ""), thread]  # fmt: skip
    middle = median(trips)
    found = f"{middle:.0f} ms (median of {len(trips)}, {min(trips):.0f} to {max(trips):.0f})"
    if middle > _SLOW_TRIP_MS:
        return [_line("page.trip", "amber", found, "Use a kernel nearer to you, or fewer widgets."), thread]
    if min(trips) >= _DELAYED_TRIP_MS and page.hello.get("host") == "jupyter":
        return [_line("page.trip", "amber", found, _SERVER), thread]
    return [_line("page.trip", "green", found), thread]


def _bursts(page: PageFacts) -> list[Check]:
    down = page.reported.get("burst_down")
    lines = [_burst("page.up", page.burst, done="burst_up" in page.reported)]
    if isinstance(down, list) and len(down) == 2 and all(isinstance(v, int | float) for v in down):
        return [*lines, _burst("page.down", Burst(count=int(down[0]), took_ms=float(down[1])), done=True)]
    return [*lines, _line("page.down", "unknown", "not known yet")]


def _burst(name: str, burst: Burst, *, done: bool) -> Check:
    if burst.count < BURST and not done:
        return _line(name, "unknown", "not known yet")
    if burst.count < BURST:
        return _line(name, "red", f"{burst.count} of {BURST} messages arrived",
                     "This host drops messages: update its front end, or use JupyterLab.")  # fmt: skip
    found = f"{BURST} messages in {burst.took_ms:.0f} ms" + (f", {burst.late} out of order" if burst.late else "")
    if burst.took_ms > _SLOW_BURST_MS:
        return _line(name, "amber", found, "Sound may stutter: close other widgets, or use a faster machine.")
    if burst.late:
        fix = "Keep cells short while you record: sound that waited for a long cell may lose pieces."
        return _line(name, "amber", found, fix)
    return _line(name, "green", found)


def _busy(page: PageFacts, ipykernel: str | None) -> Check:
    if not page.threads:
        return _line("page.busy", "unknown", "no message yet")
    on_main = "main" in page.threads
    found = f"{busy_behaviour(ipykernel, on_main=on_main)}; sound goes on meanwhile"
    old = on_main and (ipykernel is None or release(ipykernel) < (7, 4))
    return _line("page.busy", "amber" if old else "green", found, "Let the cell end before you press." if old else "")
