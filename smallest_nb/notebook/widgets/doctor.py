"""`snb.doctor()`: a widget in a notebook, a table in a terminal.

Not called `doctor.py`: a module of that name would take the function's place in the package once it is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smallest_nb.common.terminal import showable
from smallest_nb.notebook.doctor.checks import run_checks
from smallest_nb.notebook.doctor.hosts import shows_widgets

if TYPE_CHECKING:
    from smallest_nb.notebook.doctor.report import Report
    from smallest_nb.notebook.widgets.doctor_view import Doctor

__all__ = ["doctor"]


def doctor() -> Doctor | Report:
    """Say what works here, what does not, and what to do about it.

    Checks Python and packages, the front end, the kernel, the key (its last four characters and where it came from),
    the connection to the service, the simulator's engines, and in a notebook what the page can do. Opens no microphone
    and speaks nothing. What is slow ends within a minute, whatever the other side does.

    Returns:
        In a notebook a widget with `.report` and `.to_json()`; in a terminal, where the table is printed, the report.
    """
    if shows_widgets():
        from smallest_nb.notebook.widgets.doctor_view import Doctor  # noqa: PLC0415 - where Jupyter is

        return Doctor()
    report = run_checks()
    print(showable(report.to_text()))  # noqa: T201 - what it is for
    return report
