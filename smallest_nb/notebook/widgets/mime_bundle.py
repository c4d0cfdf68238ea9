"""What a widget's output says where no widget can be shown."""

from __future__ import annotations

from typing import Any

__all__ = ["with_static", "without_html"]


def with_static(bundle: Any, *, text: str, html: str) -> Any:
    """Return ipywidgets' MIME bundle with plain text and HTML of ours.

    Args:
        bundle: What `_repr_mimebundle_` of anywidget returned: data, or data and metadata; its data are None where
            another way of display was taken.
        text: For terminals.
        html: For saved and exported notebooks.
    """
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    if data is None:
        return bundle
    return {**data, "text/plain": text, "text/html": html}, metadata


def without_html(bundle: Any) -> Any:
    """Return a MIME bundle without HTML, for a widget whose HTML is an output of its own beside it."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    if data is None:
        return bundle
    return {kind: value for kind, value in data.items() if kind != "text/html"}, metadata
