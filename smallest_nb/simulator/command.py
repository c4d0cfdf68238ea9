"""The `smallest-nb simulate` command. Imports the server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence

from smallest_nb.catalog import canonical_model, tts_model
from smallest_nb.errors import ConfigError
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.server import Simulator

__all__ = ["add_arguments", "main", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--port", type=int, default=8765, help="port to listen on, 0 for a free one (default 8765)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--retired", action="append", default=[], metavar="MODEL",
                        help="answer HTTP 410 for this model, as the service does for lightning-v2")  # fmt: skip
    parser.add_argument("--first-audio", type=float, default=0.0, metavar="SECS", help="wait before the first chunk")
    parser.add_argument("--pace", type=float, metavar="X", help="send audio at most X times real time")
    parser.add_argument("--record", metavar="DIR", help="keep each session's wire log and audio here")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    try:
        retired = frozenset(canonical_model(m) for m in args.retired)
        for model in retired:
            tts_model(model)
        behaviour = Behaviour(retired=retired, first_audio_secs=args.first_audio, pace=args.pace)
        simulator = Simulator(port=args.port, host=args.host, behaviour=behaviour, record=args.record)
        asyncio.run(_serve(simulator))
    except ConfigError as error:
        print(f"smallest-nb simulate: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    return 0


async def _serve(simulator: Simulator) -> None:
    await simulator.start_async()
    print(  # noqa: T201 - a command
        f"Smallest AI simulator on {simulator.base_url} (espeak-ng speech, pocketsphinx hearing, English).\n"
        "Any key beginning with sk_ is taken. Stop it with Ctrl+C.",
        flush=True,
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises instead
            loop.add_signal_handler(getattr(signal, name), stopping.set)
    try:
        await stopping.wait()
    finally:
        await simulator.stop_async()


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="smallest-nb simulate", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(argv))
