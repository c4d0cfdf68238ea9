"""All takes of a tuner, bounded by memory."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.common.numbers import is_integer
from smallest_nb.errors import ConfigError
from smallest_nb.results.table import make_table
from smallest_nb.results.takes import storage
from smallest_nb.results.takes.compare import differences
from smallest_nb.results.takes.contact_sheet import ContactSheet, table_html
from smallest_nb.results.takes.take import Take

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Takes"]

_log = logging.getLogger(__name__)
_MAX_NOTIFICATIONS = 16
_MAX_ROWS = 50


class Takes(Sequence[Take]):
    """All takes, bounded by memory: the oldest without a star are dropped first, then the oldest with one.

    The one just added stays, so that it can be played and starred; one that is larger than the bound by itself is
    not kept at all. Indices are places, from the oldest; :meth:`get` goes by number. It can be pickled and copied; the
    copy calls no `on_change`.

    Args:
        max_bytes: Bytes of sound that may be kept.
        on_change: Called after each change. It may change the takes itself; it is then called once more
            afterwards, not from within.

    Attributes:
        max_bytes: As given.
        dropped: How many were dropped for lack of memory since the last `clear`.

    Raises:
        ConfigError: A `max_bytes` that is not a positive whole number.
    """

    def __init__(self, *, max_bytes: int = 256 * 2**20, on_change: Callable[[], None] | None = None) -> None:
        if not is_integer(max_bytes) or max_bytes < 1:
            raise ConfigError(f"max_bytes={max_bytes!r} cannot be used; expected a whole number from 1.")
        self.max_bytes = max_bytes
        self.dropped = 0
        self._on_change = on_change
        self._lock = threading.RLock()  # auditions add on the background loop, cells load and delete on their own
        self._takes: list[Take] = []  # replaced, never changed in place: readers need no lock
        self._latest = 0
        self._deleted: set[str] = set()
        self._notifying = self._notify_again = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Takes):
            return NotImplemented
        return self is other or self._takes == other._takes

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = {name: value for name, value in vars(self).items() if name != "_lock"}
            return {
                **state, "_on_change": None, "_takes": list(self._takes), "_deleted": set(self._deleted),
                "_notifying": False, "_notify_again": False,
            }  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """Bytes of sound that are kept."""
        return sum(len(t.clip.pcm) for t in self._takes)

    @property
    def next_number(self) -> int:
        """The number for the next take; numbers are never used twice, also after a delete."""
        return self._latest + 1

    def add(self, take: Take, *, renumber: bool = False) -> list[Take]:
        """Add a take.

        Args:
            take: The take.
            renumber: Give it the next free number if its own is taken by now.

        Returns:
            The takes that were dropped for it, oldest first; the take itself if it alone is too large.

        Raises:
            ConfigError: Its number is taken.
        """
        with self._lock:
            if any(t.number == take.number for t in self._takes):
                if not renumber:
                    raise ConfigError(
                        f"There is a take {take.number} already; the next free number is {self.next_number}."
                    )
                take.number = self.next_number
            gone = self._put([take])
        self._notify()
        return gone

    def _put(self, takes: Iterable[Take]) -> list[Take]:
        gone: list[Take] = []
        for take in takes:
            self._latest = max(self._latest, take.number)
            gone += self._room_for(take)
        self.dropped += len(gone)
        return gone

    def _room_for(self, take: Take) -> list[Take]:
        size = len(take.clip.pcm)
        if size > self.max_bytes:
            return [take]
        excess = self.size + size - self.max_bytes
        gone: list[Take] = []
        for candidate in sorted(self._takes, key=lambda t: t.starred):  # stable: within each, the oldest first
            if excess <= 0:
                break
            gone.append(candidate)
            excess -= len(candidate.clip.pcm)
        self._takes = [*(t for t in self._takes if t not in gone), take]
        return gone

    def get(self, number: int) -> Take:
        """Return a take by its number.

        Raises:
            ConfigError: There is none, with the numbers that there are.
        """
        for take in self._takes:
            if take.number == number:
                return take
        known = _ranges([t.number for t in self._takes])
        raise ConfigError(f"There is no take {number!r}; {f'there are {known}' if known else 'there are none yet'}.")

    def star(self, number: int, on: bool = True) -> None:
        """Set or remove the star that keeps a take before the others.

        Raises:
            ConfigError: There is no such take.
        """
        take = self.get(number)
        if take.starred != bool(on):
            take.starred = bool(on)
            self._notify()

    def note(self, number: int, text: str) -> None:
        """Add a remark to a take, in place of the former one.

        Raises:
            ConfigError: There is no such take, or this is not text.
        """
        take = self.get(number)
        if not isinstance(text, str):
            raise ConfigError(f"A note must be text; got {type(text).__name__}.")
        if take.note != text:
            take.note = text
            self._notify()

    def delete(self, number: int) -> None:
        """Remove a take, at the next save from the folder too.

        Raises:
            ConfigError: There is no such take.
        """
        with self._lock:
            take = self.get(number)
            self._takes = [t for t in self._takes if t is not take]
            self._deleted.add(take.uid)
        self._notify()

    def restore(self, take: Take) -> None:
        """Put back a take that was deleted, where it was; one that is there stays as it is.

        Its number is its own again unless another take has it by now; the oldest takes make room, as for a new one.
        """
        with self._lock:
            if any(t.uid == take.uid for t in self._takes):
                return
            if any(t.number == take.number for t in self._takes):
                take.number = self.next_number
            self._deleted.discard(take.uid)
            self._put([take])
            others = [t for t in self._takes if t is not take]
            if len(others) < len(self._takes):
                at = next((i for i, t in enumerate(others) if t.number > take.number), len(others))
                self._takes = [*others[:at], take, *others[at:]]
        self._notify()

    def clear(self) -> None:
        """Remove all takes from memory; what was saved stays in its folder."""
        with self._lock:
            if not self._takes and not self.dropped:
                return
            self._takes = []
            self.dropped = 0
        self._notify()

    def compare(self, a: int | Take, b: int | Take) -> str:
        """Return in one line how the second take differs from the first.

        Args:
            a: A take or its number.
            b: A take or its number.

        Raises:
            ConfigError: There is no such take.
        """
        first, second = (t if isinstance(t, Take) else self.get(t) for t in (a, b))
        found = "; ".join(differences(first, second)) or "no difference"
        return f"Take {second.number} against take {first.number}: {found}"

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write all takes into a folder: takes.json, and take-001.wav and so on.

        Takes that the folder holds from earlier stay there, unless they were removed here with :meth:`delete`.
        Other files are never overwritten: if a name is taken, the sound goes to take-001-2.wav and so on.

        Returns:
            The folder.

        Raises:
            ConfigError: The folder cannot be written, or holds a takes.json that is not ours.
        """
        return storage.write(self._takes, folder, without=self._deleted)

    def load(self, folder: str | os.PathLike[str]) -> int:
        """Append the takes of a folder; if a number is taken, the take gets the next free one.

        Returns:
            How many were appended; fewer than the folder holds if memory does not suffice.

        Raises:
            ConfigError: A file is missing or broken; nothing is loaded then.
        """
        # Into a collection of the same size first: all or nothing, and never more than twice the memory.
        loaded = Takes(max_bytes=self.max_bytes)
        total = 0
        for read in storage.read(folder, max_bytes=self.max_bytes):
            total += 1
            if read is None:
                loaded.dropped += 1
            else:
                loaded._put([read])
        with self._lock:
            self._append(loaded)
        if total:
            self._notify()
        return sum(t in self._takes for t in loaded)

    def _append(self, loaded: Takes) -> None:
        uids = {t.uid for t in self._takes}
        taken = {t.number for t in self._takes}
        self._latest = max(self._latest, loaded._latest)
        for take in loaded:
            if take.number in taken:
                take.number = self.next_number
                self._latest += 1
            taken.add(take.number)
            if take.uid in uids:  # loaded twice: the second is a take of its own
                take.uid = uuid.uuid4().hex
            uids.add(take.uid)
            self._deleted.discard(take.uid)
        self._put(loaded)
        self.dropped += loaded.dropped

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per take, with a column for each setting; `extra` only if some take has it.

        Raises:
            ConfigError: pandas is missing.
        """
        figures = ("number made text characters duration_s ttfb_ms total_s rtf starred note").split()
        settings = list(SmallestTTSSettings.specs())
        settings += ["extra"] if any(t.settings.extra for t in self._takes) else []
        rows = [
            [
                t.number, t.made, t.text, t.characters, t.duration, t.ttfb_ms, t.total_s, t.rtf, t.starred, t.note,
                *(_cell(getattr(t.settings, name)) for name in settings),
            ]
            for t in self._takes
        ]  # fmt: skip
        return make_table(rows, [*figures, *settings])

    def contact_sheet(self, *, max_kb: int = 1000) -> ContactSheet:
        """Return the takes with their sound, to be left as the last value of a cell: it plays without a kernel.

        Args:
            max_kb: Kilobytes that the sound may add to the notebook, shared among the takes; a take whose share is too
                small for it is cut, with a note.

        Raises:
            ConfigError: A size that is no whole number from 0.
        """
        return ContactSheet(self._takes, max_kb=max_kb)

    @overload
    def __getitem__(self, index: int) -> Take: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Take, ...]: ...
    def __getitem__(self, index: int | slice) -> Take | tuple[Take, ...]:
        return tuple(self._takes[index]) if isinstance(index, slice) else self._takes[index]

    def __len__(self) -> int:
        return len(self._takes)

    def __iter__(self) -> Iterator[Take]:
        return iter(tuple(self._takes))  # on_change may delete while someone goes through them

    def __repr__(self) -> str:
        starred = sum(t.starred for t in self._takes)
        parts = [f"{len(self)} {'take' if len(self) == 1 else 'takes'}", f"{starred} starred" if starred else ""]
        parts += [f"{self.size / 2**20:.1f} MB", f"{self.dropped} dropped" if self.dropped else ""]
        return f"Takes({', '.join(filter(None, parts))})"

    def _repr_html_(self) -> str:
        if not self._takes:
            return "<p>No takes yet.</p>"
        older = len(self) - _MAX_ROWS
        more = f"<caption>and {older} older</caption>" if older > 0 else ""
        return table_html(self[-_MAX_ROWS:], caption=more)

    def _notify(self) -> None:
        """Call `on_change`; if it changes the takes itself, call it once more when it has returned."""
        if self._on_change is None:
            return
        if self._notifying:
            self._notify_again = True
            return
        self._notifying = True
        try:
            for _ in range(_MAX_NOTIFICATIONS):
                self._notify_again = False
                try:
                    self._on_change()
                except Exception:
                    _log.exception("on_change failed")
                if not self._notify_again:
                    break
            else:
                _log.warning("on_change changes the takes each time it is called; it is not called again")
        finally:
            self._notifying = self._notify_again = False


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers as people write them: 1 to 4, 7."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(a) if a == b else f"{a} to {b}" if b > a + 1 else f"{a}, {b}" for a, b in ranges)
