"""Writes CTM, STM and Audacity's labels; `loading.column_files` names the sources of the formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from smallest_nb.api.segment import Segment, Word
from smallest_nb.common.text import one_line
from smallest_nb.results.transcript.names import make_unique, speakers_in, to_column
from smallest_nb.results.transcript.rttm import checked_file_id
from smallest_nb.results.transcript.timing import (
    SpeakerTurn,
    divide_time,
    speaker_turns,
    to_milliseconds,
    words_with_times,
)

__all__ = ["write_audacity", "write_ctm", "write_stm"]


def write_ctm(segments: Sequence[Segment], file_id: str) -> str:
    """Return a line for each word, by time; one that has spaces in it is several words.

    Args:
        segments: What was said. If there are no words, those of the text share its time by length.
        file_id: What the recording is called.

    Raises:
        ConfigError: A segment without times, or a name of the recording with white space.
    """
    recording = checked_file_id(file_id)
    lines = []
    for word in (part for s in segments for w in _words_of(s) for part in _split_word(w)):
        start, end = to_milliseconds(word.start), to_milliseconds(word.end)
        sure = "" if word.confidence is None else f" {word.confidence:.4g}"
        lines.append((start, f"{recording} 1 {start / 1000:.3f} {max(1, end - start) / 1000:.3f} {word.text}{sure}\n"))
    return "".join(line for _, line in sorted(lines, key=lambda pair: pair[0]))


def _words_of(segment: Segment) -> tuple[Word, ...]:
    if segment.words:
        return words_with_times(segment)
    return tuple(Word(p.text, p.start, p.end) for turn in speaker_turns(segment) for p in turn.pieces)


def _split_word(word: Word) -> Iterator[Word]:
    texts = one_line(word.text).split()
    for text, (start, end) in zip(texts, divide_time(word.start, word.end, list(map(len, texts))), strict=True):
        yield Word(text, start, end, word.confidence, word.speaker)


def write_stm(segments: Sequence[Segment], name_of: Callable[[int], str], file_id: str) -> str:
    """Return a line for each stretch of one speaker, by time; `unknown` stands for no speaker.

    Args:
        segments: What was said.
        name_of: Returns a speaker's name; white space becomes `_`, and two of the same name get numbers.
        file_id: What the recording is called.

    Raises:
        ConfigError: A segment without times, or a name of the recording with white space.
    """
    recording = checked_file_id(file_id)
    names = make_unique({n: to_column(name_of(n)) for n in speakers_in(segments)}, "_", taken=("unknown",))
    lines = [
        (*_span_of(turn), "unknown" if turn.speaker is None else names[turn.speaker], turn.text)
        for turn in _all_turns(segments)
    ]
    return "".join(
        f"{recording} 1 {name} {start / 1000:.3f} {max(end, start + 1) / 1000:.3f} {text}\n"
        for start, end, name, text in sorted(lines, key=lambda line: line[:2])
    )


def write_audacity(segments: Sequence[Segment], name_of: Callable[[int], str]) -> str:
    """Return a label for each stretch of one speaker, by time, with "Ada: " before it if there is a speaker.

    Args:
        segments: What was said.
        name_of: Returns a speaker's name.

    Raises:
        ConfigError: A segment without times.
    """
    lines = [
        (*_span_of(turn), ("" if turn.speaker is None else f"{one_line(name_of(turn.speaker))}: ") + turn.text)
        for turn in _all_turns(segments)
    ]
    return "".join(
        f"{start / 1000:.6f}\t{end / 1000:.6f}\t{text}\n"
        for start, end, text in sorted(lines, key=lambda line: line[:2])
    )


def _all_turns(segments: Sequence[Segment]) -> Iterator[SpeakerTurn]:
    return (turn for segment in segments for turn in speaker_turns(segment))


def _span_of(turn: SpeakerTurn) -> tuple[int, int]:
    return to_milliseconds(turn.start), to_milliseconds(turn.end)
