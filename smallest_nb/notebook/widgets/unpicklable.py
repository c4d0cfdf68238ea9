"""Widgets refuse to be pickled and copied in words."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex

__all__ = ["Unpicklable"]

_DATA = ("settings", "takes", "transcript", "recording")


class Unpicklable:
    """Comes first among the bases of a widget: half of one is in the page, which no pickle can take along."""

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        data = [f"`{name}`" for name in _DATA if hasattr(type(self), name) or name in vars(self)]
        instead = f"; pickle or copy its {' and '.join(data)} instead" if data else "; make another one there"
        raise TypeError(f"A {type(self).__name__} lives in this kernel and cannot be pickled or copied{instead}.")

    def __copy__(self) -> NoReturn:
        self.__reduce_ex__(0)

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce_ex__(0)
