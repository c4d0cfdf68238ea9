"""The `smallest-nb doctor` command. Imports examine."""

from __future__ import annotations

import argparse

from smallest_nb.notebook.doctor.examine import examine

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = (
        "Ends with 0 where nothing is red, else with 1. What a page can do is told by snb.doctor() in a notebook."
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for a bug report; it holds no key")


def run(args: argparse.Namespace) -> int:
    """Print the report."""
    report = examine()
    print(report.to_json() if args.json else report.to_text())  # noqa: T201 - a command
    return 0 if report.ok else 1
