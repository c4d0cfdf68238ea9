"""Two runs on one folder refuse each other.

On this machine the operating system holds the lock and gives it back when the process ends, however it ends. A store
such as S3 has no locks: there a file names the run that writes, which renews it while it runs; one that was not renewed
for two minutes is a dead run's.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from smallest_nb.errors import ConfigError

__all__ = ["LocalLock", "Lock", "RemoteLock"]

_NAME = ".smallest-nb-batch.lock"
_RENEW_SECS = 30.0
_DEAD_SECS = 120.0
_SETTLE_SECS = 0.5


class Lock(Protocol):
    """What keeps other runs out of a folder."""

    def acquire(self) -> None:
        """Take it.

        Raises:
            ConfigError: Another run has it.
        """

    def release(self) -> None:
        """Give it back. Idempotent."""


def _owner() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}


def _refuse(folder: object, owner: dict[str, Any], advice: str) -> ConfigError:
    who = f"process {owner.get('pid', '?')} on {owner.get('host', '?')}, since {owner.get('since', '?')}"
    return ConfigError(f"Another run writes to {folder} ({who}). {advice}")


class LocalLock:
    """A lock of the operating system on a file in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """See :class:`Lock`."""
        path = self._folder / _NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise ConfigError(f"The folder {self._folder} cannot be written: {error.strerror or error}.") from error
        try:
            _lock_file(descriptor)
        except OSError:
            owner = _read_owner(descriptor)
            os.close(descriptor)
            raise _refuse(self._folder, owner, "Wait for it, end it, or choose another folder.") from None
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        with contextlib.suppress(OSError):  # a full disk: the lock holds without its owner's name
            os.ftruncate(descriptor, 1)
            os.lseek(descriptor, 1, os.SEEK_SET)  # the first byte is what Windows locks
            os.write(descriptor, json.dumps(_owner()).encode())

    def release(self) -> None:
        """See :class:`Lock`."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)  # with it the lock; the file stays, for removing it would let two runs lock two files


def _lock_file(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt  # noqa: PLC0415

        locking: Any = msvcrt  # its functions are unknown to a type checker of another system
        locking.locking(descriptor, locking.LK_NBLCK, 1)
        return
    import fcntl  # noqa: PLC0415

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read_owner(descriptor: int) -> dict[str, Any]:
    try:
        os.lseek(descriptor, 1, os.SEEK_SET)
        found = json.loads(os.read(descriptor, 4096))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class RemoteLock:
    """A file that its owner renews.

    Args:
        store: fsspec's file system.
        root: The folder in it.
        name: As messages name the folder.
    """

    def __init__(self, store: Any, root: str, name: str) -> None:
        self._store, self._path, self._name = store, f"{root}/{_NAME}", name
        self._owner = {**_owner(), "run": secrets.token_hex(8)}
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None

    def acquire(self) -> None:
        """See :class:`Lock`."""
        self._refuse_another()
        self._write()
        time.sleep(_SETTLE_SECS)  # of two that wrote at once the last one wins, and the first one sees it here
        self._refuse_another()
        self._renewing = threading.Thread(target=self._renew, name="smallest_nb folder lock", daemon=True)
        self._renewing.start()

    def _refuse_another(self) -> None:
        found = self._read()
        age = time.time() - found.get("renewed", 0.0)
        if found and found.get("run") != self._owner["run"] and age < _DEAD_SECS:
            advice = f"If it is dead, wait {_DEAD_SECS - age:.0f} s, or remove {self._path} from the store."
            raise _refuse(self._name, found, advice)

    def _read(self) -> dict[str, Any]:
        try:
            self._store.invalidate_cache()
            found = json.loads(self._store.cat_file(self._path))
        except Exception:  # whatever a store raises for a missing object
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self) -> None:
        try:
            self._store.pipe_file(self._path, json.dumps({**self._owner, "renewed": time.time()}).encode())
        except Exception as error:
            raise ConfigError(
                f"The folder {self._name} cannot be written ({type(error).__name__}: {error})."
            ) from error

    def _renew(self) -> None:
        while not self._ended.wait(_RENEW_SECS):
            with contextlib.suppress(ConfigError):  # the outputs will report a store that takes nothing
                self._write()

    def release(self) -> None:
        """See :class:`Lock`."""
        if self._ended.is_set() or self._renewing is None:
            return
        self._ended.set()
        if self._read().get("run") == self._owner["run"]:
            with contextlib.suppress(Exception):
                self._store.rm_file(self._path)
