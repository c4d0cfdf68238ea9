#!/usr/bin/env bash
# ipykernel 7.4.0: an interrupt (the stop button) while a cell awaits ends the cell with CancelledError, not with
# KeyboardInterrupt; `except KeyboardInterrupt` around the await does not run. A cell that computes gets
# KeyboardInterrupt.
# Observed 2026-11-29: await -> CancelledError, not caught by the handler; time.sleep -> KeyboardInterrupt, caught.
# Unexpected because the signal is the same and asyncio.run() converts such a cancellation to KeyboardInterrupt for its
# caller; a notebook does not. Code that keeps partial results must catch both.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat > "$work/interrupt.py" <<'PY'
import os
import time
from queue import Empty

import ipykernel
from jupyter_client import KernelManager

CELL = """
import asyncio, time
print("waiting", flush=True)
try:
    {wait}
except KeyboardInterrupt:
    print("caught KeyboardInterrupt")
"""


def outcome(manager, client, wait):
    """Run a cell, interrupt it once it waits, and return the exception's name or what it printed last."""
    asked = client.execute(CELL.format(wait=wait))
    said, deadline = [], time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            message = client.get_iopub_msg(timeout=1)
        except Empty:
            continue
        if message["parent_header"].get("msg_id") != asked:
            continue
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "stream" and content["name"] == "stdout":
            said.append(content["text"].strip())
            if "waiting" in content["text"]:
                time.sleep(1)
                manager.interrupt_kernel()
        elif kind == "error":
            said.append(content["ename"])
        elif kind == "status" and content["execution_state"] == "idle":
            return said[-1]
    raise TimeoutError(wait)


manager = KernelManager(kernel_name="python3")
manager.start_kernel(stderr=open(os.devnull, "w"))
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
try:
    awaiting = outcome(manager, client, "await asyncio.sleep(30)")
    computing = outcome(manager, client, "time.sleep(30)")
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(f"ipykernel {ipykernel.__version__}: await: {awaiting}; time.sleep: {computing}")
assert computing == "caught KeyboardInterrupt"
assert awaiting == "CancelledError", "changed"
PY
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'ipykernel==7.4.0' 'jupyter_client==8.10.0' 'ipython==9.18.1'
JUPYTER_PATH= "$work/venv/bin/python" -W ignore "$work/interrupt.py"
