"""Reads built pages: what they link to, what they load, what can be linked to in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

LOADING = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "audio": "src",
    "video": "src",
    "source": "src",
}
_CSS_URL = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])([^'")\s]+)""")


@dataclass
class Page:
    """What a page holds.

    Attributes:
        links: Targets of `<a href>`.
        loads: What the browser fetches by itself.
        ids: What can stand after `#`.
        classes: Every class, as often as it occurs.
        scripts: The text of scripts in the page.
    """

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    classes: list[str] = field(default_factory=list)
    scripts: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.page.links.append(given["href"])
        if (
            tag in LOADING
            and LOADING[tag] in given
            and given.get("rel") not in ("canonical", "search", "index", "next", "prev")
        ):
            self.page.loads.append(given[LOADING[tag]])
        self.page.ids |= {given[name] for name in ("id", "name") if name in given}
        self.page.classes += given.get("class", "").split()
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.page.scripts += data
        elif self._inside == "style":
            self.page.loads += _CSS_URL.findall(data)


def read(path: Path) -> Page:
    """Read a built page."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def urls_of_styles(path: Path) -> list[str]:
    """Return what a style sheet loads."""
    return _CSS_URL.findall(path.read_text(encoding="utf-8"))
