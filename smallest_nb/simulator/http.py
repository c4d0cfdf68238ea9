"""HTTP/1.1 for the simulator's REST calls, parsed by h11. Imports nothing of ours."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import h11

from smallest_nb.common.text import parse_json

__all__ = ["Answer", "HTTPExchange", "HTTPRequest", "json_answer"]

_log = logging.getLogger("smallest_nb.simulator")
_IDLE_SECS = 30.0
_BODY_SECS = 120.0
_LINGER_SECS = 2.0
_READ = 64 * 1024
_MAX_HEAD = 16 * 1024


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """One request; header names in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""

    def one(self, name: str, default: str = "") -> str:
        """Return a query parameter's last value."""
        return self.query.get(name, [default])[-1]

    def json(self) -> Any:
        """Return the body as JSON, or None where it is none."""
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


class HTTPExchange:
    """Serves connections: call it with a reader and a writer.

    Args:
        handle: Answers a request.
        limit: Says how many bytes of body a request's path may have; more are answered with 413.
        refusal: Looks at a request's headers and answers it before its body is read, or returns None.
    """

    def __init__(
        self,
        handle: Callable[[HTTPRequest], Awaitable[Answer]],
        limit: Callable[[str], int],
        refusal: Callable[[Iterable[tuple[str, str]]], Answer | None] = lambda _headers: None,
    ) -> None:
        self._handle = handle
        self._limit = limit
        self._refusal = refusal
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the client goes or is silent for 30 s."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        try:
            while await self._once(parser, reader, writer):
                parser.start_next_cycle()
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            pass
        except h11.RemoteProtocolError as error:
            with contextlib.suppress(h11.LocalProtocolError, ConnectionError):
                await _write(parser, writer, json_answer(error.error_status_hint, {"message": str(error)}))
        except asyncio.CancelledError:
            pass  # by close() alone: nobody waits for this task's result
        except Exception:
            _log.exception("a REST call failed")
        finally:
            writer.close()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def close(self) -> None:
        """End every connection."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(self, parser: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        async with asyncio.timeout(_IDLE_SECS):
            head = await _event(parser, reader)
        if not isinstance(head, h11.Request):
            return False
        target = urlsplit(head.target.decode("latin-1"))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        limit = self._limit(target.path)
        body = bytearray()
        refused = self._refusal((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        if refused is None and int(headers.get("content-length", 0)) <= limit:
            if parser.they_are_waiting_for_100_continue:
                writer.write(parser.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            async with asyncio.timeout(_BODY_SECS):
                while isinstance(event := await _event(parser, reader), h11.Data) and len(body) <= limit:
                    body += event.data
            if isinstance(event, h11.ConnectionClosed):
                return False
        if refused is not None:
            answer = replace(refused, headers={**refused.headers, "Connection": "close"})
            parser.next_event()  # a call without a body has been read completely
        elif int(headers.get("content-length", 0)) > limit or len(body) > limit:
            answer = json_answer(413, {"message": f"The body is larger than {limit} bytes"}, {"Connection": "close"})
        else:
            query = parse_qs(target.query, keep_blank_values=True)
            request = HTTPRequest(head.method.decode(), target.path, query, headers, bytes(body))
            answer = await self._handle(request)
        await _write(parser, writer, answer, bare=head.method == b"HEAD")
        if parser.their_state is h11.SEND_BODY:
            await _discard(reader)
        return parser.our_state is h11.DONE and parser.their_state is h11.DONE


async def _discard(reader: asyncio.StreamReader) -> None:
    """Read what nobody wants: closing on a client that still sends would lose it the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECS):
            while await reader.read(_READ):
                pass


async def _event(parser: h11.Connection, reader: asyncio.StreamReader) -> Any:
    while (event := parser.next_event()) is h11.NEED_DATA:
        parser.receive_data(await reader.read(_READ))
    return event


async def _write(parser: h11.Connection, writer: asyncio.StreamWriter, answer: Answer, *, bare: bool = False) -> None:
    headers = [("Content-Type", answer.content_type), *answer.headers.items()]
    if isinstance(answer.body, bytes):
        headers.append(("Content-Length", str(len(answer.body))))
    head = h11.Response(
        status_code=answer.status, headers=headers, reason=http.HTTPStatus(answer.status).phrase.encode()
    )
    writer.write(parser.send(head) or b"")
    if not isinstance(answer.body, bytes):
        async with contextlib.aclosing(answer.body) as stream:
            async for piece in stream:
                writer.write(parser.send(h11.Data(data=piece)) or b"")
                await asyncio.wait_for(writer.drain(), _BODY_SECS)
    elif answer.body and not bare:
        writer.write(parser.send(h11.Data(data=answer.body)) or b"")
    writer.write(parser.send(h11.EndOfMessage()) or b"")
    await asyncio.wait_for(writer.drain(), _BODY_SECS)
