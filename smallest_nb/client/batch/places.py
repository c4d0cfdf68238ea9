"""Where a batch reads and writes: folders and files of this machine, and of every store that fsspec knows.

A folder of this machine is written in two steps, `put` under a temporary name and `commit`, between which the manifest
gets its line. A store such as S3 shows an object as a whole and has no cheap rename: there `put` writes the object in
one call (a file object of fsspec would commit half an object after an error), and `commit` has nothing to do. A server
such as SFTP shows half a file: there the two steps are those of a folder.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from smallest_nb.common.files import sync_folder
from smallest_nb.common.paths import as_path
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    from smallest_nb.client.batch.folder_lock import Lock

__all__ = [
    "Folder",
    "LocalFolder",
    "RemoteFolder",
    "find_files",
    "fingerprint_of",
    "is_url",
    "open_folder",
    "read_file",
]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://", re.ASCII)
_WILD = re.compile(r"[*?\[]")
_TEMPORARY = re.compile(r"\.smallest-nb-batch-[0-9a-f]{16}\.tmp")
_BLOCK = 2**20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "hf", "memory"})
"""What shows an object only once it is complete."""
_TAGS = ("ETag", "etag", "md5Hash", "LastModified", "mtime", "created")
"""What stores call a version of an object, the best first."""


class Folder(Protocol):
    """A folder that a batch writes to.

    Attributes:
        name: As messages name it.
    """

    name: str

    def put(self, name: str, data: bytes) -> str:
        """Write a file; return its temporary name, or "" if it is in its place already."""

    def commit(self, temporary: str, name: str) -> None:
        """Give a file its name, in place of a former one."""

    def drop(self, temporary: str) -> None:
        """Remove what was put and is not wanted."""

    def has(self, name: str) -> bool:
        """Whether a file is there."""

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            ConfigError: It cannot be read.
        """

    def read_log(self) -> bytes:
        """Return all lines of the manifest; empty if there is none."""

    def append_log(self, lines: bytes) -> None:
        """Append lines to the manifest, all or none; they are on the disk when it returns."""

    def replace_log(self, lines: bytes) -> None:
        """Write the manifest again, as a whole."""

    def join_log(self) -> None:
        """Make one file of the manifest's parts."""

    def lock(self) -> Lock:
        """Return what keeps another run out of this folder, not acquired yet."""

    def clean(self) -> None:
        """Remove what killed runs left under temporary names. The caller holds the lock."""


def is_url(path: object) -> bool:
    """Whether a path is for fsspec, such as `s3://bucket/name`."""
    return isinstance(path, str) and _URL.match(path) is not None


def open_folder(path: str | os.PathLike[str]) -> Folder:
    """Return a folder, made if necessary.

    Raises:
        ConfigError: It cannot be made, is a file, or fsspec is missing.
    """
    if not is_url(path):
        return LocalFolder(as_path(path))
    scheme, _, rest = str(path).partition("://")
    return LocalFolder(as_path(rest)) if scheme in ("file", "local") else RemoteFolder(str(path))


class LocalFolder:
    """A folder of this machine."""

    LOG = "manifest.jsonl"

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.path = path
        self._made: set[str] = set()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder {path} cannot be made: {error.strerror or error}.") from error

    def put(self, name: str, data: bytes) -> str:
        """See :class:`Folder`."""
        folder, slash, _ = name.rpartition("/")
        if folder not in self._made:
            (self.path / folder).mkdir(parents=True, exist_ok=True)
            self._made.add(folder)
        temporary = f"{folder}{slash}.smallest-nb-batch-{secrets.token_hex(8)}.tmp"
        path = f"{self.name}/{temporary}"
        descriptor = os.open(path, _NEW, 0o666)  # a batch writes thousands: file objects and paths would cost more
        try:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except BaseException:
            self.drop(temporary)
            raise
        return temporary

    def commit(self, temporary: str, name: str) -> None:
        """See :class:`Folder`."""
        os.replace(f"{self.name}/{temporary}", f"{self.name}/{name}")  # noqa: PTH105 - names, as above

    def drop(self, temporary: str) -> None:
        """See :class:`Folder`."""
        (self.path / temporary).unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """See :class:`Folder`."""
        return (self.path / name).is_file()

    def read(self, name: str) -> bytes:
        """See :class:`Folder`."""
        return _read_local(self.path / name)

    def read_log(self) -> bytes:
        """See :class:`Folder`."""
        try:
            return (self.path / self.LOG).read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise ConfigError(f"{self.path / self.LOG} cannot be read: {error.strerror or error}.") from error

    def append_log(self, lines: bytes) -> None:
        """See :class:`Folder`."""
        with (self.path / self.LOG).open("ab") as file:
            before = file.tell()
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                with contextlib.suppress(OSError):
                    os.ftruncate(file.fileno(), before)
                raise

    def replace_log(self, lines: bytes) -> None:
        """See :class:`Folder`."""
        self.commit(self.put(self.LOG, lines), self.LOG)
        sync_folder(self.path)

    def join_log(self) -> None:
        """See :class:`Folder`."""

    def lock(self) -> Lock:
        """See :class:`Folder`."""
        from smallest_nb.client.batch.folder_lock import LocalLock  # noqa: PLC0415 - each kind needs only its own

        return LocalLock(self.path)

    def clean(self) -> None:
        """See :class:`Folder`."""
        for place, _, names in os.walk(self.path):
            for name in names:
                if _TEMPORARY.fullmatch(name):
                    (Path(place) / name).unlink(missing_ok=True)


