#!/usr/bin/env bash
# jupyter_server 2.21.1 (tornado 6.6.1, ipykernel 7.4.0), Linux: the socket to the page keeps Nagle's algorithm. A kernel
# answers with several small messages ("busy", the answer, "idle"), so the answer waits for a delayed acknowledgement.
# Observed 2026-12-01: a message to a comm and back takes 48.0 ms, and 4.5 ms with TCP_NODELAY set (median of 60).
# Unexpected because the other halves of the same path, ZeroMQ and the browser, both send small messages at once, and
# tornado itself does so for the answers to HTTP requests.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'jupyter_server==2.21.1' 'tornado==6.6.1' 'ipykernel==7.4.0' 'websockets==17.4'
export JUPYTER_CONFIG_DIR="$work/config" JUPYTER_DATA_DIR="$work/data" JUPYTER_RUNTIME_DIR="$work/runtime"
"$work/venv/bin/python" -W ignore - 2>"$work/server.log" <<'PY'
import asyncio
import json
import time
from statistics import median

from jupyter_server.serverapp import ServerApp
from websockets.asyncio.client import connect

CELL = """
def opened(comm, _message):
    comm.on_msg(lambda message: comm.send(message["content"]["data"]))
get_ipython().kernel.comm_manager.register_target("echo", opened)
"""


def message(kind, **content):
    header = {"msg_id": str(time.monotonic_ns()), "msg_type": kind, "session": "s", "username": "", "version": "5.3"}
    return json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell",
                       "buffers": []})


async def until(page, kind):
    while json.loads(await asyncio.wait_for(page.recv(), 60))["msg_type"] != kind:
        pass


async def round_trips(page, times=60):
    taken = []
    for n in range(times):
        began = time.monotonic()
        await page.send(message("comm_msg", comm_id="c", data={"n": n}))
        await until(page, "comm_msg")
        taken.append(1000 * (time.monotonic() - began))
    return taken


async def measure(app):
    port = next(iter(app.http_server._sockets.values())).getsockname()[1]
    kernel = await app.kernel_manager.start_kernel()
    try:
        async with connect(f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels?token=t") as page:
            await page.send(message("execute_request", code=CELL, silent=False))
            await until(page, "execute_reply")
            await page.send(message("comm_open", comm_id="c", target_name="echo", data={}))
            await round_trips(page)  # the system acknowledges the first ones at once
            usual = await round_trips(page)
            (connection,) = app.web_app.settings["kernel_websocket_connection_class"]._open_sockets
            connection.websocket_handler.set_nodelay(True)
            at_once = await round_trips(page)
            return median(usual), median(at_once)
    finally:
        await app.kernel_manager.shutdown_all()


app = ServerApp()
app.initialize(["--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1", "--IdentityProvider.token=t"])
usual, at_once = app.io_loop.run_sync(lambda: measure(app))
print(f"a message and its answer: {usual:.1f} ms as it is, {at_once:.1f} ms with TCP_NODELAY")
assert usual > 35, "small messages are no longer delayed"
assert at_once < usual / 2
PY
