"""Which thread of the kernel handles the messages of a page: the one that the host names, for all of them.

JupyterLab 4.4 and later name a subshell in each message of a widget, so that a press is handled while a cell runs.
ipykernel 7.4 hands the messages of a comm to the thread that last sent on it instead: to the main thread, which may be
in a cell for minutes, or now to this one and now to that, so that a later message overtakes an earlier one.
"""

from __future__ import annotations

from typing import Any

__all__ = ["follow_host"]

_CHOOSES = "_reply_subshell_for"
"""ipykernel 7.4's function that chooses (`ipykernel/comm/comm.py`); others have none, and do as the host says."""


def follow_host(comm: Any) -> None:
    """Have the messages of a comm handled where the host says; None or a comm that chooses nothing is left alone."""
    if callable(getattr(comm, _CHOOSES, None)):
        setattr(comm, _CHOOSES, _as_named)


def _as_named(_data: Any, named: str | None) -> str | None:
    return named
