#!/usr/bin/env bash
# ipykernel 7.4.0: messages of one comm that a front end sends one after the other, all to the same subshell, are not
# handled in their order. They go to the thread that last sent on the comm: those before wait in the queue of the main
# thread, behind the cell that runs, while those after are handled at once by the subshell's.
# Observed 2026-12-01: sent 0 to 9 and 10 to 19; handled 10 to 19 while the cell slept, then 0 to 9.
# Unexpected because a comm is one channel over one socket, and each message names the same subshell. JupyterLab 4.4 and
# later names one for each kind of comm; a widget that sends from a callback and from a cell switches between the two.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat > "$work/order.py" <<'PY'
import json
import os
import time
from queue import Empty

import ipykernel
from jupyter_client import KernelManager

OPEN = """
from ipykernel.comm import Comm
handled = []
line = Comm(target_name="line", data={})
line.on_msg(lambda message: handled.append(message["content"]["data"]["n"]))
"""


def send(client, kind, content, subshell=None, channel="shell"):
    message = client.session.msg(kind, content)
    if subshell is not None:
        message["header"]["subshell_id"] = subshell
    getattr(client, f"{channel}_channel").send(message)
    return message["header"]["msg_id"]


def answer(client, asked, channel="shell"):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            reply = getattr(client, f"get_{channel}_msg")(timeout=1)
        except Empty:
            continue
        if reply["parent_header"].get("msg_id") == asked:
            return reply["content"]
    raise TimeoutError(asked)


def run(client, code, subshell=None, **more):
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
    return send(client, "execute_request", content | {"user_expressions": {}} | more, subshell)


manager = KernelManager(kernel_name="python3")
manager.start_kernel(stderr=open(os.devnull, "w"))
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
try:
    subshell = answer(client, send(client, "create_subshell_request", {}, channel="control"), "control")["subshell_id"]
    answer(client, run(client, OPEN))
    asked = run(client, "", user_expressions={"id": "line.comm_id"})
    comm = eval(answer(client, asked)["user_expressions"]["id"]["data"]["text/plain"])

    def give(numbers):
        for n in numbers:
            send(client, "comm_msg", {"comm_id": comm, "data": {"n": n}}, subshell)

    cell = run(client, "import time; time.sleep(3)")
    time.sleep(0.5)
    give(range(10))
    time.sleep(0.5)
    answer(client, run(client, "line.send({})", subshell))  # what a callback on the subshell's thread does
    give(range(10, 20))
    answer(client, cell)
    time.sleep(0.5)
    asked = run(client, "import json", user_expressions={"order": "json.dumps(handled)"})
    order = json.loads(eval(answer(client, asked)["user_expressions"]["order"]["data"]["text/plain"]))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(f"ipykernel {ipykernel.__version__}: sent 0 to 19, handled {order}")
assert order == [*range(10, 20), *range(10)], "the behaviour has changed"
PY
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'ipykernel==7.4.0' 'jupyter_client==8.10.0' 'ipython==9.18.1'
JUPYTER_PATH= "$work/venv/bin/python" -W ignore "$work/order.py"
