"""A way into a kernel for the tests, the same in every host: `probe.serve(globals())` in a cell.

It answers on a port of its own and on threads of its own, so that it works while the kernel is busy.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

names: dict = {}
visitors: list = []
"""The tuners of those who share this process."""
_server = None


class Handler(BaseHTTPRequestHandler):
    """POST /eval gives an expression's value as JSON, POST /exec runs statements."""

    def do_POST(self):
        code = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            ours = {"probe": sys.modules[__name__]}
            value = eval(code, names, ours) if self.path == "/eval" else exec(code, names, ours)
            status, body = 200, json.dumps(value)
        except BaseException:
            status, body = 500, traceback.format_exc()
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args):
        """Say nothing: what threads print comes up in the host."""


def serve(given):
    """Give the tests these names; the first call opens the port and writes where it is into SNB_PROBES."""
    global names, _server  # noqa: PLW0603 - one per kernel
    names = given
    if _server is not None:
        return
    _server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=_server.serve_forever, name="probe", daemon=True).start()
    place = Path(os.environ["SNB_PROBES"]) / f"{os.getpid()}.json"
    draft = place.with_suffix(".tmp")
    draft.write_text(json.dumps({"pid": os.getpid(), "port": _server.server_port}))
    draft.rename(place)


def census():
    """Count what could leak: our threads and all but the probe's, the background loop's tasks, sockets, sessions."""
    import asyncio

    from smallest_nb.client import background_loop
    from smallest_nb.client.network import count_sockets
    from smallest_nb.notebook import session
    from smallest_nb.simulator.server import running_simulators

    threads = [t.name for t in threading.enumerate() if "process_request" not in t.name]
    loop = background_loop.running_loop()
    running = next(iter(running_simulators()), None)
    return {
        "ours": sum(name.startswith("smallest_nb") for name in threads),
        "threads": len(threads),
        "tasks": len(asyncio.all_tasks(loop)) if loop is not None else 0,
        "sockets": count_sockets(session.current_target().base_url),
        "sessions": running.open_sessions if running is not None else 0,
    }
