"""`smallest-nb cassette show|scrub|diff`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from smallest_nb.common.terminal import printable
from smallest_nb.errors import CassetteError, ConfigError
from smallest_nb.testing.cassette.diff import difference
from smallest_nb.testing.cassette.scrub import WHAT, scrub_cassette
from smallest_nb.testing.cassette.show import describe, save_sounds
from smallest_nb.testing.cassette.store import load, save
from smallest_nb.testing.cassette.tracks import MAX_MB

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    parser.add_argument("--max-mb", type=float, default=MAX_MB, metavar="MB",
                        help=f"millions of bytes of sound that a file may unpack to (default {MAX_MB:g})")  # fmt: skip
    commands = parser.add_subparsers(dest="action", required=True)
    show = commands.add_parser("show", help="what was sent, what was received, when")
    show.add_argument("file", type=Path)
    show.add_argument("--frames", action="store_true", help="every frame as it is")
    show.add_argument("--wav", type=Path, metavar="DIR", help="write the sound into this folder as WAV files")
    scrub = commands.add_parser("scrub", help="take texts or sound out of a cassette")
    scrub.add_argument("file", type=Path)
    for what in WHAT:
        scrub.add_argument(f"--{what}", action="append_const", dest="what", const=what, help=f"hide the {what}")
    scrub.add_argument("--out", type=Path, help="write there instead of over the file")
    compare = commands.add_parser("diff", help="how two cassettes differ; exit code 1 if they do")
    compare.add_argument("file", type=Path)
    compare.add_argument("other", type=Path)


def run(args: argparse.Namespace) -> int:
    """Run one of them; return the exit code."""
    try:
        cassette = load(args.file, max_mb=args.max_mb)
        if args.action == "diff":
            lines = difference(cassette, load(args.other, max_mb=args.max_mb), names=(str(args.file), str(args.other)))
            _print(lines)
            return 1 if lines else 0
        if args.action == "scrub":
            if not args.what:
                raise ConfigError("nothing to do; give --text, --audio or both.")
            save(scrub_cassette(cassette, args.what), args.out or args.file)
        else:
            _print(describe(cassette, frames=args.frames))
            for path in save_sounds(cassette, args.wav) if args.wav else ():
                _print([f"wrote {path}"])
    except CassetteError as error:
        raise ConfigError(str(error)) from error
    return 0


def _print(lines: Iterable[str]) -> None:
    try:
        for line in lines:
            sys.stdout.write(f"{printable(line)}\n")
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read enough; the rest of the buffer is discarded
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
