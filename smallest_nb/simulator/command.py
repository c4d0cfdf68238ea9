"""The `smallest-nb simulate` command."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence

from smallest_nb.errors import ConfigError
from smallest_nb.simulator.admission import describe_exposure
from smallest_nb.simulator.faults import Behaviour, describe_faults, parse_faults
from smallest_nb.simulator.hearing.engines import ENV_HEARING, HEARING, describe_hearing
from smallest_nb.simulator.latency import LATENCIES
from smallest_nb.simulator.report import JSONLines
from smallest_nb.simulator.server import Simulator
from smallest_nb.simulator.speech.piper_voice import ENV_SPEECH, describe_speech, read_speech

ENV_KEY = "SMALLEST_SIMULATOR_KEY"

__all__ = ["add_arguments", "main", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    faults = describe_faults()
    width = max(map(len, faults))
    parser.epilog = "\n".join([
        "faults (--fault NAME[=VALUE], or for one connection ?fault=NAME[=VALUE] or the header",
        "X-Simulator-Fault: NAME[=VALUE], ...):",
        *(f"  {name:<{width}}  {description}" for name, description in faults.items()),
    ])  # fmt: skip
    parser.add_argument("--port", type=int, default=8765, help="port to listen on, 0 for a free one (default 8765)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--key", help="accept this key only (default: every key that begins with sk_); "
                        "other local users can read a command line, so better set SMALLEST_SIMULATOR_KEY")  # fmt: skip
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                        help="a name under which clients may ask for it, beside localhost and addresses")  # fmt: skip
    parser.add_argument("--allow-origin", action="append", default=[], metavar="URL",
                        help="a web origin whose pages may use it, or * for all; else no web page may")  # fmt: skip
    parser.add_argument("--engine", choices=("speech", "signal"), default="speech",
                        help="speech: espeak-ng speaks and a recogniser hears English (default); "
                        "signal: tones that carry text, in any language, for load")  # fmt: skip
    parser.add_argument("--speech", metavar="VOICE",
                        help="espeak-ng (default), or piper:PATH.onnx, a Piper voice with its .onnx.json beside it "
                        f"(pip install piper-tts, GPL-3.0-or-later); {ENV_SPEECH} names another default")  # fmt: skip
    parser.add_argument("--hearing", choices=HEARING,
                        help=f"recogniser: moonshine (default), pocketsphinx, whisper (pip install faster-whisper) "
                        f"or signal; {ENV_HEARING} names another default")  # fmt: skip
    parser.add_argument(
        "--hearing-model", metavar="NAME|FOLDER", help="its model; a name is downloaded if it is not there"
    )
    parser.add_argument("--latency", choices=tuple(LATENCIES), default="none", help="let clients wait as published")
    parser.add_argument("--concurrency", type=int, default=10, metavar="N",
                        help="requests of one account at once (default 10)")  # fmt: skip
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=VALUE]", help="show a fault, see below")
    parser.add_argument("--retired", action="append", default=[], metavar="MODEL",
                        help="withdraw this model: HTTP 410, or an error frame on a socket")  # fmt: skip
    parser.add_argument("--log", choices=("text", "json", "none"), default="text", help="one line for each session")
    parser.add_argument("--record", metavar="DIR", help="keep each session's wire log and audio here")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    try:
        faults = parse_faults([*args.fault, *(f"retired={model}" for model in args.retired)])
        settings = {
            "hearing": args.hearing,
            "hearing_model": args.hearing_model,
            "engine": args.engine,
            "speech": args.speech,
            "latency": args.latency,
            "concurrency": args.concurrency,
            **faults,
        }
        behaviour = Behaviour(**settings)
        simulator = Simulator(
            port=args.port,
            host=args.host,
            behaviour=behaviour,
            record=args.record,
            key=args.key if args.key is not None else os.environ.get(ENV_KEY) or None,
            allowed_hosts=args.allow_host,
            allowed_origins=args.allow_origin,
        )
        _show_log(args.log)
        asyncio.run(_serve(simulator, recording=args.record is not None))
    except ConfigError as error:
        print(f"smallest-nb simulate: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    return 0


def _show_log(kind: str) -> None:
    if kind == "none":
        return
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JSONLines() if kind == "json" else logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("smallest_nb.simulator")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


async def _serve(simulator: Simulator, *, recording: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises instead
            loop.add_signal_handler(getattr(signal, name), stopping.set)
    await simulator.start_async()
    behaviour = simulator.behaviour
    speech = "a test signal of tones for speech, in any language"
    if behaviour.engine == "speech":
        speech = describe_speech(read_speech(behaviour.chosen_speech))
    hearing = describe_hearing(behaviour.chosen_hearing, behaviour.hearing_model)
    print(  # noqa: T201 - a command
        f"Smallest AI simulator on {simulator.base_url} ({speech}, {hearing}; "
        f"latency: {behaviour.latency}).\n"
        f"{'Any key beginning with sk_' if simulator.key is None else 'Only the given key'} is accepted. "
        "Stop it with Ctrl+C.",
        flush=True,
    )
    opened = describe_exposure(simulator.host, simulator.port, any_key=simulator.key is None, recording=recording)
    if opened:
        print(opened, flush=True)  # noqa: T201 - a command
    try:
        await stopping.wait()
    finally:
        await simulator.stop_async()


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="smallest-nb simulate", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(argv))
