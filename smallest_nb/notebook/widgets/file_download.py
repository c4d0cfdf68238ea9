"""Files for a page to save, in parts: a host, and the log of what was sent, choke on an hour of sound at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from smallest_nb.notebook.comm.messages import More
from smallest_nb.notebook.comm.part_channel import PartChannel

__all__ = ["FileDownload"]

_PART = 240_000
"""Bytes of a message."""
_AHEAD = 4 * _PART


@dataclass
class _Sending:
    key: str
    name: str
    mime: str
    content: bytes
    page: str
    sent: int = 0


class FileDownload:
    """Sends one file at a time, at most 1 MB ahead of what the page has received. Runs on the background loop.

    Args:
        channel: Of the part whose page saves the file.
    """

    def __init__(self, channel: PartChannel) -> None:
        self._channel = channel
        self._numbers = itertools.count(1)
        self._sending: _Sending | None = None

    def send(self, name: str, mime: str, content: bytes, *, to: str) -> None:
        """Send a file to a page, in place of one that was not finished.

        Args:
            name: What it is called.
            mime: Its media type.
            content: Its bytes.
            to: The page.
        """
        self._sending = _Sending(f"d{next(self._numbers)}", name, mime, content, to)
        self._go_on(self._sending, 0)

    def received(self, message: More) -> None:
        """Take the page's word for how much it has."""
        one = self._sending
        if one is not None and one.key == message["file"] and one.page == message["page"]:
            self._go_on(one, message["received"])

    def _go_on(self, one: _Sending, received: int) -> None:
        size = len(one.content)
        while one.sent < size and one.sent - received < _AHEAD:
            piece = one.content[one.sent : one.sent + _PART]
            self._channel.post(
                {"type": "file-part", "file": one.key, "name": one.name, "mime": one.mime, "size": size,
                 "first": one.sent},
                piece, to=one.page,
            )  # fmt: skip
            one.sent += len(piece)
        if one.sent >= size:
            self._sending = None
