#!/usr/bin/env bash
# websockets 17.4, aiohttp 3.14.5, httpx-ws: a program that stops reading for a while loses a connection whose peer is
# alive and sends all the time: the client's own keepalive closes it, with a ping interval of 1 s within 5 s.
# Observed 2026-11-29, 5 messages read before a pause of 8 s: websockets "keepalive ping timeout" after 22 messages,
# aiohttp "No PONG received" after 5, httpx-ws WebSocketNetworkError after 6; the rest of the received data is lost.
# Unexpected because pings run in separate tasks; but a full receive queue also delays the pongs. A program that plays
# audio while it arrives must read into its own buffer, or disable the keepalive.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'websockets==17.4' 'aiohttp==3.14.5' 'httpx-ws==0.9.0'
"$work/venv/bin/python" - <<'PY'
import asyncio

import aiohttp
import httpx_ws
import websockets

PAUSE_SECS = 8


async def stream(socket):
    """Send 50 messages of 4,800 bytes a second, as a speech service does, and answer every ping."""

    async def pump():
        while True:
            await socket.send(bytes(4800))
            await asyncio.sleep(0.02)

    sending = asyncio.create_task(pump())
    try:
        async for _ in socket:
            pass
    except websockets.ConnectionClosed:
        pass
    finally:
        sending.cancel()


async def with_websockets(port, pause):
    url = f"ws://127.0.0.1:{port}"
    async with websockets.connect(url, ping_interval=1, ping_timeout=1, close_timeout=1, proxy=None) as socket:
        read = 0
        try:
            for count in range(200):
                await socket.recv()
                read = count + 1
                if read == 5:
                    await asyncio.sleep(pause)
        except websockets.ConnectionClosed as error:
            return f"closed by {error.sent.reason!r} after {read} messages"
    return "alive"


async def with_aiohttp(port, pause):
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{port}", heartbeat=2) as socket:
        for read in range(200):
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                return f"closed by {socket.exception()!r} after {read} messages"
            if read == 4:
                await asyncio.sleep(pause)
    return "alive"


async def with_httpx_ws(port, pause):
    read = 0
    limits = {"keepalive_ping_interval_seconds": 1, "keepalive_ping_timeout_seconds": 1, "queue_size": 16}
    try:
        async with httpx_ws.aconnect_ws(f"http://127.0.0.1:{port}", **limits) as socket:
            for count in range(200):
                await socket.receive_bytes()
                read = count + 1
                if read == 5:
                    await asyncio.sleep(pause)
    except BaseExceptionGroup as error:
        return f"closed by {error.exceptions[0]!r} after {read} messages"
    return "alive"


async def main():
    async with websockets.serve(stream, "127.0.0.1", 0, ping_interval=None, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        for client in (with_websockets, with_aiohttp, with_httpx_ws):
            reading, pausing = await client(port, 0), await client(port, PAUSE_SECS)
            print(f"{client.__name__}: always reading: {reading}; a pause of {PAUSE_SECS} s: {pausing}")
            assert reading == "alive", "the control run failed"
            assert pausing != "alive", "changed: the connection outlived the pause"


asyncio.run(main())
PY
