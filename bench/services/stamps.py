"""What tells when a piece of audio was made, carried in its first 24 bytes. Standard library only: all clients load it.

CLOCK_MONOTONIC, which `perf_counter` reads, is one clock for all processes, so a latency is a difference of two stamps
and needs no guess. The stamps survive a client that cuts the audio up again, because they lie at fixed distances.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from time import perf_counter
from typing import NamedTuple

SPEECH_RATE = 24000
SPEECH_CHUNK_S = 0.1
SPEECH_CHUNK = int(SPEECH_RATE * SPEECH_CHUNK_S) * 2
HEARD_RATE = 16000
HEARD_CHUNK_S = 0.02
HEARD_CHUNK = int(HEARD_RATE * HEARD_CHUNK_S) * 2

_SPEECH = struct.Struct("<IHHdd")
_HEARD = struct.Struct("<IIdd")
_MAGIC = 0x5EED0BEE
STAMP = 24
"""Bytes of a stamp; a multiple of three, so that base64 of stamp and rest can be joined."""


class SpeechStamp(NamedTuple):
    """In each 100 ms of synthesized PCM: which request it answers, when that came and when this was sent."""

    number: int
    voice: int
    text: int
    asked: float
    sent: float

    def pack(self) -> bytes:
        return _SPEECH.pack(*self)


class HeardStamp(NamedTuple):
    """In each 20 ms of pushed PCM: when it was due and when the caller really pushed it."""

    number: int
    due: float
    pushed: float

    def pack(self) -> bytes:
        return _HEARD.pack(self.number, _MAGIC, self.due, self.pushed)


def mark(word: str) -> int:
    """Return 16 bits that tell a voice or a text from another one."""
    return zlib.crc32(" ".join(word.split()).encode()) & 0xFFFF


def heard_stamp(pcm: bytes | bytearray, at: int = 0) -> HeardStamp | None:
    """Read a pushed chunk's stamp; None where the client sent something of its own, such as silence."""
    number, magic, due, pushed = _HEARD.unpack_from(pcm, at)
    return HeardStamp(number, due, pushed) if magic == _MAGIC else None


class SpeechReader:
    """Collects one utterance's PCM and notes when each stamp was in the caller's hands."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._next = 0
        self.stamps: list[tuple[SpeechStamp, float]] = []

    def __call__(self, pcm: bytes) -> None:
        now = perf_counter()
        self._pcm += pcm
        while len(self._pcm) >= self._next + STAMP:
            self.stamps.append((SpeechStamp(*_SPEECH.unpack_from(self._pcm, self._next)), now))
            self._next += SPEECH_CHUNK


class HeardReader:
    """Finds the stamps in pushed PCM, however a client regrouped it."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, pcm: bytes) -> Iterator[HeardStamp]:
        if not self._rest and len(pcm) == HEARD_CHUNK:  # by far the usual case, and the server has to be cheap
            stamp = heard_stamp(pcm)
            if stamp:
                yield stamp
            return
        self._rest += pcm
        while len(self._rest) >= HEARD_CHUNK:
            stamp = heard_stamp(self._rest)
            del self._rest[:HEARD_CHUNK]
            if stamp:
                yield stamp
