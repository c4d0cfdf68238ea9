"""Traits that a thread changed, sent once more where every host delivers: inside the handler of a page's message.

Some hosts (Colab) lose what a thread sends after its cell ended, changes of traits too. Values are sent, not changes,
so that one which came twice does no harm. Which host it is shows only a while after a page has come (js/src/pull.ts),
so changes are noted everywhere; where none is lost, no page asks for them.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import ipywidgets

from smallest_nb.notebook.comm import polling

__all__ = ["follow"]

_lock = threading.Lock()
_changed_late: weakref.WeakKeyDictionary[ipywidgets.Widget, set[str]] = weakref.WeakKeyDictionary()


def follow(widget: ipywidgets.Widget) -> None:
    """Take note of a widget's traits that change where a host may not notice."""
    widget.observe(_changed, names=list(widget.keys))


def _changed(change: Any) -> None:
    if polling.delivered_at_once():
        return
    with _lock:
        _changed_late.setdefault(change["owner"], set()).add(change["name"])


def _send() -> None:
    with _lock:
        late = list(_changed_late.items())
        _changed_late.clear()
    for widget, names in late:
        if widget.comm is not None:
            widget.send_state(names)


polling.on_flush(_send)
