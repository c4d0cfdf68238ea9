"""Audio that tells what it is: speech whose text is known to the byte, and pushed audio that carries its own place.

Standard library only: the clients' processes use it too.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator
from functools import cache
from itertools import groupby

WORD_BYTES = 4800
"""0.1 s at 24 kHz."""
CHUNK_S = 0.02
CHUNK_BYTES = 640
"""20 ms at 16 kHz."""
HEARD_RATE = 16000
_BLOCK_SAMPLES = 20
BLOCK_BYTES = 2 * _BLOCK_SAMPLES
BLOCKS_PER_CHUNK = 16
_CHUNKS_PER_WORD = 10
BLOCKS_PER_WORD = BLOCKS_PER_CHUNK * _CHUNKS_PER_WORD
_FIRST_VALUE = BLOCKS_PER_CHUNK
"""Below it is silence: what a client sends of its own to keep a connection alive."""


@cache
def _word(word: str) -> bytes:
    return random.Random(word).randbytes(WORD_BYTES)


def sound(text: str) -> bytes:
    """Return how a text sounds: for each word its own noise, which never repeats itself."""
    return b"".join(map(_word, text.split()))


@cache
def pushed(number: int) -> bytes:
    """Return a chunk of 20 ms to be transcribed; each 1.25 ms of it tells its place in the whole."""
    first = _FIRST_VALUE + number * BLOCKS_PER_CHUNK
    return b"".join(array("H", [first + at] * _BLOCK_SAMPLES).tobytes() for at in range(BLOCKS_PER_CHUNK))


def spoken_words(chunks: int) -> list[str]:
    """Return the words that so many chunks are transcribed to."""
    return [word_of(number) for number in range(chunks // _CHUNKS_PER_WORD)]


def word_of(number: int) -> str:
    """Return a word's text."""
    return f"w{number:04d}"


class BlockReader:
    """Finds the blocks of 1.25 ms in what was received, however it was cut.

    Attributes:
        samples: How many were received, silence included.
        runs: The blocks received, as `[first, behind the last]`, in the order of their arrival.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.runs: list[list[int]] = []
        self._odd = b""
        self._value = 0
        self._count = 0

    def feed(self, pcm: bytes) -> Iterator[int]:
        """Yield each block that has become whole."""
        data = self._odd + pcm
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        for value, run in groupby(array("H", data[:whole])):
            if value != self._value:
                self._value, self._count = value, 0
            for _ in run:
                self.samples += 1
                self._count += 1
                if self._count == _BLOCK_SAMPLES and value >= _FIRST_VALUE:
                    self._count = 0
                    yield self._note(value - _FIRST_VALUE)

    def _note(self, block: int) -> int:
        if self.runs and self.runs[-1][1] == block:
            self.runs[-1][1] += 1
        else:
            self.runs.append([block, block + 1])
        return block
