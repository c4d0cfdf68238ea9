"""A proxy between browser and Jupyter server that holds back each WebSocket message, as a distance does."""

from __future__ import annotations

import asyncio
import threading
from typing import Self

import aiohttp
from aiohttp import web

__all__ = ["DelayingProxy"]

_LARGEST = 64 * 2**20
_HOP_BY_HOP = {"connection", "content-encoding", "content-length", "host", "transfer-encoding", "upgrade"}


class DelayingProxy:
    """Passes HTTP on at once and messages of WebSockets late, in order, each way.

    Args:
        target: URL of the server.
        delay: Seconds.

    Attributes:
        url: URL of the proxy.
    """

    def __init__(self, target: str, delay: float) -> None:
        self._target, self._delay = target, delay
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> str:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    async def _stop(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._pass_socket(request)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in {"host", "connection"}}
        if "Origin" in headers:
            headers["Origin"] = self._target
        body = await request.read()
        async with self._session.request(
            request.method, f"{self._target}{request.rel_url}", headers=headers, data=body, allow_redirects=False
        ) as answer:
            data = await answer.read()
            kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP - {"content-encoding"}]
            return web.Response(status=answer.status, body=data, headers=kept)

    async def _pass_socket(self, request: web.Request) -> web.StreamResponse:
        asked = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if p.strip()]
        kept = {k: v for k, v in request.headers.items() if k.lower() in {"cookie", "authorization"}}
        url = f"{self._target}{request.rel_url}"
        async with self._session.ws_connect(
            url, protocols=asked, headers={**kept, "Origin": self._target}, max_msg_size=_LARGEST
        ) as server:
            browser = web.WebSocketResponse(
                protocols=[server.protocol] if server.protocol else (), max_msg_size=_LARGEST
            )
            await browser.prepare(request)
            ways = [asyncio.create_task(self._pass(browser, server)), asyncio.create_task(self._pass(server, browser))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await browser.close()
        return browser

    async def _pass(self, source: aiohttp.ClientWebSocketResponse | web.WebSocketResponse, target: object) -> None:
        """Read at once and write late: the delay is a distance, not a limit of how much passes."""
        due: asyncio.Queue[tuple[float, aiohttp.WSMessage]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        async def write() -> None:
            while True:
                at, message = await due.get()
                await asyncio.sleep(max(0.0, at - loop.time()))
                if message.type == aiohttp.WSMsgType.TEXT:
                    await target.send_str(message.data)  # type: ignore[attr-defined]
                else:
                    await target.send_bytes(message.data)  # type: ignore[attr-defined]

        writing = asyncio.create_task(write())
        try:
            async for message in source:
                if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    due.put_nowait((loop.time() + self._delay, message))
        finally:
            writing.cancel()
