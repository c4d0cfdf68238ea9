"""The `smallest-nb listen` command."""

from __future__ import annotations

import argparse
import signal
import threading
from types import FrameType

from smallest_nb.common.paths import as_path
from smallest_nb.notebook.listen.server import ListenServer
from smallest_nb.results.listening import Study

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("test", help="a file that ListeningTest.save has written, such as choice.json")
    parser.add_argument("--port", type=int, default=8770, help="port to listen on, 0 for a free one (default 8770)")
    parser.add_argument("--host", default="127.0.0.1",
                        help="address to listen on; 0.0.0.0 lets the network in (default 127.0.0.1)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    study = Study.load(as_path(args.test))
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    with ListenServer(study, port=args.port, host=args.host) as server:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, stop)
        print(f"Listeners open {server.url} (stop with Ctrl+C)", flush=True)  # noqa: T201 - a command
        if args.host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
            print("From other machines: put this machine's address in place of 127.0.0.1.", flush=True)  # noqa: T201
        stopped.wait()
    results = study.results
    through = sum(study.session(name).done for name in results.listeners)
    print(f"{len(results)} answers are kept; {through} of {len(results.listeners)} listeners are through.")  # noqa: T201
    return 0
