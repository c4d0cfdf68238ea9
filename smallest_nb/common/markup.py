"""Text as HTML that a page shows as it is, in a live notebook, a saved one and an exported one."""

from __future__ import annotations

import html
import re
import unicodedata

__all__ = ["text_html"]

_DELIMITERS = re.compile(r"[$\\]")


def text_html(text: str, *, tag: str = "span") -> str:
    r"""Return text as HTML: escaped, and nothing in it that a page would typeset as mathematics.

    Notebook hosts run MathJax or KaTeX over the text nodes of an output, where `$5 or $6` is a formula and an entity is
    a character like any other. Neither looks for a formula across elements, so each `$` and backslash stands in one of
    its own.

    Args:
        text: Any text; control characters and halves of characters, which no page can hold, are left out.
        tag: The element around these characters: "span", or "tspan" within SVG.
    """
    whole = text.encode("utf-8", "replace").decode()
    kept = "".join(c for c in whole if c in "\n\t" or unicodedata.category(c) != "Cc")
    return _DELIMITERS.sub(lambda found: f"<{tag}>{found[0]}</{tag}>", html.escape(kept))
