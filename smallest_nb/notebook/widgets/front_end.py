"""The front end of a widget, sent with the first of its kind; the next ones take it from the page.

A module is 60 to 80 kB, and anywidget sends it with every widget. While a page shows a widget of the same kind, the
next one is opened with a small module in its place (js/src/loader.ts), which takes the first one's from the page, or
asks for it by message where the page has none. Everything else that asks for the widget's state (a page that is loaded
again, a second browser tab) gets the whole one.

It is sent with every widget where each output is a page of its own (Colab), where another visitor's page may be the
one that has it (Solara), where the host itself sends equal modules once (marimo), and if all cells are run before a
page has answered.
"""

from __future__ import annotations

import json
import os
import sys
import weakref
from typing import Protocol

from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets.lifetime import kernel_shell

__all__ = ["Drawn", "add", "loader", "whole"]


class Drawn(Protocol):
    """A widget with a model."""

    module_name: str

    def is_drawn_by(self, build: str) -> bool:
        """Whether a page shows it whose front end is of this build."""


_widgets: weakref.WeakSet[Drawn] = weakref.WeakSet()


def add(widget: Drawn) -> None:
    """Take note of a widget, whose page may later have its module."""
    _widgets.add(widget)


def loader(name: str) -> str | None:
    """Return the small module for a widget whose own one is in the page, or None if it has to be sent.

    Args:
        name: Of the module, such as "tuner".
    """
    build = assets.build_hash()
    small = assets.read("loader.js").decode()
    if not (name and build and small and _outputs_share_a_page()):
        return None
    if not any(widget.module_name == name and widget.is_drawn_by(build) for widget in list(_widgets)):
        return None
    return small.replace("__MODULE__", f"{name}@{build}")


def whole(name: str) -> str:
    """Return a module and its style sheet as JSON, for a page that asks for them."""
    return json.dumps({"esm": assets.esm(name), "css": assets.css(name)})


def _outputs_share_a_page() -> bool:
    colab = "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ
    return not colab and kernel_shell() is not None
