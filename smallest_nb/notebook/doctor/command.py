"""The `smallest-nb doctor` command."""

from __future__ import annotations

import argparse

from smallest_nb.notebook.doctor.checks import run_checks

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = (
        "The exit code is 0 if nothing is red, else 1. What a page can do is shown by snb.doctor() in a notebook."
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for a bug report; it holds no key")


def run(args: argparse.Namespace) -> int:
    """Print the report."""
    report = run_checks()
    print(report.to_json() if args.json else report.to_text())  # noqa: T201 - a command
    return 0 if report.ok else 1
