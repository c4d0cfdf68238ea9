"""Writes files beside their place and renames them, so that the former file or the whole new one is there.

What is being written has a name of its own, `.smallest-nb-<16 hexadecimal digits>.tmp`, in the folder of the file. It
is removed on every failure and interrupt. One may stay behind only if the process is killed; nothing reads it, and it
can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["TEMPORARY", "append_line", "check_writable", "copy_folder", "create_file", "sync_folder", "write_file"]

TEMPORARY = re.compile(r"\.smallest-nb-[0-9a-f]{16}\.tmp")
"""The names of what is being written."""
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS


def write_file(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file, in place of the former one if there is one.

    A link is followed, the permissions of the former file are kept, and a device or pipe is written to as it is.

    Args:
        path: The file; its folder must be there.
        data: All of its content.

    Returns:
        The path as it was given.

    Raises:
        OSError: It cannot be written; it is then as it was before, or missing.
    """
    target = Path(os.path.realpath(path))
    with _naming(path):
        former = _stat(target)
        if former is not None and not stat.S_ISREG(former.st_mode):
            with open(target, "wb") as file:  # noqa: PTH123 - a folder raises what it should
                file.write(data)
            return Path(path)
        if former is not None and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")
        with _written_to_temporary(target, data, former) as fresh:
            os.replace(fresh, target)  # noqa: PTH105 - names, not paths
        sync_folder(target.parent)
    return Path(path)


def create_file(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file that is not there yet; it appears as a whole.

    Raises:
        FileExistsError: It is there.
        OSError: It cannot be written.
    """
    target = Path(path)
    with _naming(path):
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with _written_to_temporary(target, data, None) as fresh:
            _move_without_replacing(fresh, target)
        sync_folder(target.parent)
    return target


def append_line(path: str | os.PathLike[str], line: str) -> None:
    """Append a line of text to a log, all of it or nothing.

    Raises:
        OSError: It cannot be written; the file is as long as before.
    """
    data = memoryview(f"{line}\n".encode("utf-8", "backslashreplace"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _FLAGS, 0o666)
    try:
        before = os.fstat(descriptor).st_size
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except BaseException:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder with all that is in it; it appears as a whole.

    Raises:
        OSError: It cannot be copied, or the target is there.
    """
    fresh = target.parent / _temporary_name()
    try:
        shutil.copytree(source, fresh)
        fresh.rename(target)  # a folder that is there and not empty is not replaced
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def check_writable(path: Path) -> None:
    """Check that a file could be written, without changing what is there.

    Raises:
        OSError: It could not.
    """
    target = Path(os.path.realpath(path))
    with _naming(path):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")
        with _written_to_temporary(target, b"", None):
            pass


def _temporary_name() -> str:
    return f".smallest-nb-{secrets.token_hex(8)}.tmp"


@contextmanager
def _written_to_temporary(target: Path, data: bytes, former: os.stat_result | None) -> Iterator[Path]:
    """Write a file under a temporary name, synced to the disk, and remove what is left under that name afterwards."""
    fresh = target.with_name(_temporary_name())  # no other process has it: 64 random bits, and O_EXCL
    try:
        with os.fdopen(os.open(fresh, _NEW, 0o666), "wb") as file:
            file.write(data)
            file.flush()
            if former is not None:
                _copy_owner_and_mode(file.fileno(), former)
            os.fsync(file.fileno())
        yield fresh
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()


def _copy_owner_and_mode(descriptor: int, former: os.stat_result) -> None:
    """Copy the owner and the permissions of the former file, as far as the system allows."""
    if hasattr(os, "fchown") and os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.fchown(descriptor, former.st_uid, former.st_gid)
    if hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, stat.S_IMODE(former.st_mode))


def _move_without_replacing(fresh: Path, target: Path) -> None:
    try:
        os.link(fresh, target)  # unlike a rename, this never replaces a file
    except FileExistsError:
        raise
    except (OSError, NotImplementedError, AttributeError):  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        fresh.rename(target)


def sync_folder(folder: Path) -> None:
    """Sync the new name to the disk too, if the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stat(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Make errors name the file that was to be written, not the temporary one."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        del error.filename2  # None would be shown: 'sound.wav' -> None
        raise
