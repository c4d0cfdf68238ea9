"""Decodes segments with a model that understands whole pieces of sound, in a process that all sessions share.

The piece that is being spoken is decoded again for each interim. So that this stays cheap, a long segment is settled in
parts: at a pause, and where there is none, behind the last word but one. A word's time comes from its alignment with
the sound, which also decides whether a keyword was said where something like it was recognised.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smallest_nb.audio.clip import BYTES_PER_SAMPLE
from smallest_nb.audio.vad import SAMPLE_RATE
from smallest_nb.simulator.hearing.decoder import Hypothesis, end_loops, end_repetition
from smallest_nb.simulator.hearing.keyword_replacer import KeywordReplacer, make_key, strip_marks
from smallest_nb.simulator.hearing.stable_text import StableText
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.spoken_form import read_spoken_form
from smallest_nb.simulator.workers.shared_worker import Exchange, SharedWorker

__all__ = ["PieceDecoder"]

_BYTES_A_SEC = SAMPLE_RATE * BYTES_PER_SAMPLE
_TAIL = round(0.32 * _BYTES_A_SEC)
"""Kept behind the last voice: the next sound may be an unvoiced one, and the search of the alignment ends there."""
_LEAD = round(0.1 * _BYTES_A_SEC)
_LEAST_VOICED = round(0.1 * _BYTES_A_SEC)
# Settled from so many seconds on, at a pause of so many.
_SETTLE = ((6.0, 0.25), (9.0, 0.1))
_LONGEST = 12.0
_SLICE = _BYTES_A_SEC // 2
"""What comes again after a cut or a failure comes in one piece, and is looked at in slices."""
_CROWDED = 2
"""Pieces of work in the queue from which on interims are left out."""
_MOST_LEFT_OUT = 4
_UNPLACED = 0.2
"""Confidence of a word whose place in the sound was not found."""
_UNALIGNED = 0.5
"""Confidence where nothing can align."""


@dataclass(slots=True)
class _Piece:
    """What is being spoken: its sound, and how much of it holds a voice."""

    pcm: bytearray
    voiced: int = 0


class PieceDecoder:
    """Decodes one session's segments.

    Args:
        worker: Has the model.
        keywords: What is to be expected.
        language: Code of what is spoken.
        places: Whether the words' places are wanted; else only what hangs on them is aligned with its sound.
    """

    def __init__(self, worker: SharedWorker, keywords: KeywordReplacer, language: str, *, places: bool = True) -> None:
        self._worker = worker
        self._keywords = keywords
        self._language = language
        self._places = places
        self._piece = _Piece(bytearray())
        self._offset = 0
        self._settled: list[RecognisedWord] = []
        self._known: tuple[tuple[int, int], dict[str, Any]] | None = None
        self._stable = StableText()
        self._left_out = 0

    async def start(self) -> None:
        """Load the model, if no session has.

        Raises:
            EngineError: In the engine's words.
        """
        await self._worker.start()

    async def close(self) -> None:
        """Hold nothing: the process is everybody's."""

    async def add(self, pcm: bytes, *, quiet: int) -> None:
        """Take a piece of the segment; the last `quiet` bytes so far hold no voice."""
        behind = len(pcm)
        for at in range(0, len(pcm), _SLICE):
            part = pcm[at : at + _SLICE]
            behind -= len(part)
            await self._add(part, quiet=max(0, quiet - behind))

    async def _add(self, pcm: bytes, *, quiet: int) -> None:
        piece = self._piece
        piece.pcm += pcm
        piece.voiced = max(piece.voiced, len(piece.pcm) - quiet)
        seconds = len(piece.pcm) / _BYTES_A_SEC
        if seconds > _LONGEST:
            await self._settle(hold=2)
        elif any(seconds > least and quiet >= pause * _BYTES_A_SEC for least, pause in _SETTLE):
            await self._settle(hold=0)

    async def guess(self) -> Hypothesis | None:
        """Return the words so far; None while others wait, now and then."""
        if self._worker.waiting >= _CROWDED and self._left_out < _MOST_LEFT_OUT:
            self._left_out += 1
            return None
        self._left_out = 0
        words = end_repetition([strip_marks(w) for w in self._write(await self._transcribe())])
        if self._keywords:
            words = await self._keywords.replace_certain(words)
        shown = self._stable.update([*(strip_marks(w.text) for w in self._settled), *words])
        return Hypothesis(shown, self._stable.agreed)

    async def finish(self) -> list[RecognisedWord]:
        """End the segment and return its words, in seconds from its beginning."""
        words = [*self._settled, *await self._place()]
        self._piece, self._offset, self._settled, self._known = _Piece(bytearray()), 0, [], None
        self._stable.clear()
        return words

    async def _settle(self, *, hold: int) -> None:
        """Take the piece's words for good, but for the last `hold`, whose sound is kept."""
        words = await self._place(cut=hold > 0)
        kept = words[:-hold] if hold else words
        piece = self._piece
        end = len(piece.pcm)
        if hold and kept:
            end = min(end, max(0, round(kept[-1].end * SAMPLE_RATE) * BYTES_PER_SAMPLE - self._offset))
        else:
            kept = words
        self._settled += kept
        rest = piece.pcm[end:]
        self._piece = _Piece(bytearray(rest), max(0, piece.voiced - end))
        self._offset += end
        self._known = None

    @property
    def _sound(self) -> bytes:
        """What is decoded: up to a little behind the last voice, whenever that is asked.

        Silence stands before it, and for what is to come where speech goes on: the model misses words at an abrupt
        beginning, and at an abrupt end it goes on by itself.
        """
        piece = self._piece
        if piece.voiced < _LEAST_VOICED:
            return b""
        return bytes(_LEAD) + bytes(piece.pcm[: piece.voiced + _TAIL]).ljust(piece.voiced + _TAIL, b"\0")

    async def _transcribe(self) -> dict[str, Any]:
        sound = self._sound
        if not sound:
            return {"text": "", "words": None}
        taken = min(len(self._piece.pcm), len(sound))
        if self._known is not None and self._known[0] == (len(sound), taken):
            return self._known[1]

        async def ask(worker: Exchange) -> dict[str, Any]:
            await worker.tell(b"A", sound)
            found: dict[str, Any] = await worker.ask(b"T", {"language": self._language})
            return found

        found = await self._worker.use(ask)
        self._known = (len(sound), taken), found
        return found

    def _write(self, found: dict[str, Any]) -> list[str]:
        if found["words"] is not None and not self._language.startswith("en"):
            return [w[0] for w in found["words"]]
        words = read_spoken_form(found["text"], self._language)
        return end_loops(words, self._piece.voiced / _BYTES_A_SEC)

    async def _place(self, *, cut: bool = False) -> list[RecognisedWord]:
        """Return the piece's words with their times.

        Args:
            cut: Whether the sound is to be cut between two of them.
        """
        found = await self._transcribe()
        base = (self._offset - _LEAD) / _BYTES_A_SEC
        if found["words"] is not None and not self._language.startswith("en"):
            timed = [(w, [start, end, sure]) for w, start, end, sure in found["words"]]
            return [_make_word(w, base, place) for w, place in timed]
        words = self._write(found)
        if not words:
            return []
        if not (self._places or self._keywords or cut):
            times = _fill_in([None] * len(words), words, self._piece.voiced / _BYTES_A_SEC, sure=_UNALIGNED)
            return [_make_word(word, base, place) for word, place in zip(words, times, strict=True)]
        phones = await self._keywords.find_phones(make_key(w) for w in words)
        how = {key: phones[key][0] for key in phones}
        said = {key: how[key] for key in phones if not phones[key][1]}
        sound = self._sound

        async def align(worker: Exchange) -> tuple[list[str], dict[str, Any]]:
            await worker.tell(b"A", sound)
            return await self._keywords.choose(words, how, lambda keys: worker.ask(b"L", {"words": keys, "said": said}))

        words, aligned = await self._worker.use(align)
        times = _fill_in(aligned["words"] or [None] * len(words), words, self._piece.voiced / _BYTES_A_SEC,
                         sure=_UNPLACED if aligned["words"] else _UNALIGNED)  # fmt: skip
        return [_make_word(word, base, place) for word, place in zip(words, times, strict=True)]


def _make_word(text: str, base: float, place: Sequence[float]) -> RecognisedWord:
    start, end, sure = place
    return RecognisedWord(text, round(max(0.0, base + start), 3), round(max(0.0, base + end), 3), sure)


def _fill_in(
    places: Sequence[list[float] | None], words: Sequence[str], seconds: float, *, sure: float
) -> list[list[float]]:
    """Return times for all words: those without share what lies between their neighbours, by their letters."""
    filled: list[list[float]] = []
    at = 0
    for missing, group in itertools.groupby(places, key=lambda p: p is None):
        some = list(group)
        if not missing:
            filled += [p for p in some if p is not None]
            at += len(some)
            continue
        begin = filled[-1][1] if filled else 0.0
        after = next((p[0] for p in places[at + len(some) :] if p is not None), max(begin, seconds))
        letters = [len(w) for w in words[at : at + len(some)]]
        done = 0
        for size in letters:
            share = (max(after, begin) - begin) / sum(letters)
            filled.append([round(begin + done * share, 3), round(begin + (done + size) * share, 3), sure])
            done += size
        at += len(some)
    return filled
