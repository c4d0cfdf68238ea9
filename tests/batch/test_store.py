"""What a batch keeps: files and lines that are on the disk are noted, whatever becomes of the run meanwhile."""

from __future__ import annotations

import asyncio
import threading

import pytest

from smallest_nb.client.batch.items import Made
from smallest_nb.client.batch.places import LocalFolder
from smallest_nb.client.batch.store import Store


async def test_an_item_that_was_written_is_noted_if_the_run_is_interrupted_meanwhile(tmp_path):
    """Ctrl+C while a slow disk writes: what is in the manifest is among the results that the error carries."""
    writing, may_end = threading.Event(), threading.Event()

    class SlowFolder(LocalFolder):
        def append_log(self, lines: bytes) -> None:
            super().append_log(lines)
            writing.set()
            assert may_end.wait(30)

    store, noted = Store(SlowFolder(tmp_path)), []
    await store.open()
    record = {"id": "one", "outputs": ["one.wav"], "error": None}
    task = asyncio.create_task(store.keep(record, Made(files={"one.wav": b"RIFF"}), lambda: noted.append("one")))
    assert await asyncio.to_thread(writing.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not noted, "its file is not in its place yet"
    may_end.set()
    await store.close()
    assert noted == ["one"]
    assert (tmp_path / "one.wav").read_bytes() == b"RIFF"
