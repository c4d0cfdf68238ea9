"""Runs client libraries in their own environments and lets scenarios be played by them, through a tap each."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from plan import Scenario
from tap import Connection, Tap

from bench.environments import ROOT, interpreter

_PATIENCE = 30.0
_END_SECS = 10.0


@dataclass(frozen=True)
class Run:
    """What came of a scenario: each step's outcome, what the library reported, what ended it early, and the wire."""

    steps: list[dict[str, Any]]
    events: list[str]
    error: str | None
    connections: list[Connection]

    @property
    def answered(self) -> list[Connection]:
        """The connections that got an answer; a library's last retry may be under way when its user leaves."""
        return [c for c in self.connections if c.status]

    def pcm(self, step: int) -> np.ndarray:
        """Return the samples that a step received."""
        data = base64.b64decode(self.steps[step]["pcm"])
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(float)

    def finals(self, step: int) -> list[dict[str, Any]]:
        """Return the final results that a step received."""
        return [r for r in self.steps[step]["results"] if r["final"]]

    def text(self, step: int) -> str:
        """Return the finals of a step as one text."""
        return " ".join(r["text"] for r in self.finals(step))


class Peer:
    """One client library's process; scenarios run side by side in it."""

    def __init__(self, client: str, log: Path) -> None:
        python = interpreter(client)
        if python is None:
            raise FileNotFoundError(
                f"The environment .bench/{client} is missing or out of date; make it with `make oracles` "
                "or `python -m bench.environments` (it needs a package index)."
            )
        self._log = log
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not k.startswith("SMALLEST_")}
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [str(python), "-m", "tests.oracles.harness", client],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd=ROOT,
                env=env | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}, start_new_session=True,
            )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            answer = json.loads(line)
            self._waiting.pop(answer["id"]).set_result(answer)
        for future in self._waiting.values():
            future.set_exception(RuntimeError(f"the client ended: {self._log.read_text(errors='replace')[-800:]}"))

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def play(self, plan: dict[str, Any]) -> Future[dict[str, Any]]:
        """Begin a scenario."""
        number, future = next(self._numbers), Future[dict[str, Any]]()
        self._waiting[number] = future
        self._process.stdin.write(json.dumps({"id": number, **plan}).encode() + b"\n")
        self._process.stdin.flush()
        return future

    def close(self) -> None:
        """End the process: it leaves when its stdin ends, else it is killed."""
        self._process.stdin.close()
        try:
            self._process.wait(_END_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_END_SECS)


class Peers:
    """The processes, each started when first needed, or needed again; what they log is left in a folder."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._peers: dict[str, Peer] = {}

    def start(self, scenario: Scenario, port: int, clips: list[str]) -> Playing:
        """Begin a scenario against the simulator at a port; a step ("hear", number, pace) means a clip.

        Raises:
            FileNotFoundError: The client's environment was not made.
        """
        peer = self._peers.get(scenario.client)
        if peer is None or peer.has_ended:
            peer = self._peers[scenario.client] = Peer(scenario.client, self._logs / f"{scenario.client}.log")
        steps = [[s[0], clips[s[1]], s[2]] if s[0] == "hear" else list(s) for s in scenario.steps]
        return Playing(peer, scenario, steps, port)

    def close(self) -> None:
        """End them all."""
        for peer in self._peers.values():
            peer.close()


class Playing:
    """A scenario under way."""

    def __init__(self, peer: Peer, scenario: Scenario, steps: list[list[Any]], port: int) -> None:
        self._tap = Tap(port)
        self._limit = scenario.limit
        plan = {"url": self._tap.url, "kind": scenario.kind, "key": scenario.key, "settings": scenario.settings,
                "steps": steps, "limit": scenario.limit}  # fmt: skip
        self._answer = peer.play(plan)
        self._run: Run | None = None

    def run(self) -> Run:
        """Wait for its end."""
        if self._run is None:
            answer = self._answer.result(self._limit + _PATIENCE)
            self._run = Run(answer["steps"], answer["events"], answer["error"], self._tap.connections)
            self._tap.close()
        return self._run
