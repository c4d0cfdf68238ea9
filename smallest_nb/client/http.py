"""One HTTP request with the key in its header.

The standard library's client in a thread: these calls are rare, and nothing else would need another dependency.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from http.client import HTTPResponse as RawHTTPResponse
from http.client import IncompleteRead
from time import monotonic
from typing import Any, cast

from smallest_nb.api.error_shapes import error_from_http
from smallest_nb.client.connect import place_of, source_headers
from smallest_nb.client.daemon_thread import run_in_daemon_thread
from smallest_nb.client.target import Target
from smallest_nb.client.transport import HTTPResponse
from smallest_nb.client.transport_stack import current_deck
from smallest_nb.common.address import is_loopback
from smallest_nb.errors import ConnectionLost, ProtocolError

__all__ = ["fetch_json"]

_MAX_ANSWER_BYTES, _MAX_ERROR_BYTES = 64 * 2**20, 2**20
_READ_BYTES = 2**16


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key along."""

    def redirect_request(self, *_args: Any) -> None:
        return None


async def fetch_json(
    url: str, target: Target, *, body: bytes | None = None, content_type: str = "", timeout: float = 10.0
) -> Any:
    """Ask and return the answer, read as JSON.

    Args:
        url: Full URL.
        target: Whose key to send.
        body: What to POST; None sends a GET.
        content_type: Of the body.
        timeout: Seconds for each step of the network; twice that for all of it.

    Raises:
        AuthError, RateLimitError, ServiceError: The service refused, by its HTTP status.
        ConnectionLost: Nobody answered in time.
        ProtocolError: The answer is no JSON.
        CassetteError: Nothing like it was recorded in the cassette that is in the deck.
    """
    place = place_of(url)

    async def ask() -> HTTPResponse:
        return await _ask_really(url, target, body, content_type, timeout)

    deck = current_deck()
    answer = await (ask() if deck is None else deck.fetch("GET" if body is None else "POST", url, body, ask))
    if not 200 <= answer.status < 300:
        raise error_from_http(answer.status, answer.body, url=place, retry_after=answer.retry_after)
    return _read(answer.body, place)


async def _ask_really(url: str, target: Target, body: bytes | None, content_type: str, timeout: float) -> HTTPResponse:
    place = place_of(url)
    target.check_there()
    try:
        async with asyncio.timeout(2 * timeout):
            outcome = await run_in_daemon_thread(_ask, url, target, body, content_type, timeout)
    except TimeoutError:
        raise ConnectionLost(f"{place} did not answer within {timeout:g} s") from None
    if isinstance(outcome, str):
        raise ConnectionLost(f"{place} cannot be reached ({target.key.hide(outcome)})")
    return outcome


def _ask(url: str, target: Target, body: bytes | None, content_type: str, timeout: float) -> HTTPResponse | str:
    """Return the answer, or why there is none: the error itself stays in this thread, for its frames hold the key."""
    headers = {**source_headers(), "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = content_type
    proxies: dict[str, str] | None = {} if is_loopback(url) else None
    until = monotonic() + 2 * timeout
    try:
        opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler(proxies))
        request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - http(s), from a Target
        request.add_unredirected_header("Authorization", f"Bearer {target.key.unwrap()}")
        with opener.open(request, timeout=timeout) as response:
            return HTTPResponse.without_key(
                target.key, response.status, _whole(response, _MAX_ANSWER_BYTES, until), None
            )
    except urllib.error.HTTPError as error:
        with error:
            return _refusal(error, target, until)
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except Exception as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return f"{type(reason).__name__}: {reason}"


def _refusal(error: urllib.error.HTTPError, target: Target, until: float) -> HTTPResponse | str:
    try:
        body = _whole(cast(RawHTTPResponse, error.fp), _MAX_ERROR_BYTES, until)  # `fp` is what the opener wraps
        return HTTPResponse.without_key(target.key, error.code, body, error.headers.get("Retry-After"))
    except Exception as broken:
        return f"HTTP {error.code}, and then {type(broken).__name__}: {broken}"


def _whole(response: RawHTTPResponse, most: int, until: float) -> bytes:
    """Read an answer; a peer that sends a byte now and then is not read beyond the time that the caller waits."""
    pieces: list[bytes] = []
    while most > 0 and (piece := response.read1(min(most, _READ_BYTES))):
        pieces.append(piece)
        most -= len(piece)
        if monotonic() > until:
            raise TimeoutError("the answer did not end in time")
    if most > 0 and response.length:  # `read1` does not report an answer that was cut
        raise IncompleteRead(b"".join(pieces), response.length)
    return b"".join(pieces)


def _read(answer: bytes, place: str) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        raise ProtocolError(f"{place} answered something that is no JSON: {answer[:80]!r}") from None
