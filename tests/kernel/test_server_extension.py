"""The server extension in a real Jupyter server, which finds it by itself, with a real kernel."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from types import SimpleNamespace

import pytest

from smallest_nb.notebook import server_extension

SERVE = """
import asyncio, json, socket, sys
from jupyter_server.serverapp import ServerApp
from websockets.asyncio.client import connect

ASKED = {"header": {"msg_id": "1", "msg_type": "kernel_info_request", "session": "s", "username": "", "version": "5.3"},
         "parent_header": {}, "metadata": {}, "content": {}, "channel": "shell", "buffers": []}

async def ask(app):
    listening = list(app.http_server._sockets.values())[0]
    kernel = await app.kernel_manager.start_kernel()
    url = f"ws://127.0.0.1:{listening.getsockname()[1]}/api/kernels/{kernel}/channels?token=t"
    try:
        async with connect(url) as page:
            await page.send(json.dumps(ASKED))
            while json.loads(await asyncio.wait_for(page.recv(), 60))["msg_type"] != "kernel_info_reply":
                pass
            (connection,) = app.web_app.settings["kernel_websocket_connection_class"]._open_sockets
            stream = connection.websocket_handler.ws_connection.stream
            return stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        await app.kernel_manager.shutdown_all()

app = ServerApp()
options = ["--no-browser", "--port=0", "--ip=127.0.0.1", "--allow-root", "--IdentityProvider.token=t"]
app.initialize([*options, *sys.argv[1:]])
print(json.dumps(app.io_loop.run_sync(lambda: ask(app))))
"""
OFF = "--ServerApp.jpserver_extensions={'smallest_nb.notebook.server_extension': False}"


@pytest.mark.parametrize(("options", "at_once"), [([], True), ([OFF], False)], ids=["found", "switched off"])
def test_small_messages_of_a_kernel_leave_at_once(options, at_once, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SERVE, *options, f"--ServerApp.root_dir={tmp_path}"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert bool(json.loads(done.stdout.splitlines()[-1])) is at_once


class OfAGateway:
    """Another connection class than Jupyter's own."""

    def __init__(self, handler):
        self.websocket_handler = handler

    def connect(self):
        return "connected"


def test_any_connection_class_is_kept_and_a_socket_that_refuses_is_used_as_it_is(caplog):
    server = SimpleNamespace(web_app=SimpleNamespace(settings={"kernel_websocket_connection_class": OfAGateway}))
    server_extension._load_jupyter_server_extension(server)
    connection_class = server.web_app.settings["kernel_websocket_connection_class"]
    assert issubclass(connection_class, OfAGateway)
    options = []
    assert connection_class(SimpleNamespace(set_nodelay=options.append)).connect() == "connected"
    assert options == [True]
    with caplog.at_level(logging.WARNING):
        assert connection_class(SimpleNamespace()).connect() == "connected"
    assert "keeps its delay" in caplog.text


def test_a_server_that_connects_kernels_in_another_way_is_left_alone():
    server = SimpleNamespace(web_app=SimpleNamespace(settings={}))
    server_extension._load_jupyter_server_extension(server)
    assert server.web_app.settings == {}
