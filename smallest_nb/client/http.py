"""One HTTP request over the network, with the key in its header.

The standard library's client in a thread: these calls are rare, and nothing else would need another dependency.
"""

from __future__ import annotations

import asyncio
import functools
import urllib.error
import urllib.request
from http.client import HTTPResponse as RawHTTPResponse
from http.client import IncompleteRead
from importlib.metadata import version
from time import monotonic
from typing import Any, cast
from urllib.parse import urlsplit

from smallest_nb.client.daemon_thread import run_in_daemon_thread
from smallest_nb.client.transport import HTTPResponse
from smallest_nb.common.address import is_loopback
from smallest_nb.common.secret import Secret
from smallest_nb.errors import ConnectionLost

__all__ = ["request_http", "source_headers", "without_query"]

_MAX_ANSWER_BYTES, _MAX_ERROR_BYTES = 64 * 2**20, 2**20
_READ_BYTES = 2**16


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key along."""

    def redirect_request(self, *_args: Any) -> None:
        return None


async def request_http(
    method: str, url: str, key: Secret, *, body: bytes | None, content_type: str, timeout: float
) -> HTTPResponse:
    """Make a request; see :meth:`~smallest_nb.client.transport.Transport.request`."""
    place = without_query(url)
    try:
        async with asyncio.timeout(2 * timeout):
            outcome = await run_in_daemon_thread(
                functools.partial(_exchange, method, url, key, body, content_type=content_type, timeout=timeout)
            )
    except TimeoutError:
        raise ConnectionLost(f"{place} did not answer within {timeout:g} s") from None
    if isinstance(outcome, str):
        raise ConnectionLost(f"{place} cannot be reached ({key.hide(outcome)})")
    return outcome


def without_query(url: str) -> str:
    """Return a URL without its query, for messages."""
    return urlsplit(url)._replace(query="").geturl()


def source_headers() -> dict[str, str]:
    """Return the headers that name this program."""
    return {"X-Source": "smallest-nb", "X-Smallest-NB-Version": _version()}


@functools.cache
def _version() -> str:
    return version("smallest-nb")


def _exchange(
    method: str, url: str, key: Secret, body: bytes | None, *, content_type: str, timeout: float
) -> HTTPResponse | str:
    """Return the answer, or why there is none: the error itself stays in this thread, for its frames hold the key."""
    headers = {**source_headers(), "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = content_type
    proxies: dict[str, str] | None = {} if is_loopback(url) else None
    until = monotonic() + 2 * timeout
    try:
        opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler(proxies))
        request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - http(s), from a Target
        request.add_unredirected_header("Authorization", f"Bearer {key.unwrap()}")
        with opener.open(request, timeout=timeout) as response:
            return HTTPResponse.without_key(key, response.status, _read_body(response, _MAX_ANSWER_BYTES, until), None)
    except urllib.error.HTTPError as error:
        with error:
            return _read_refusal(error, key, until)
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except Exception as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return f"{type(reason).__name__}: {reason}"


def _read_refusal(error: urllib.error.HTTPError, key: Secret, until: float) -> HTTPResponse | str:
    try:
        body = _read_body(cast(RawHTTPResponse, error.fp), _MAX_ERROR_BYTES, until)  # `fp` is what the opener wraps
        return HTTPResponse.without_key(key, error.code, body, error.headers.get("Retry-After"))
    except Exception as broken:
        return f"HTTP {error.code}, and then {type(broken).__name__}: {broken}"


def _read_body(response: RawHTTPResponse, most: int, until: float) -> bytes:
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
