"""Writes the README's table of hosts from what came of their tests: `python scripts/host_table.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOSTS = ROOT / "tests" / "hosts"
README = ROOT / "README.md"
START = "<!-- hosts: written by scripts/host_table.py from tests/hosts/results.json -->"
END = "<!-- end of hosts -->"
_SIGNS = {True: "works", False: "**fails**", None: "not run"}


def table() -> str:
    """Return the table, tested hosts first."""
    tested: list[dict[str, Any]] = json.loads((HOSTS / "results.json").read_text(encoding="utf-8"))
    others: list[dict[str, str]] = json.loads((HOSTS / "unreachable.json").read_text(encoding="utf-8"))
    lines = ["| Host | Audition | Transcription | Lifecycle | Remarks |", "|---|---|---|---|---|"]
    for row in tested:
        signs = [_SIGNS.get(row[job], row[job]) for job in ("audition", "transcription")]
        cells = [f"{row['host']} {row['version']}", *signs, _lifecycle(row["lifecycle"]), row["notes"]]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        f"| {row['host']} | untested | untested | untested | {row['reason']}. {_expected(row)} |" for row in others
    ]
    return "\n".join(lines)


def _lifecycle(outcomes: dict[str, bool]) -> str:
    if not outcomes:
        return "not run"
    failed = [name for name, passed in outcomes.items() if not passed]
    return f"**fails**: {', '.join(failed)}" if failed else f"{len(outcomes)} of {len(outcomes)}"


def _expected(row: dict[str, str]) -> str:
    text = row["expect"]
    return text[0].upper() + text[1:] + "."


def with_table(readme: str) -> str:
    """Return the README with the table of today between its marks.

    Raises:
        ValueError: The marks are missing.
    """
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"README.md has no place for the table; expected the lines {START!r} and {END!r}.")
    return f"{before}{START}\n{table()}\n{END}{after}"


def main() -> int:
    """Write it."""
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
