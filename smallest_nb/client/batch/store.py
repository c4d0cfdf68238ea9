"""Writes what was made: each file whole, its line in the manifest, and only then its name.

One task writes for all items, so that a line is never torn by another one, and so that one sync to the disk serves
several items when many finish at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from typing import Any

from smallest_nb.client.batch.items import Item, Made
from smallest_nb.client.batch.manifest import Manifest, as_line
from smallest_nb.client.batch.places import Folder
from smallest_nb.client.cleanup import to_the_end
from smallest_nb.client.daemon_thread import run_in_daemon_thread

__all__ = ["Store", "is_full_disk"]

_MOST_AT_ONCE = 64


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that nothing more can be written."""
    full = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
    return isinstance(error, OSError) and error.errno in full


class Store:
    """The folder of a batch, or nothing at all if its results are kept in memory.

    Args:
        folder: The folder, or None.
    """

    def __init__(self, folder: Folder | None) -> None:
        self.folder = folder
        self._lock = None if folder is None else folder.lock()
        self._manifest: Manifest | None = None
        self._waiting: list[tuple[dict[str, Any], Made, Callable[[], None], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take the folder for this run and read its manifest.

        Raises:
            ConfigError: Another run has it, or it holds something else.
        """
        if self._lock is not None:
            await run_in_daemon_thread(self._open)

    def _open(self) -> None:
        if self.folder is None or self._lock is None:
            return
        self._lock.acquire()
        try:
            self._manifest = Manifest(self.folder)
            self.folder.clean()
        except BaseException:
            self._lock.release()
            raise

    async def done(self, items: list[Item]) -> dict[str, dict[str, Any]]:
        """Return the lines of those items that are finished and unchanged, by id.

        Raises:
            ConfigError: An input cannot be read.
        """
        manifest = self._manifest
        if manifest is None:
            return {}
        return await run_in_daemon_thread(
            lambda: {item.id: record for item in items if (record := manifest.done(item)) is not None}
        )

    async def keep(self, record: dict[str, Any], made: Made, on_kept: Callable[[], None] = lambda: None) -> None:
        """Write an item's files and its line; both are on the disk when this returns.

        Args:
            record: The line.
            made: The files.
            on_kept: Called once they are on the disk, even if the caller was cancelled meanwhile; it must not raise.

        Raises:
            OSError: They cannot be written; then neither is there.
        """
        if self.folder is None:
            on_kept()
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((record, made, on_kept, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await asyncio.shield(future)

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
            try:
                failures = await run_in_daemon_thread(self._write, [(record, made) for record, made, *_ in group])
            except BaseException as error:
                for *_, future in group:
                    if not future.done():
                        future.set_exception(error if isinstance(error, Exception) else OSError(str(error)))
                        future.exception()  # the item may have been given up meanwhile
                if not isinstance(error, Exception):
                    raise
                continue
            for (*_, on_kept, future), failure in zip(group, failures, strict=True):
                if failure is None:
                    on_kept()
                if future.done():
                    continue
                if failure is None:
                    future.set_result(None)
                else:
                    future.set_exception(failure)
                    future.exception()

    def _write(self, group: list[tuple[dict[str, Any], Made]]) -> list[Exception | None]:
        """Write some items; return for each why it could not be written."""
        folder = self.folder
        if folder is None:
            return [None] * len(group)
        failures: list[Exception | None] = []
        lines: list[bytes] = []
        put: list[dict[str, str]] = []
        for record, made in group:
            try:
                pending = _put(folder, made)
            except Exception as error:
                failures.append(error)
                continue
            failures.append(None)
            put.append(pending)
            lines.append(as_line({**record, "pending": {n: t for n, t in pending.items() if t}}))
        try:
            folder.append_log(b"".join(lines))
        except Exception as error:
            for pending in put:
                _drop(folder, pending)
            return [failure or error for failure in failures]
        for pending in put:
            for name, temporary in pending.items():
                if temporary:
                    folder.commit(temporary, name)
        return failures

    async def close(self) -> None:
        """Write what is still to be written, and give the folder back."""
        await to_the_end(self._close())

    async def _close(self) -> None:
        if self._writing is not None:
            await asyncio.wait({self._writing})
        if self.folder is not None and self._lock is not None:
            if self._manifest is not None:
                with contextlib.suppress(Exception):  # its parts are read as well
                    await run_in_daemon_thread(self.folder.join_log)
                with contextlib.suppress(Exception):  # what workers that were killed had begun
                    await run_in_daemon_thread(self.folder.clean)
            await run_in_daemon_thread(self._lock.release)


def _put(folder: Folder, made: Made) -> dict[str, str]:
    """Write an item's files under temporary names, all or none; return these names."""
    pending = dict(made.pending)
    try:
        for name, data in made.files.items():
            pending[name] = folder.put(name, data)
    except BaseException:
        _drop(folder, pending)
        raise
    return pending


def _drop(folder: Folder, pending: dict[str, str]) -> None:
    for temporary in pending.values():
        if temporary:
            with contextlib.suppress(OSError):
                folder.drop(temporary)
