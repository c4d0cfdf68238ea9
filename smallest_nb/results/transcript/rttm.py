"""RTTM: who spoke when, as diarization tools read it.

The format: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smallest_nb.api.segment import Segment
from smallest_nb.common.text import one_line
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.names import make_unique, speakers_in, to_column
from smallest_nb.results.transcript.timing import speaker_turns, to_milliseconds

__all__ = ["checked_file_id", "write_rttm"]


def write_rttm(segments: Sequence[Segment], name_of: Callable[[int], str], file_id: str) -> str:
    """Return one SPEAKER line for each stretch of one speaker, by time.

    Args:
        segments: What was said; if words have speakers, a segment becomes a line for each run of one speaker. A
            segment without text counts too, if it has a speaker.
        name_of: Returns a speaker's name; two of the same name get numbers.
        file_id: What the recording is called.

    Raises:
        ConfigError: No segment has a speaker, a segment without times, or a name of the recording with white space.
    """
    recording = checked_file_id(file_id)
    speakers = speakers_in(segments)
    if not speakers:
        raise ConfigError("RTTM says who spoke when, and no segment has a speaker; transcribe with diarize=True.")
    names = make_unique({n: to_column(name_of(n)) for n in speakers}, "_")
    turns: dict[int, list[tuple[int, int]]] = {}
    for segment in segments:
        for speaker, start, end in _turns_in(segment):
            turns.setdefault(speaker, []).append((start, max(end, start + 1)))
    lines = sorted((start, end, names[n]) for n, spans in turns.items() for start, end in _merge_spans(spans))
    return "".join(
        f"SPEAKER {recording} 1 {start / 1000:.3f} {(end - start) / 1000:.3f} <NA> <NA> {name} <NA> <NA>\n"
        for start, end, name in lines
    )


def checked_file_id(file_id: object) -> str:
    """Return what a recording is called, as a column.

    Raises:
        ConfigError: Not text, or with white space or control characters in it.
    """
    if not isinstance(file_id, str) or not file_id or file_id != one_line(file_id).replace(" ", ""):
        raise ConfigError(f"file_id={file_id!r} cannot be used; expected a name without white space.")
    return to_column(file_id)


def _turns_in(segment: Segment) -> list[tuple[int, int, int]]:
    """Return speaker, start and end in milliseconds of each stretch."""
    if segment.speaker is None and all(w.speaker is None for w in segment.words):
        return []
    if segment.speaker is not None and not segment.words and not one_line(segment.text):
        return [(segment.speaker, to_milliseconds(segment.start), to_milliseconds(segment.end))]
    return [
        (run.speaker, to_milliseconds(run.start), to_milliseconds(run.end))
        for run in speaker_turns(segment)
        if run.speaker is not None
    ]


def _merge_spans(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans that do not overlap; those that only touch stay two."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
