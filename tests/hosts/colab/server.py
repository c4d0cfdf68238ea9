"""Serves the page of a notebook host and stands between it and a real kernel, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import mimetypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

__all__ = ["NotebookServer"]

HERE = Path(__file__).resolve().parent
_START_SECS = 60
_RUN_SECS = 60
Message = dict[str, Any]


class NotebookServer:
    """One kernel and the pages that show it; both of its origins, 127.0.0.1 and localhost, are this server.

    Args:
        python: The interpreter of the kernel's environment.
        env: Further environment variables of the kernel.
        trip: Seconds that a network's round trip between page and kernel takes.
    """

    def __init__(self, python: Path, env: dict[str, str] | None = None, *, trip: float = 0.0) -> None:
        self._python = python
        self._trip = trip
        self._env = {**os.environ, **(env or {})}
        self._pages: set[ServerConnection] = set()
        self._cells: dict[str, str] = {}
        self._ran: dict[str, asyncio.Future[Message]] = {}
        self._sending: set[asyncio.Future[Any]] = set()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._main(),), daemon=True)
        self._started = threading.Event()
        self._problem: BaseException | None = None
        self._thread.start()
        if not self._started.wait(_START_SECS) or self._problem is not None:
            raise RuntimeError("The kernel did not start.") from self._problem

    def close(self) -> None:
        """End the kernel and the server."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)
        self._loop.close()

    def eval(self, expression: str) -> Any:
        """Evaluate an expression in the kernel, as another cell would; its value must be JSON data."""
        return asyncio.run_coroutine_threadsafe(self._eval(expression), self._loop).result(_RUN_SECS)

    async def _eval(self, expression: str) -> Any:
        wanted = {"value": f"_json.dumps({expression})"}
        asked = self._execute("import json as _json", store_history=False, user_expressions=wanted)
        done = self._ran[asked] = self._loop.create_future()
        reply = (await asyncio.wait_for(done, _RUN_SECS))["content"]["user_expressions"]["value"]
        assert reply["status"] == "ok", reply
        return json.loads(eval(reply["data"]["text/plain"]))

    async def _main(self) -> None:
        self._end = asyncio.Event()
        manager = AsyncKernelManager()
        command = [str(self._python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        manager._kernel_spec = KernelSpec(argv=command)
        try:
            await manager.start_kernel(env=self._env)
            self._client: AsyncKernelClient = manager.client()
            self._client.start_channels()
            await self._client.wait_for_ready(timeout=_START_SECS)
            readers = [asyncio.ensure_future(self._read_iopub()), asyncio.ensure_future(self._read_shell())]
            async with serve(self._talk, "127.0.0.1", 0, process_request=_serve_file, max_size=None) as server:
                self.port = server.sockets[0].getsockname()[1]
                self._started.set()
                await self._end.wait()
            for reader in readers:
                reader.cancel()
        except Exception as error:
            self._problem = error
            self._started.set()
        finally:
            with contextlib.suppress(AttributeError):
                self._client.stop_channels()
            await manager.shutdown_kernel(now=True)

    async def _read_iopub(self) -> None:
        while True:
            message = await self._client.get_iopub_msg()
            parent = message["parent_header"].get("msg_id", "")
            forwarded = {
                "type": message["header"]["msg_type"],
                "parent": self._cells.get(parent, parent),
                "content": message["content"],
            }
            self._after(self._broadcast, forwarded, [bytes(b) for b in message["buffers"]])

    async def _read_shell(self) -> None:
        while True:
            message = await self._client.get_shell_msg()
            done = self._ran.pop(message["parent_header"].get("msg_id", ""), None)
            if done is not None:
                done.set_result(message)

    def _after(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function when half a round trip is over; in order."""
        if self._trip:
            self._loop.call_later(self._trip / 2, function, *args)
        else:
            function(*args)

    def _broadcast(self, message: Message, buffers: list[bytes]) -> None:
        broadcast(self._pages, json.dumps({**message, "count": len(buffers)}, default=str))
        for buffer in buffers:
            broadcast(self._pages, buffer)

    def _pass_on(self, message: Message, buffers: list[bytes]) -> None:
        if message["type"] == "execute":
            self._cells[self._execute(message["content"]["code"])] = message["cell"]
        else:
            self._send(message["type"], message["content"], buffers)

    def _execute(self, code: str, **options: Any) -> str:
        defaults = {"silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        return self._send("execute_request", {"code": code, "stop_on_error": True, **defaults, **options}, [])

    def _send(self, kind: str, content: dict[str, Any], buffers: list[bytes]) -> str:
        """Send to the kernel and return the message's id.

        Not by the client: jupyter_client 8.10.0 sends past the asyncio socket, whose file descriptor reports an event
        only once, so that a reply that has come by then wakes no reader until the next one comes.
        """
        session = self._client.session
        message = session.msg(kind, content)
        parts = [*session.serialize(message), *buffers]
        sent = self._client.shell_channel.socket.send_multipart(parts)
        self._sending.add(sent)
        sent.add_done_callback(self._sending.discard)
        return str(message["header"]["msg_id"])

    async def _talk(self, page: ServerConnection) -> None:
        self._pages.add(page)
        try:
            await page.send(json.dumps({"type": "ready", "parent": "", "content": {}, "count": 0}))
            async for text in page:
                message = json.loads(text)
                buffers = [await page.recv() for _ in range(message["count"])]
                self._after(self._pass_on, message, buffers)
        finally:
            self._pages.discard(page)


def _serve_file(_connection: ServerConnection, request: Request) -> Response | None:
    path = request.path.partition("?")[0]
    if path == "/kernel":
        return None
    file = HERE / path.strip("/")
    if file.parent != HERE or file.suffix not in (".html", ".js") or not file.is_file():
        return Response(http.HTTPStatus.NOT_FOUND, "Not Found", Headers(), b"")
    body = file.read_bytes()
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"})
    return Response(http.HTTPStatus.OK, "OK", headers, body)
