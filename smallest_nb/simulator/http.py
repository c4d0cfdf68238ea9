"""HTTP requests and answers as the simulator's calls see them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

from smallest_nb.common.text import parse_json

__all__ = ["Answer", "HTTPRequest", "json_answer"]


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """One request; header names in lower case, the path as it was sent, with its percent signs."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters, each with its last value."""
        return {name: values[-1] for name, values in self.query.items()}

    def parse_body(self) -> Any:
        """Return the body as JSON, or None if it is none."""
        try:
            return parse_json(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; `body` may be a stream."""

    status: int
    body: bytes | AsyncGenerator[bytes, None]
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer that carries JSON."""
    return Answer(status, json.dumps(body).encode(), headers=headers or {})
