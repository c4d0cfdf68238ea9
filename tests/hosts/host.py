"""A host under test: a server process with folders of its own, and a page in a Chromium of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from environments import interpreter
from playwright.sync_api import BrowserContext

from tests.support.browser_evidence import watch_pages
from tests.support.chromiums import CHROMIUMS
from tests.support.lab import TAP

__all__ = ["HERE", "Host", "Probe", "free_port", "wait_for"]

HERE = Path(__file__).resolve().parent
START_SECS = 60
END_SECS = 20


def free_port() -> int:
    """Return a port that no process listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Any, seconds: float = 20.0) -> Any:
    """Poll until a condition returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"after {seconds:g} s still not: {what}"
        time.sleep(0.1)


class Probe:
    """The way into one kernel."""

    def __init__(self, place: Path) -> None:
        address = json.loads(place.read_text())
        self.pid: int = address["pid"]
        self._port: int = address["port"]

    @property
    def alive(self) -> bool:
        """Whether the kernel's process is there; one that ended and waits for its parent is not."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def _post(self, path: str, code: str) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/{path}", data=code.encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def eval(self, expression: str) -> Any:
        """Evaluate an expression in the kernel; it must give JSON data."""
        return self._post("eval", expression)

    def do(self, code: str) -> None:
        """Run statements in the kernel, on a thread of the probe's."""
        self._post("exec", code)


class Host:
    """A running host.

    Args:
        folder: For everything that it writes.
        env: Further environment variables of the server and its kernels.
    """

    name = ""
    package = ""
    """The distribution whose version goes into the table."""

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.probes = folder / "probes"
        self.work = folder / "work"
        for made in (self.probes, self.work):
            made.mkdir(parents=True)
        self.env = {**os.environ, **self._folders(), **(env or {})}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (folder / "server.log").open("a")
        self.prepare()
        self.start()

    def _folders(self) -> dict[str, str]:
        names = (
            "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_WORKSPACES_DIR",
            "JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME",
        )  # fmt: skip
        own = {name: str(self.folder / name.lower()) for name in names}
        # This checkout, whichever one the host's environment was made for.
        path = os.pathsep.join([str(HERE / "kernel"), str(HERE.parents[1])])
        return {**own, "SNB_PROBES": str(self.probes), "PYTHONPATH": path}

    @property
    def python(self) -> Path:
        """The interpreter that it runs in."""
        return interpreter(self.name)

    def version(self) -> str:
        """Return the host's own version."""
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        done = subprocess.run([self.python, "-c", code], check=True, capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    def prepare(self) -> None:
        """Write what it serves."""

    def command(self) -> list[str]:
        """Return its command line."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        self._process = subprocess.Popen(
            self.command(), env=self.env, cwd=self.work, stdout=self._log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_for(f"{self.name} listens", self._listens, START_SECS)

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self.folder / "server.log").read_text()[-3000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        try:
            self._process.wait(END_SECS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)  # the group is its own: it leads a session
            self._process.wait(END_SECS)

    def kernels(self) -> list[Probe]:
        """Return the kernels that are there, the newest last."""
        places = sorted(self.probes.glob("*.json"), key=lambda p: p.stat().st_mtime_ns)
        return [probe for probe in map(Probe, places) if probe.alive]

    def probe(self, seconds: float = START_SECS) -> Probe:
        """Return the newest kernel, waiting for it."""
        return wait_for("a kernel is there", self.kernels, seconds)[-1]

    def close(self) -> None:
        """End the server and what it left behind."""
        self.stop()
        self._log.close()
        deadline = time.monotonic() + END_SECS
        while (left := self.kernels()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for probe in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(probe.pid, signal.SIGKILL)

    @contextlib.contextmanager
    def browser(self, microphone: Path | None = None) -> Iterator[BrowserContext]:
        """Borrow a Chromium, its microphone a sound file's."""
        with self.browsers(1, microphone) as (context,):
            yield context

    @contextlib.contextmanager
    def browsers(self, count: int, microphone: Path | None = None) -> Iterator[list[BrowserContext]]:
        """Borrow several of them, each a process of its own."""
        scripts = (HERE / "census.js", TAP)
        log, test = self.folder / "server.log", os.environ.get("PYTEST_CURRENT_TEST")
        with contextlib.ExitStack() as stack:
            contexts = []
            for number in range(count):
                context = stack.enter_context(
                    CHROMIUMS.borrow(viewport=(1100, 1400), scripts=scripts, microphone=microphone, number=number)
                )
                stack.enter_context(watch_pages(context, log, test=test))
                contexts.append(context)
            yield contexts
