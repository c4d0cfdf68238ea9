"""The front end of a widget, sent compressed with the first of its kind; the next ones take it from the page.

A module is 60 to 90 kB, and anywidget sends it with every widget. In its place goes a small one (js/src/loader.ts) that
has the module packed in it. While a page shows a widget of the same kind, the next one is opened with the small module
alone, which takes the first one's from the page, or asks for it by message where the page has none. Everything else
that asks for the widget's state (a page that is loaded again, a second browser tab) gets the packed one.

It is packed with every widget where each output is a page of its own (Colab), and if all cells are run before a page
has answered. Outside of a kernel (marimo, where the host itself sends equal modules once and draws in a shadow DOM;
Solara, where another visitor's page may be the one that has it) the module goes as it is.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
import weakref
from functools import cache
from typing import Protocol

from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets.lifetime import kernel_shell

__all__ = ["Drawn", "add", "loader", "packed", "whole"]


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
    if not _outputs_share_a_page():
        return None
    build = assets.build_hash()
    if not any(widget.module_name == name and widget.is_drawn_by(build or "") for widget in list(_widgets)):
        return None
    return _small(name, "")


def packed(name: str) -> str | None:
    """Return the small module with a widget's own one packed in it, or None where that goes as it is."""
    return None if kernel_shell() is None else _small(name, _compressed(name))


def _small(name: str, content: str) -> str | None:
    build = assets.build_hash()
    small = assets.read("loader.js").decode()
    if not (name and build and small):
        return None
    return f"const SNB_MODULE={json.dumps(f'{name}@{build}')},SNB_PACKED={json.dumps(content)};\n{small}"


@cache
def _compressed(name: str) -> str:
    """Return a module and its style sheet in base64: what hosts do to binary data is not the same everywhere.

    The build has packed them, but for one that watches its sources (`npm run dev`).
    """
    built = assets.read(f"{name}.packed").decode()
    return built or base64.b64encode(gzip.compress(whole(name).encode(), mtime=0)).decode()


def whole(name: str) -> str:
    """Return a module and its style sheet as JSON, for a page that asks for them."""
    return json.dumps({"esm": assets.esm(name), "css": assets.css(name)})


def _outputs_share_a_page() -> bool:
    """Whether the page of a widget that is drawn is also the next one's."""
    colab = "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ
    return not colab and kernel_shell() is not None
