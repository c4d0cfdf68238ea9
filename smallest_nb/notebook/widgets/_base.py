"""What all our anywidgets share: the channel, state traits, a stable repr, HTML without a kernel."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import anywidget
import ipywidgets
import traitlets

from smallest_nb.client import background_loop
from smallest_nb.common.markup import text_html
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.comm import message_route, polling
from smallest_nb.notebook.comm.channel import Channel
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import front_end, trait_resend
from smallest_nb.notebook.widgets.assets import build_hash
from smallest_nb.notebook.widgets.mime_bundle import with_static
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["SpeechWidget"]

_log = logging.getLogger(__name__)


class SpeechWidget(Unpicklable, anywidget.AnyWidget):
    """Base class. State lives in traits; audio, text deltas and commands travel over `_channel`.

    Args:
        within: The channel of a composite that this is a part of. A part has no model of its own: the composite shows
            its traits and passes its messages on.
    """

    _snb_loader: str | None = None
    """Sent as the module while the model is made."""

    label = traitlets.Unicode("").tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    notice = traitlets.Unicode("").tag(sync=True)

    def __init__(self, *, within: PartChannel | None = None, **kwargs: Any) -> None:
        # ipykernel 7.0 can send from a thread only inside the context of a cell.
        self._snb_process = os.getpid()
        self._snb_context = contextvars.copy_context()
        self._snb_is_part = within is not None
        self.module_name = getattr(getattr(type(self), "_esm", None), "name", "")
        self._channel = within if within is not None else self._make_channel().part()
        if self._snb_is_part:
            # Without anywidget's and ipywidgets' own constructors: they add the module, and have the host make a model.
            self._model_id = None
            super(ipywidgets.Widget, self).__init__(**kwargs)
            return
        super().__init__(**kwargs)
        front_end.add(self)
        self.on_msg(self._snb_receive)
        trait_resend.follow(self)

    def _make_channel(self) -> Channel:
        name = self.module_name
        return Channel(self._snb_send, build=build_hash(), later=_later, module=lambda: front_end.whole(name))

    def __del__(self, _is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not _is_finalizing():  # then nothing may be imported, sent or started any more, and everything ends anyway
            super().__del__()

    def open(self) -> None:
        """Make the model in the page; a part has none."""
        if self._snb_is_part:
            return
        self._snb_loader = front_end.loader(self.module_name)
        try:
            super().open()
        finally:
            self._snb_loader = None
        message_route.follow_host(self.comm)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the state for a page: the module packed and, while the model is made, only if the page has it not."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if "_esm" in state:
            module = self._snb_loader or front_end.packed(self.module_name)
            if module is not None:
                state |= {"_esm": module, "_css": ""}
        return state

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what a page has set; a value that cannot be used leaves the page as it was, and raises."""
        try:
            super().set_state(sync_data)
        except Exception:
            self.send_state([name for name in sync_data if name in self.keys])  # the page shows what holds
            raise

    def is_drawn_by(self, build: str) -> bool:
        """Whether a page shows it whose front end is of this build."""
        pages = [] if self.comm is None else list(self._channel.channel.pages.values())  # closed: the page let go of it
        return any(page.hello is not None and page.hello["build"] == build for page in pages)

    @property
    def model_id(self) -> str:
        """The id of the model in the page.

        Raises:
            ConfigError: It is a part of a composite, which draws it.
        """
        if self._snb_is_part:
            kind = type(self).__name__
            raise ConfigError(f"This {kind} is a part of another widget and is shown with it: put that one here.")
        return str(super().model_id)

    def _snb_send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if self.comm is None or self._snb_process != os.getpid():
            return
        try:
            # As an answer to what runs: hosts may deliver nothing else.
            if polling.delivered_at_once() and not background_loop.on_loop_thread():
                self.send(content, buffers)
            else:
                self._snb_context.copy().run(self.send, content, buffers)
        except Exception:
            _log.exception("sending %s to the page failed", content.get("type"))

    def _snb_receive(self, _widget: Any, content: Any, buffers: Any) -> None:
        self._channel.channel.receive(content, buffers)

    @property
    def part_name(self) -> str:
        """Its name among the parts of a composite, or empty."""
        return self._channel.name

    @property
    def shown(self) -> bool:
        """Whether any page shows it."""
        return bool(self._channel.pages)

    @property
    def trip_ms(self) -> float | None:
        """The fastest round trip to the page that owns sound and microphone, ms; None while it is not known."""
        page = self._channel.owner_page
        return page.trip_ms if page is not None else None

    def on_left(self, handler: Callable[[], None]) -> None:
        """Call `handler()` on the background loop when no page shows it any more."""
        self._channel.channel.on_left(lambda: background_loop.post(handler))

    def describe(self) -> str:
        """Return one line for `repr` and for places without a live kernel."""
        return type(self).__name__

    def announce(self) -> None:
        """Say, in a cell or handler, that something will come by itself: hosts that must ask for messages begin to."""
        self._channel.announce()

    def static_html(self) -> str:
        """Return HTML that says the same without a kernel."""
        return f"<p>{text_html(self.describe())}</p>"

    def __repr__(self) -> str:
        return self.describe()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        root = getattr(self, "snb_root", lambda: None)()
        if root is not None and root is not self:  # a part is shown with the whole
            return root._repr_mimebundle_(**kwargs)
        return with_static(super()._repr_mimebundle_(**kwargs), text=repr(self), html=self.static_html())


def _later(seconds: float, function: Callable[[], None]) -> None:
    background_loop.post(lambda: asyncio.get_running_loop().call_later(seconds, function))