class RemoteFolder:
    """A folder of a store that fsspec knows.

    An object cannot be appended to: the manifest is in parts, one for each time that finished items are noted, until a
    run joins them.
    """

    LOG = "manifest.jsonl"
    _PARTS = "manifest.parts"

    def __init__(self, url: str) -> None:
        self.name = url
        self._store, self._root = _store_of(url)
        self._root = self._root.rstrip("/")
        protocol = self._store.protocol
        self._is_whole = bool(_OBJECT_STORES & {protocol, *([] if isinstance(protocol, str) else protocol)})
        self._parts = 0
        self._run = f"{time.time_ns():020d}-{secrets.token_hex(4)}"  # parts are read in the order of time
        try:
            self._store.makedirs(self._root, exist_ok=True)
        except Exception as error:
            raise ConfigError(f"The folder {url} cannot be made ({type(error).__name__}: {error}).") from error

    def put(self, name: str, data: bytes) -> str:
        """See :class:`Folder`."""
        folder, slash, last = name.rpartition("/")
        temporary = "" if self._is_whole else f"{folder}{slash}.smallest-nb-batch-{secrets.token_hex(8)}.tmp"
        path = self._path(temporary or f"{folder}{slash}{last}")
        self._store.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            self._store.pipe_file(path, data)
        except BaseException:
            if temporary:
                self.drop(temporary)
            raise
        return temporary

    def commit(self, temporary: str, name: str) -> None:
        """See :class:`Folder`."""
        if temporary:
            if self.has(name):  # a server may refuse to rename over a file
                self._store.rm_file(self._path(name))
            self._store.mv(self._path(temporary), self._path(name))

    def drop(self, temporary: str) -> None:
        """See :class:`Folder`."""
        if temporary:
            with contextlib.suppress(Exception):  # it may not be there
                self._store.rm_file(self._path(temporary))

    def has(self, name: str) -> bool:
        """See :class:`Folder`."""
        return bool(self._store.isfile(self._path(name)))

    def read(self, name: str) -> bytes:
        """See :class:`Folder`."""
        return _read_remote(self._store, self._path(name), f"{self.name}/{name}")

    def read_log(self) -> bytes:
        """See :class:`Folder`."""
        self._store.invalidate_cache()
        pieces = []
        if self._store.isfile(self._path(self.LOG)):
            pieces.append(bytes(self._store.cat_file(self._path(self.LOG))))
        pieces += [bytes(self._store.cat_file(path)) for path in self._part_paths()]
        return b"".join(piece if piece.endswith(b"\n") or not piece else piece + b"\n" for piece in pieces)

    def _part_paths(self) -> list[str]:
        folder = self._path(self._PARTS)
        return sorted(self._store.find(folder)) if self._store.isdir(folder) else []

    def append_log(self, lines: bytes) -> None:
        """See :class:`Folder`."""
        self._parts += 1
        self._write(f"{self._PARTS}/{self._run}-{self._parts:08d}.jsonl", lines)

    def replace_log(self, lines: bytes) -> None:
        """See :class:`Folder`."""
        parts = self._part_paths()
        self._write(self.LOG, lines)
        if parts:
            self._store.rm(parts)

    def _write(self, name: str, data: bytes) -> None:
        self.commit(self.put(name, data), name)

    def join_log(self) -> None:
        """See :class:`Folder`."""
        if self._part_paths():
            self.replace_log(self.read_log())

    def lock(self) -> Lock:
        """See :class:`Folder`."""
        from smallest_nb.client.batch.folder_lock import RemoteLock  # noqa: PLC0415

        return RemoteLock(self._store, self._root, self.name)

    def clean(self) -> None:
        """See :class:`Folder`."""
        if not self._is_whole:
            for path in self._store.find(self._root):
                if _TEMPORARY.fullmatch(path.rpartition("/")[2]):
                    self._store.rm_file(path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def _store_of(url: str) -> tuple[Any, str]:
    """Return fsspec's file system of a URL and the path in it."""
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError(f"{url} needs fsspec: pip install 'smallest-nb[remote]'.") from None
    try:
        store, path = url_to_fs(url)
    except ImportError as error:  # s3fs, gcsfs and the like are packages of their own
        raise ConfigError(f"{url} cannot be opened: {error}") from error
    except Exception as error:
        raise ConfigError(f"{url} cannot be opened ({type(error).__name__}: {error}).") from error
    return store, path


def read_file(path: str) -> bytes:
    """Return the content of a file, of this machine or at a URL.

    Raises:
        ConfigError: It cannot be read.
    """
    if not is_url(path):
        return _read_local(as_path(path))
    store, inner = _store_of(path)
    return _read_remote(store, inner, path)


def _read_local(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error


def _read_remote(store: Any, path: str, shown: str) -> bytes:
    try:
        return bytes(store.cat_file(path))
    except FileNotFoundError:
        raise ConfigError(f"{shown} does not exist.") from None
    except Exception as error:
        raise ConfigError(f"{shown} cannot be read ({type(error).__name__}: {error}).") from error


def fingerprint_of(path: str, *, content: bool) -> dict[str, Any]:
    """Return what tells whether a file is still the same.

    Args:
        path: The file, of this machine or at a URL.
        content: Whether to read it, for the hash of its content; else size and time, or the store's own tag, suffice.

    Raises:
        ConfigError: It cannot be read.
    """
    if is_url(path):
        store, inner = _store_of(path)
        try:
            info = store.info(inner)
        except Exception as error:
            raise ConfigError(f"{path} cannot be read ({type(error).__name__}: {error}).") from error
        tag = next((str(info[name]) for name in _TAGS if name in info), "")
        found: dict[str, Any] = {"size": info.get("size"), "tag": tag}
    else:
        try:
            stat = as_path(path).stat()
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
        found = {"size": stat.st_size, "tag": str(stat.st_mtime_ns)}
    return {**found, "content": _hash_content(path)} if content else found


def _hash_content(path: str) -> str:
    if is_url(path):
        return hashlib.sha256(read_file(path)).hexdigest()
    digest = hashlib.sha256()
    try:
        with as_path(path).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def find_files(pattern: str) -> tuple[str, list[str]]:
    """Return the files that a path, a folder or a pattern names.

    Args:
        pattern: `*`, `?`, `[...]` and `**` stand for names; a folder stands for all files in it, at any depth.

    Returns:
        The folder before the first wildcard, and the files in order of their names; none if nothing is found.
    """
    if is_url(pattern):
        store, path = _store_of(pattern)
        found = store.find(path) if not _WILD.search(path) and store.isdir(path) else store.glob(path)
        base = path if found and not _WILD.search(path) and store.isdir(path) else _fixed_part(path)
        unstrip = store.unstrip_protocol
        return unstrip(base), [unstrip(name) for name in sorted(found) if store.isfile(name)]
    path = str(as_path(pattern))
    if os.path.isfile(path):  # noqa: PTH113 - it may hold wildcards, and yet be the name of a file
        return os.path.dirname(path), [path]  # noqa: PTH120
    if os.path.isdir(path):  # noqa: PTH112
        found = [os.path.join(place, name) for place, _, names in os.walk(path) for name in names]  # noqa: PTH118
        return path, sorted(found)
    found = [name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]  # noqa: PTH113, PTH207
    return _fixed_part(path), sorted(found)


def _fixed_part(pattern: str) -> str:
    """Return the folder before the first wildcard."""
    wild = _WILD.search(pattern)
    return pattern[: wild.start() if wild else len(pattern)].replace("\\", "/").rpartition("/")[0]
