"""One line of the doctor's table, and the table."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal, get_args

from smallest_nb.common.markup import text_html
from smallest_nb.common.terminal import printable

__all__ = ["GROUPS", "PENDING", "Check", "Report", "Status"]

Status = Literal["green", "amber", "red", "unknown"]

GROUPS = {
    "python": "Python",
    "front": "Front end",
    "kernel": "Kernel",
    "service": "Key and service",
    "simulator": "Simulator",
    "page": "Page",
}
"""What a check's id begins with, and the name of that group."""

PENDING = "still checking"
"""What a line says before its check is done."""

_SIGNS: dict[Status, str] = {"green": "✓", "amber": "!", "red": "✗", "unknown": "?"}
_LONGEST = 400
_KEY = re.compile(r"\bsk_[A-Za-z0-9_-]{4,}")


def _clean(text: str) -> str:
    """Return a text without a key, without control characters, and of a length that a table can hold."""
    clean = printable(_KEY.sub("sk_***", text)).replace("\n", " ")
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        id: Group and name, such as "service.key".
        title: What it is, for people.
        status: "green", "amber" (works, with a limit), "red" (does not work) or "unknown" (could not be checked).
        found: What was found, in a few words.
        fix: What to do about it, or empty.
    """

    id: str
    title: str
    status: Status
    found: str
    fix: str = ""

    def __post_init__(self) -> None:
        if self.status not in get_args(Status) or self.id.partition(".")[0] not in GROUPS:
            raise ValueError(f"{self.id!r} with status {self.status!r} is not a check.")
        # What others say (a server, a proxy) may be anything.
        for name in ("found", "fix"):
            object.__setattr__(self, name, _clean(getattr(self, name)))

    @property
    def group(self) -> str:
        """The name of the check's group."""
        return GROUPS[self.id.partition(".")[0]]


class Report:
    """All checks, in the order of their groups.

    Args:
        checks: In any order; of two with the same id the later counts.
    """

    def __init__(self, checks: Iterable[Check] = ()) -> None:
        last = {c.id: c for c in checks}
        order = list(GROUPS)
        self.checks = tuple(sorted(last.values(), key=lambda c: order.index(c.id.partition(".")[0])))
        self.made = datetime.now(UTC)

    def __getitem__(self, name: str) -> Check:
        found = next((c for c in self.checks if c.id == name), None)
        if found is None:
            raise KeyError(f"{name!r} was not checked; there are {', '.join(c.id for c in self.checks)}.")
        return found

    def with_checks(self, checks: Iterable[Check]) -> Report:
        """Return a report in which these checks are added or take the place of their older selves."""
        return Report((*self.checks, *checks))

    @property
    def ok(self) -> bool:
        """Whether nothing is red."""
        return all(c.status != "red" for c in self.checks)

    def summary(self) -> str:
        """Return how many lines have which status: "20 green, 2 amber"."""
        many = Counter(c.status for c in self.checks)
        return ", ".join(f"{many[s]} {s}" for s in _SIGNS if many[s]) or "nothing was checked"

    def to_rows(self) -> list[dict[str, str]]:
        """Return the lines as JSON data."""
        return [{**asdict(c), "group": c.group} for c in self.checks]

    def to_json(self) -> str:
        """Return the report for a bug report; it holds no key and no path of this machine."""
        report: dict[str, Any] = {
            "smallest_nb": version("smallest-nb"),
            "made": self.made.isoformat(timespec="seconds"),
            "summary": self.summary(),
            "checks": [asdict(c) for c in self.checks],
        }
        return json.dumps(report, indent=1, ensure_ascii=False)

    def to_text(self) -> str:
        """Return the table for a terminal."""
        wide = max((len(c.title) for c in self.checks), default=0)
        lines: list[str] = []
        group = ""
        for check in self.checks:
            if check.group != group:
                group = check.group
                lines += ["", group]
            lines.append(f"  {_SIGNS[check.status]} {check.status:<8}{check.title:<{wide}}  {check.found}")
            if check.fix:
                lines.append(f"{'':<{wide + 14}}-> {check.fix}")
        return "\n".join([*lines[1:], "", self.summary()])

    def __repr__(self) -> str:
        return f"Report({self.summary()})"

    def _repr_html_(self) -> str:
        rows: list[str] = []
        group = ""
        for check in self.checks:
            if check.group != group:
                group = check.group
                rows.append(f'<tr><th colspan="3" style="text-align:left">{text_html(group)}</th></tr>')
            found = text_html(check.found) + (f"<br><i>{text_html(check.fix)}</i>" if check.fix else "")
            cells = (f"{_SIGNS[check.status]} {check.status}", text_html(check.title), found)
            rows.append("<tr>" + "".join(f'<td style="text-align:left">{c}</td>' for c in cells) + "</tr>")
        return f"<table>{''.join(rows)}</table><p>{text_html(self.summary())}</p>"
