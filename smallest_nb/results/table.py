"""Tables of results; pandas is an optional dependency and slow to import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["make_table"]


def make_table(rows: Iterable[Sequence[Any] | Mapping[str, Any]], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return a DataFrame.

    Args:
        rows: Values in the order of the columns, or by name.
        columns: Their names; None takes them from the rows.

    Raises:
        ConfigError: pandas is missing.
    """
    try:
        import pandas as pd  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError("A DataFrame needs pandas: pip install 'smallest-nb[data]'.") from error
    return pd.DataFrame(list(rows), columns=None if columns is None else list(columns))
