"""What a folder holds: one line of JSON for each item that was finished, or failed.

A line has the item's `id`, its `input`, the `hash` of all that its outputs depend on, the `outputs`, figures, the
number of `attempts` and the `error`. Of several lines with one id the last one counts. `pending` names temporary files
that are renamed right after the line is on the disk; a run that was killed in between leaves that to the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from smallest_nb.client.batch.items import Item
from smallest_nb.client.batch.places import Folder, fingerprint_of
from smallest_nb.common.text import parse_json
from smallest_nb.errors import ConfigError

__all__ = ["Manifest", "as_line"]

_MANY_LINES = 2


class Manifest:
    """The lines of a folder's manifest, the last for each id.

    Args:
        folder: The folder; the caller holds its lock.

    Raises:
        ConfigError: It cannot be read, or is no manifest.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._records: dict[str, dict[str, Any]] = {}
        lines = self._read(folder.read_log())
        self._finish_renames()
        if lines > _MANY_LINES * len(self._records) + 100:
            folder.replace_log(_as_lines(self._records.values()))

    def _read(self, data: bytes) -> int:
        whole, newline, torn = data.rpartition(b"\n")
        lines = whole.split(b"\n") if newline else []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = parse_json(line)
                self._records[str(record["id"])] = record
            except (ValueError, KeyError, TypeError):
                raise ConfigError(
                    f"Line {number} of the manifest in {self._folder.name} is not one of a batch ({line[:60]!r}). "
                    "Choose another folder, or remove manifest.jsonl to do everything again."
                ) from None
        if torn:  # a run was killed, or a disk full, in the middle of it
            self._folder.replace_log(_as_lines(self._records.values()))
        return len(lines)

    def _finish_renames(self) -> None:
        """Give their names to files whose line was written just before a run was killed."""
        for record in self._records.values():
            for name, temporary in (record.get("pending") or {}).items():
                if temporary and self._folder.has(temporary):
                    self._folder.commit(temporary, name)

    def done(self, item: Item) -> dict[str, Any] | None:
        """Return the line of an item that is finished and unchanged, else None.

        Raises:
            ConfigError: Its input cannot be read.
        """
        record = self._records.get(item.id)
        if record is None or record.get("error") or record.get("hash") != item.hash:
            return None
        if not all(self._folder.has(name) for name in item.outputs):
            return None
        known = record.get("fingerprint")
        return record if not known or _is_same(item.input, known) else None


def _is_same(path: str, known: dict[str, Any]) -> bool:
    """Whether a file is still the same: a copy with another time counts as such, if its content is."""
    now = fingerprint_of(path, content=False)
    if all(now[name] == known.get(name) for name in now):
        return True
    if now["size"] != known.get("size"):
        return False
    return bool(fingerprint_of(path, content=True)["content"] == known.get("content"))


def _as_lines(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(as_line(record) for record in records)


def as_line(record: dict[str, Any]) -> bytes:
    """Return a record as a line of the manifest."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"
