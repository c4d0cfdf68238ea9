"""A small model of the service: it hears words that are marks in the audio, as they were sent on each socket."""

from __future__ import annotations

import json

import numpy as np

RATE = 8000
_SILENCE = 0


def spoken(number: int, seconds: float) -> bytes:
    """Return the audio of one word: all its samples hold its number, which is at least 1."""
    return np.full(int(seconds * RATE), number, "<i2").tobytes()


class HearingSocket:
    """One socket of the service.

    A word is heard if at least half of it arrived on this socket.

    Args:
        lengths: Samples of each word, by number.
    """

    def __init__(self, lengths: dict[int, int]) -> None:
        self._lengths = lengths
        self._samples = 0
        self._open: dict[int, tuple[int, int, int]] = {}
        self._is_said: set[int] = set()
        self._answers: list[list[tuple[str, float, float]]] = []
        self.is_closing = False

    def hear(self, frame: bytes | str) -> None:
        """Take a frame."""
        if isinstance(frame, str):
            kind = json.loads(frame)["type"]
            if kind == "finalize":
                self._answers.append(self._take())
            self.is_closing |= kind == "close_stream"
            return
        samples = np.frombuffer(frame, "<i2")
        for value, first, count in zip(*np.unique(samples, return_index=True, return_counts=True), strict=True):
            number, start, size = int(value), self._samples + int(first), int(count)
            if number == _SILENCE:
                continue
            begun, _, before = self._open.get(number, (start, 0, 0))
            assert before + size <= self._lengths[number], f"w{number} was sent twice on one socket"
            self._open[number] = (begun, start + size, before + size)
        self._samples += len(samples)

    def words(self) -> list[tuple[str, float, float]]:
        """Return the words that are heard and not final yet, with the service's times."""
        return [
            (f"w{number}", start / RATE, end / RATE)
            for number, (start, end, count) in self._open.items()
            if number not in self._is_said and 2 * count >= self._lengths[number]
        ]

    def interim(self) -> str:
        """Return an interim of everything that is not final."""
        return json.dumps({"type": "transcription", "transcript": " ".join(w for w, _, _ in self.words()),
                           "is_final": False, "is_last": False})  # fmt: skip

    @property
    def has_answer(self) -> bool:
        """Whether the next final answers a finalize."""
        return bool(self._answers)

    def final(self, *, timed: bool, hint: bool = False, is_last: bool = False, late: int = 0) -> str:
        """Return the next final: an answer to a finalize, which holds what was heard before that, or else all of it.

        A word of which only the beginning was heard stays open: the service waits for the rest of it.

        Args:
            timed: Whether its words have times.
            hint: Whether an answer says that it is one.
            is_last: Whether nothing follows.
            late: How many of the last words are not recognised yet, unless a finalize asked for them.
        """
        is_answer = self.has_answer
        words = self._answers.pop(0) if is_answer else self._take(late)
        frame = {"type": "transcription", "transcript": " ".join(w for w, _, _ in words), "is_final": True,
                 "is_last": is_last, "from_finalize": is_answer and hint}  # fmt: skip
        if timed:
            frame["words"] = [{"word": w, "start": start, "end": end} for w, start, end in words]
        return json.dumps(frame)

    def _take(self, late: int = 0) -> list[tuple[str, float, float]]:
        words = self.words()
        words = words[: max(0, len(words) - late)]
        self._is_said |= {int(word[1:]) for word, _, _ in words}
        return words
