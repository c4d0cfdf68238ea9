#!/usr/bin/env bash
# jupyter_client 8.10.0 (ipykernel 7.4.0, ipywidgets 8.1.9): a number that JSON cannot represent, such as the level of
# silence in decibels (-inf), reaches the page as the string "-inf"; the page then calculates with text.
# Observed 2026-11-29: trait level=-inf -> state {"level": "-inf"}, custom message {"peak": nan} -> {"peak": "nan"}, and
# a UserWarning in the cell, once.
# Unexpected because JSON writers either raise, or write null, or write the tokens that Python reads back; here the
# first attempt fails and the message is cleaned with repr().
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'jupyter_client==8.10.0' 'ipykernel==7.4.0' 'ipywidgets==8.1.9'
JUPYTER_PATH= "$work/venv/bin/python" -W ignore - 2>"$work/kernel.log" <<'PY'
import math
import time
from queue import Empty

from jupyter_client import KernelManager

CELL = """
import ipywidgets, traitlets
class Meter(ipywidgets.Widget):
    level = traitlets.Float(0.0).tag(sync=True)
meter = Meter()
meter.level = float("-inf")
meter.send({"peak": float("nan")})
"""
manager = KernelManager(kernel_name="python3")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
found, warned = {}, False
asked, deadline = client.execute(CELL), time.monotonic() + 60
try:
    while time.monotonic() < deadline:
        try:
            message = client.get_iopub_msg(timeout=1)
        except Empty:
            continue
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "comm_msg":
            found |= content["data"].get("state", {}) | content["data"].get("content", {})
        elif kind == "stream":
            warned |= "UserWarning" in content["text"]
        elif kind == "status" and content["execution_state"] == "idle" and message["parent_header"]["msg_id"] == asked:
            break
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(found, "with a warning" if warned else "without a warning")
assert found == {"level": "-inf", "peak": "nan"}, "changed"
assert not any(isinstance(value, float) and math.isfinite(value) for value in found.values())
PY
