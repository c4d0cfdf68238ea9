"""Tapes: what a widget's kernel side sends to the page after a press, with its times. The page here only listens.

A tape is JSON, `{"models": [{"bundle", "traits"}], "events": [...]}`, its sound one binary file beside it. An event is
`[ms since the press, model, "set", {trait: value}]` or `[ms, model, "msg", content, [offset, size] or null]`; content
is a message of `bridge.messages` without what belongs to one delivery (`seq`, `to`). `docs/_static/live.js` plays it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from stopped_clock import Clock

from smallest_nb.client import background_loop
from smallest_nb.notebook.comm.messages import PROBE, PROTOCOL_VERSION
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.assets import build_hash

__all__ = ["Reel", "Tape"]

_PAGE = "taped"
_MOST_SECS = 30.0
_NOT_KEPT = {"layout", "tabbable", "tooltip", "waterfall"}
"""Traits of ipywidgets that say nothing about speech; and what is measured by a page that plays, which none does."""


class Reel:
    """The sound of several tapes, one after the other."""

    def __init__(self) -> None:
        self.sound = bytearray()

    def add(self, data: bytes) -> list[int]:
        """Keep bytes and return where they are: offset and size."""
        self.sound += data
        return [len(self.sound) - len(data), len(data)]


class Tape:
    """Keeps what widgets that belong together tell their page from the press on.

    Args:
        reel: Where the sound goes.
        widgets: Each with the name of its bundle, in the order in which a page shows them. A part of a composite is
            shown as a widget of its own.
    """

    def __init__(self, reel: Reel, *widgets: tuple[str, SpeechWidget]) -> None:
        self._reel = reel
        self._widgets = [widget for _, widget in widgets]
        self._models = [{"bundle": bundle, "traits": _state(widget)} for bundle, widget in widgets]
        self._events: list[list[Any]] = []
        self._lock = threading.RLock()
        self._began: float | None = None
        for number, (_, widget) in enumerate(widgets):
            self._listen(number, widget)

    def _listen(self, number: int, widget: SpeechWidget) -> None:
        answers: list[str] = []

        def send(data: dict[str, Any], metadata: Any = None, buffers: Any = None) -> None:  # noqa: ARG001 - as a comm
            if data["method"] == "custom" and data["content"].get("part", "") in ("", widget.part_name):
                answers.append(data["content"]["type"])
                self._record_message(number, data["content"], list(buffers or []))

        _model(widget).comm.send = send
        names = list(self._models[number]["traits"])
        widget.observe(lambda change: self._keep(number, "set", {change["name"]: change["new"]}), names=names)
        hello = {"build": build_hash(), "host": "other", "secure": True, "microphone": "ask", "worklet": True}
        self._say(widget, "hello", PROBE, pull=False, parts=[widget.part_name], **hello)
        if "welcome" not in answers:
            raise RuntimeError(f"{widget!r} did not understand its page; the log says why")

    def run(self, clock: Clock, over: Callable[[], object], *, pressed: int = 0) -> None:
        """Press the button of one of the widgets, and keep what comes until it is over.

        Args:
            clock: By which the recording runs.
            over: Says whether it is.
            pressed: Number of the widget.

        Raises:
            TimeoutError: It took more than 30 s of real time.
        """

        def press() -> None:
            clock.strike()
            self._began = monotonic()
            self._say(self._widgets[pressed], "press", None, action="play")

        background_loop.post(press)
        clock.until(over, _MOST_SECS)
        with self._lock:
            self._began = None

    def written(self) -> dict[str, Any]:
        """Return it as JSON data.

        Raises:
            RuntimeError: No message was sent.
        """
        if not self._events:
            raise RuntimeError(f"{self._widgets} sent their page no message.")
        return {"models": self._models, "events": self._events}

    def _say(self, widget: SpeechWidget, kind: str, buffer: bytes | None, **fields: Any) -> None:
        content = {"v": PROTOCOL_VERSION, "type": kind, "page": _PAGE, "ack": 0, "part": widget.part_name, **fields}
        data = {"method": "custom", "content": content}
        _model(widget).comm.handle_msg({"content": {"data": data}, "buffers": [] if buffer is None else [buffer]})

    def _record_message(self, number: int, content: dict[str, Any], buffers: list[bytes]) -> None:
        bare = {name: value for name, value in content.items() if name not in ("v", "seq", "to", "part")}
        if content["seq"] is not None:  # a welcome is a matter between a page and its own kernel
            with self._lock:
                self._keep(number, "msg", bare, buffers[0] if buffers else None)

    def _keep(self, number: int, kind: str, what: dict[str, Any], sound: bytes | None = None) -> None:
        with self._lock:
            if self._began is None:
                return
            at = round(
                round((monotonic() - self._began) * 1000, 3)
            )  # twice, because half a millisecond could be rounded either way
            event = [at, number, kind, what]
            self._events.append([*event, None if sound is None else self._reel.add(sound)] if kind == "msg" else event)


def _model(widget: SpeechWidget) -> SpeechWidget:
    """Return the widget that has a model: a part's is the composite's."""
    whole: SpeechWidget = widget.snb_root() if widget.part_name else widget
    return whole


def _state(widget: SpeechWidget) -> dict[str, Any]:
    names = [n for n in widget.traits(sync=True) if not n.startswith("_") and n not in _NOT_KEPT]
    return {name: getattr(widget, name) for name in sorted(names)}
