"""Which cell of the notebook runs."""

from __future__ import annotations

import sys

__all__ = ["current_cell"]


def current_cell() -> int | None:
    """Return the number of the cell that runs, or None outside IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    number = getattr(shell, "execution_count", None)
    return number if isinstance(number, int) else None
