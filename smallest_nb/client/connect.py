"""Opens a socket and makes a request through the transport in use, and raises refusals as errors."""

from __future__ import annotations

import json
from typing import Any

from smallest_nb.api.error_shapes import error_from_http
from smallest_nb.client.http import without_query
from smallest_nb.client.installed_transport import current_transport
from smallest_nb.client.target import Target
from smallest_nb.client.transport import HTTPResponse, Socket, Transport
from smallest_nb.errors import ProtocolError, SmallestError

__all__ = ["fetch_json", "open_websocket"]


async def open_websocket(
    url: str, target: Target, *, open_timeout: float = 10.0, transport: Transport | None = None
) -> Socket:
    """Open a WebSocket with the key in its header.

    Args:
        url: Full URL.
        target: Whose key to send.
        open_timeout: Seconds for the whole handshake.
        transport: None for the transport of this process.

    Raises:
        AuthError, ModelRetiredError, RateLimitError, ServiceError: The service refused, by its HTTP status.
        ConnectionLost: The service was not reached.
        CassetteError: The cassette does not hold such a socket.
    """
    used = current_transport(transport)
    outcome = await used.connect(url, target.key, timeout=open_timeout)
    if isinstance(outcome, HTTPResponse):
        raise _refusal(outcome, url)
    outcome.opened_by = used
    return outcome


async def fetch_json(
    url: str,
    target: Target,
    *,
    body: bytes | None = None,
    content_type: str = "",
    timeout: float = 10.0,
    transport: Transport | None = None,
) -> Any:
    """Make a request and return the answer, read as JSON.

    Args:
        url: Full URL.
        target: Whose key to send.
        body: What to POST; None sends a GET.
        content_type: Of the body.
        timeout: Seconds for each step of the network; twice that for all of it.
        transport: None for the transport of this process.

    Raises:
        AuthError, RateLimitError, ServiceError: The service refused, by its HTTP status.
        ConnectionLost: The service was not reached, or did not answer in time.
        ProtocolError: The answer is no JSON.
        CassetteError: The cassette does not hold such a request.
    """
    answer = await current_transport(transport).request(
        "GET" if body is None else "POST", url, target.key, body=body, content_type=content_type, timeout=timeout
    )
    if not 200 <= answer.status < 300:
        raise _refusal(answer, url)
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ProtocolError(f"{without_query(url)} answered something that is no JSON: {answer.body[:80]!r}") from None


def _refusal(answer: HTTPResponse, url: str) -> SmallestError:
    return error_from_http(answer.status, answer.body, url=without_query(url), retry_after=answer.retry_after)
