"""One sound: transcribed, and made into the files of all formats.

Each sound has a socket of its own: on a shared one the service would count the speakers of one recording as those of
the next, and the times would go on.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smallest_nb.audio.clip import Clip
from smallest_nb.audio.files import read_sound
from smallest_nb.client.batch.items import Item, Made
from smallest_nb.client.batch.places import fingerprint_of, read_file
from smallest_nb.client.batch.services import OnBusy
from smallest_nb.client.daemon_thread import run_in_daemon_thread
from smallest_nb.client.sound_files import send_clip, service_for_clip
from smallest_nb.client.target import Target
from smallest_nb.errors import ConfigError, ConnectionLost
from smallest_nb.results.transcript import Recording, Transcript

if TYPE_CHECKING:
    from smallest_nb.client.transport import Transport

__all__ = ["Transcribing"]


@dataclass(slots=True)
class _Sound:
    """A sound that was read.

    Attributes:
        clip: The sound.
        fingerprint: Of its file, or None for one in memory.
    """

    clip: Clip
    fingerprint: dict[str, Any] | None = None


class Transcribing:
    """Transcribes items; see :class:`~smallest_nb.client.batch.runner.Work`.

    Args:
        target: Where to connect.
        channel: Which channel is transcribed, or None.
        sample_rate: Hz of arrays, or None.
        timeout: Seconds for one attempt; None for three times the length and a margin.
        keeps_values: Whether transcripts are kept in memory.
        transport: What opens the sockets.
    """

    limits_itself = False

    def __init__(
        self,
        target: Target,
        *,
        channel: int | None = None,
        sample_rate: int | None = None,
        timeout: float | None = None,
        keeps_values: bool = True,
        transport: Transport | None = None,
    ) -> None:
        self._target, self._transport = target, transport
        self._channel, self._sample_rate = channel, sample_rate
        self._timeout = timeout
        self._keeps_values = keeps_values

    async def prepare(self, item: Item) -> _Sound:
        """Read the sound, before a unit of the plan is taken for it."""
        return await run_in_daemon_thread(self._read, item)

    def _read(self, item: Item) -> _Sound:
        if item.source is not None:
            return _Sound(read_sound(item.source, sample_rate=self._sample_rate, channel=self._channel))
        before = fingerprint_of(item.input, content=False)  # a file that is written meanwhile is another one next time
        data = read_file(item.input)
        try:
            clip = read_sound(data, channel=self._channel)
        except ConfigError as error:
            raise ConfigError(f"{item.input}: {error}") from None
        return _Sound(clip, {**before, "content": hashlib.sha256(data).hexdigest()})

    async def request(self, item: Item, prepared: _Sound, on_busy: OnBusy) -> Transcript:
        """Transcribe it."""
        clip = prepared.clip
        service = service_for_clip(
            clip,
            item.settings,
            target=self._target,
            timeout=self._timeout,
            transport=self._transport,
            on_busy=on_busy,
        )
        async with asyncio.timeout(3 * clip.duration + 30 if self._timeout is None else self._timeout):
            await send_clip(service, clip)
        if service.dropped_seconds:
            raise ConnectionLost(f"{service.dropped_seconds:.2f} s of the sound were lost with a connection.")
        return service.transcript

    async def finish(self, item: Item, prepared: _Sound, answer: Transcript) -> Made:
        """Make its files."""
        made = Made(duration=prepared.clip.duration, fingerprint=prepared.fingerprint)
        answer.recording = Recording.of(prepared.clip)  # a TextGrid is as long as the sound
        if item.outputs:
            made.files = await run_in_daemon_thread(_export_all, item, answer)
        answer.recording = None
        made.value = answer if self._keeps_values else None
        return made

    def ends_run(self, error: BaseException) -> bool:  # noqa: ARG002 - the protocol
        """No error of one item says anything of the others."""
        return False

    async def close(self) -> None:
        """Nothing is kept open."""


def _export_all(item: Item, transcript: Transcript) -> dict[str, bytes]:
    found = {}
    for name in item.outputs:
        suffix = name.rpartition(".")[2].lower()
        is_silent = suffix == "rttm" and not transcript.speakers
        text = "" if is_silent else transcript.export(suffix, file_id=item.id.rpartition("/")[2])
        found[name] = text.encode("utf-8", "replace")
    return found
