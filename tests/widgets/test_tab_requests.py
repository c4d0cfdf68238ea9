"""The server of a microphone's own tab, asked by others than the page that it serves."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from smallest_nb.notebook.comm.tab_server import Tab


async def ask(port, target, *headers):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {target} HTTP/1.1".encode("latin-1"), *headers, b"", b""]
    writer.write(b"\r\n".join(lines))
    answer = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return int(answer.split()[1]) if answer else None


SOCKET = (
    b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


@contextlib.asynccontextmanager
async def serving():
    made = Tab({"index.html": b"SESSION"}, receive=print, state=dict, change=print, connected=print)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/?token=%C3%A9", 400),
        ("/?token=\u00e9", None),
        ("/?token=%ED%A0%80", 400),
        ("/socket?session=%C3%A9", 400),
        ("/%C3%A9?token=x", 404),
        ("/\u00e9", None),
        ("//[x", 400),
        ("/?token=", 403),
        ("/?token=x", 403),
        ("/?" + "token=x&" * 300, 403),
        ("/socket?session=x", 403),
        ("/index.html", 404),
        ("/nothing", 404),
    ],
)
async def test_K11_what_is_no_link_of_ours_is_refused(target, status, caplog):
    async with serving() as tab:
        with caplog.at_level(logging.ERROR):
            assert await ask(tab.port, target, f"Host: 127.0.0.1:{tab.port}".encode(), *SOCKET) == status
    assert caplog.records == []


@pytest.mark.parametrize("hosts", [[], ["example.test"], ["127.0.0.1:{}", "example.test"], ["127.0.0.1:{}\u00e9"]])
async def test_K11_other_hosts_are_refused(hosts, caplog):
    async with serving() as tab:
        headers = [f"Host: {host.format(tab.port)}".encode("latin-1") for host in hosts]
        with caplog.at_level(logging.ERROR):
            assert await ask(tab.port, "/", *headers, *SOCKET) in (400, 403)
    assert caplog.records == []
