"""A front end over a real kernel's own sockets."""

from __future__ import annotations

import contextlib
import queue
import time

from jupyter_client.manager import start_new_kernel

from smallest_nb.notebook.comm.messages import PROBE

HELLO = {
    "parts": [""], "build": "x", "host": "test", "secure": True, "microphone": "ask", "worklet": True, "pull": False,
}  # fmt: skip
"""What the page of a widget without parts says of itself."""


class Front:
    """A front end over the kernel's own sockets."""

    def __init__(self):
        self.manager, self.client = start_new_kernel(kernel_name="python3")
        self.models: dict[str, dict] = {}
        self.custom: list[tuple[float, str, dict, list]] = []
        self.everything: list[str] = []
        self.idle: dict[str, float] = {}
        """When each request was done."""
        self.subshell: str | None = None
        """Named in each message of a widget, as JupyterLab does."""

    def use_subshell(self) -> None:
        """Have the messages of widgets handled on a thread of their own, whatever a cell does."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        deadline = time.monotonic() + 20
        while self.subshell is None:
            reply = self.client.get_control_msg(timeout=max(0.1, deadline - time.monotonic()))
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                self.subshell = reply["content"]["subshell_id"]

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def execute(self, code: str, *, wait: bool = True) -> str:
        message = self.client.execute(code)
        if wait:
            self.pump(lambda m: m["header"]["msg_type"] == "execute_reply", shell=message)
        return message

    def pump(self, until=lambda m: False, *, seconds=20.0, shell=None):
        """Read messages until a condition holds; returns whether it did."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                self._take(self.client.get_iopub_msg(timeout=0.02))
            if shell is not None:
                try:
                    reply = self.client.get_shell_msg(timeout=0.01)
                except queue.Empty:
                    continue
                if reply["parent_header"].get("msg_id") == shell:
                    assert reply["content"]["status"] == "ok", reply["content"]
                    # What the cell published comes on another socket, and its "idle" comes last.
                    return self.pump(lambda _: shell in self.idle)
            elif until(None):
                return True
        return False

    def _take(self, message):
        self.everything.append(repr(message["content"]))
        content, kind = message["content"], message["header"]["msg_type"]
        if kind == "status" and content["execution_state"] == "idle":
            self.idle[message["parent_header"].get("msg_id", "")] = time.monotonic()
        elif kind == "comm_open":
            self.models[content["comm_id"]] = content["data"].get("state", {})
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.models[content["comm_id"]].update(content["data"]["state"])
        elif kind == "comm_msg" and content["data"].get("method") == "custom":
            self.custom.append(
                (
                    time.monotonic(),
                    content["comm_id"],
                    content["data"]["content"],
                    [bytes(b) for b in message["buffers"]],
                )
            )

    def model(self, label: str, part: str = "") -> str:
        """Return the model of a widget, or of the one that has a part, with this label."""
        name = f"{part}.label" if part else "label"
        return next(k for k, s in self.models.items() if s.get(name) == label)

    def show(self, comm: str, *parts: str) -> None:
        """Say hello as a page that draws these parts, or a widget without any."""
        self.send(comm, {"type": "hello", **HELLO, "parts": ["", *parts]}, PROBE)

    def send(self, comm: str, content: dict, buffer: bytes | None = None) -> None:
        message = self.client.session.msg(
            "comm_msg",
            {"comm_id": comm, "data": {"method": "custom", "content": {"v": 1, "page": "t", "ack": 0, **content}}},
        )
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        stream = self.client.shell_channel.socket
        self.client.session.send(stream, message, buffers=[buffer] if buffer else None)

    def of(self, kind: str):
        return [(t, c, b) for t, _, c, b in self.custom if c["type"] == kind]
