"""The second file of a cassette: its packed sound tracks, and how the two files are replaced as one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from smallest_nb.common.files import TEMPORARY
from smallest_nb.common.numbers import is_integer, is_number
from smallest_nb.errors import CassetteError, ConfigError
from smallest_nb.testing.cassette import sound
from smallest_nb.testing.cassette.frames import Session

__all__ = ["MAX_MB", "MB", "PackedTracks", "kept_beside", "limit_in_bytes", "read_sound_file"]

MAX_MB = 200.0
"""Millions of bytes of sound that a cassette may unpack to, and that is recorded, by default."""
MB = 10**6


def limit_in_bytes(max_mb: float) -> float:
    """Return the limit that the argument `max_mb` sets, in bytes.

    Raises:
        ConfigError: No number above 0.
    """
    if not is_number(max_mb) or not max_mb > 0:
        raise ConfigError(f"max_mb={max_mb!r} cannot be used; expected millions of bytes above 0.")
    return max_mb * MB


class PackedTracks:
    """The tracks that a cassette lists, checked as a whole before anything is unpacked."""

    def __init__(self) -> None:
        self._tracks: list[tuple[int, Session, str, int, int, int]] = []

    def add(self, session: Session, name: str, place: dict[str, Any], line: int) -> None:
        """Note a track.

        Args:
            session: Whose track it is.
            name: "up" or "down".
            place: Its place in the second file, from the session's line.
            line: The number of that line.

        Raises:
            CassetteError: It has another coding, or sizes that cannot be.
        """
        if place["coding"] != sound.CODING:
            raise CassetteError(f"the sound's coding {place['coding']!r} is not known.")
        numbers = [place[key] for key in ("at", "size", "bytes")]
        if any(not is_integer(n) or n < 0 for n in numbers):
            raise CassetteError(f"a track is at {numbers[0]!r}, {numbers[1]!r} long, {numbers[2]!r} unpacked.")
        self._tracks.append((line, session, name, *numbers))

    def check_size(self, path: Path, max_mb: float) -> None:
        """Refuse tracks that would unpack to too much.

        Raises:
            CassetteError: More than `max_mb`, or several tracks share their bytes, which no recording does.
        """
        limit = limit_in_bytes(max_mb)
        size = sum(track[5] for track in self._tracks)
        if size > limit:
            raise CassetteError(
                f"The cassette {path} unpacks to {size / MB:,.1f} MB of sound, more than {max_mb:g} MB; give max_mb= "
                "if that is what you recorded."
            )
        end = 0
        for line, _, _, at, length, _ in sorted(self._tracks, key=lambda track: track[3]):
            if at < end:
                raise CassetteError(f"{path}, line {line}: two tracks share their bytes; record it again.")
            end = at + length

    def unpacking(self, packed: bytes) -> Iterator[tuple[int, Callable[[], None]]]:
        """Yield the number of each track's line, and a function that unpacks the track.

        Args:
            packed: The second file.
        """
        for line, session, name, at, length, size in self._tracks:
            yield line, partial(_unpack, session, name, packed[at : at + length], length, size)


def _unpack(session: Session, name: str, coded: bytes, length: int, size: int) -> None:
    if len(coded) != length:
        raise CassetteError("its sound is missing; the file *.sound belongs beside the cassette.")
    setattr(session, name, bytearray(sound.decode(coded, size)))


def read_sound_file(path: Path, digest: str | None) -> bytes:
    """Return the second file of a cassette.

    If a process was killed between writing the two files, the former one is still there, under the name of a temporary
    file, and is found by its digest.

    Args:
        path: Where it should be.
        digest: Its SHA-256, or None if the cassette does not name one.

    Raises:
        CassetteError: It is another cassette's, or cannot be read.
    """
    try:
        data = path.read_bytes() if path.exists() else b""
        if digest is None or not data or hashlib.sha256(data).hexdigest() == digest:
            return data
        for other in path.parent.iterdir():
            if TEMPORARY.fullmatch(other.name) and hashlib.sha256(kept := other.read_bytes()).hexdigest() == digest:
                return kept
    except OSError as error:
        raise CassetteError(f"The sound {path} cannot be read: {error.strerror}.") from error
    raise CassetteError(f"{path} is not the sound of this cassette, or was changed; record it again.")


@contextmanager
def kept_beside(path: Path, replaced: Callable[[], bool]) -> Iterator[None]:
    """Keep a file under a temporary name while it and another one are replaced, and put it back if that fails.

    Args:
        path: The file that is replaced first.
        replaced: Returns whether the other one was replaced already; then both are new, and stay.
    """
    path = Path(os.path.realpath(path))
    existed = path.exists()
    kept = path.with_name(f".smallest-nb-{secrets.token_hex(8)}.tmp")
    try:
        if existed:
            _copy(path, kept)
        yield
    except BaseException:
        if replaced():
            pass  # interrupted after the last moment that counts
        elif kept.exists():
            os.replace(kept, path)  # noqa: PTH105 - as in files
        elif not existed:
            path.unlink(missing_ok=True)
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            kept.unlink()


def _copy(path: Path, kept: Path) -> None:
    try:
        os.link(path, kept)
    except (OSError, NotImplementedError, AttributeError):  # a file system without links
        kept.write_bytes(path.read_bytes())
