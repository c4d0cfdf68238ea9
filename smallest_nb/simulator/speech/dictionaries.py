"""Pronunciation dictionaries of the accounts, kept in memory."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from smallest_nb.common.text import speakable_text

__all__ = ["BadDictionary", "Dictionaries"]

_MAX_DICTIONARIES = 1000
_MAX_ITEMS = 1000
_MAX_CHARACTERS = 200


class BadDictionary(Exception):  # noqa: N818 - an answer, not a failure
    """A body that the service refuses; `details` are its list of faults."""

    def __init__(self, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.details = details or []


class Dictionaries:
    """At most 1000 in all; each belongs to the key that made it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, dict[str, Any]]] = {}

    def listed(self, key: str) -> list[dict[str, Any]]:
        """Return an account's dictionaries as the service shows them."""
        return [shown for owner, shown in self._kept.values() if owner == key]

    def create(self, key: str, body: Any) -> dict[str, Any]:
        """Keep a new one.

        Raises:
            BadDictionary: The body is wrong, or there are too many.
        """
        if len(self._kept) >= _MAX_DICTIONARIES:
            raise BadDictionary(f"The simulator keeps {_MAX_DICTIONARIES} dictionaries at most; delete one")
        items = _items(body)
        name = secrets.token_hex(12)
        made = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._kept[name] = (key, {"id": name, "items": items, "createdAt": made})
        return self._kept[name][1]

    def update(self, key: str, body: Any) -> dict[str, Any]:
        """Replace the words of one.

        Raises:
            BadDictionary: The body is wrong.
            KeyError: No such dictionary.
        """
        shown = self._own(key, body)
        shown["items"] = _items(body)
        return shown

    def delete(self, key: str, body: Any) -> dict[str, Any]:
        """Forget one.

        Raises:
            KeyError: No such dictionary.
        """
        shown = self._own(key, body)
        del self._kept[shown["id"]]
        return {"id": shown["id"], "deleted": True}

    def words(self, key: str, names: Iterable[str]) -> list[Mapping[str, str]]:
        """Return the spelling of words in some of an account's dictionaries.

        Raises:
            KeyError: No such dictionary.
        """
        return [
            {item["word"]: speakable_text(item["pronunciation"]) for item in self._own(key, {"id": name})["items"]}
            for name in names
        ]

    def _own(self, key: str, body: Any) -> dict[str, Any]:
        name = body.get("id") if isinstance(body, dict) else None
        owner, shown = self._kept[str(name)]
        if owner != key:
            raise KeyError(name)
        return shown


def _items(body: Any) -> list[dict[str, str]]:
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items or len(items) > _MAX_ITEMS:
        fault = {"code": "invalid_type", "expected": "array", "path": ["items"], "message": f"1 to {_MAX_ITEMS} items"}
        raise BadDictionary("Invalid request body", [fault])
    faults = [
        {"code": "invalid_type", "expected": "string", "path": ["items", at, name], "message": "Required"}
        for at, item in enumerate(items)
        for name in ("word", "pronunciation")
        if not isinstance(item, dict)
        or not isinstance(item.get(name), str)
        or not 0 < len(item[name].strip()) <= _MAX_CHARACTERS
    ]
    if faults:
        raise BadDictionary("Invalid request body", faults[:10])
    return [{"word": item["word"].strip(), "pronunciation": item["pronunciation"].strip()} for item in items]
