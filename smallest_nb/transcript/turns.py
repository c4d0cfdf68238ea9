"""RTTM: who spoke when, as diarization tools read it. Imports errors.

The format: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smallest_nb.errors import ConfigError
from smallest_nb.transcript.names import distinct, speakers_in
from smallest_nb.transcript.plain import tidy
from smallest_nb.transcript.segment import Segment
from smallest_nb.transcript.timing import milliseconds, runs

__all__ = ["rttm"]


def rttm(segments: Sequence[Segment], name_of: Callable[[int], str], file_id: str) -> str:
    """Return one SPEAKER line for each stretch of one speaker, by time.

    Args:
        segments: What was said; where words have speakers, a segment gives a line for each run of them.
        name_of: Gives a speaker's name; white space becomes `_`, and two of the same name get numbers.
        file_id: What the recording is called.

    Raises:
        ConfigError: Nobody is told apart, a segment without times, or a name of the recording with white space.
    """
    if not isinstance(file_id, str) or not file_id or file_id != tidy(file_id).replace(" ", ""):
        raise ConfigError(f"file_id={file_id!r} cannot be used; expected a name without white space.")
    speakers = speakers_in(segments)
    if not speakers:
        raise ConfigError("RTTM tells who spoke when, and here nobody is told apart; transcribe with diarize=True.")
    names = distinct({n: tidy(name_of(n)).replace(" ", "_") for n in speakers}, "_")
    spoken = [
        (milliseconds(run.start), milliseconds(run.end), names[run.speaker])
        for segment in segments
        if segment.speaker is not None or any(w.speaker is not None for w in segment.words)
        for run in runs(segment)
        if run.speaker is not None
    ]
    return "".join(
        f"SPEAKER {file_id} 1 {start / 1000:.3f} {max(1, end - start) / 1000:.3f} <NA> <NA> {name} <NA> <NA>\n"
        for start, end, name in sorted(spoken)
    )
