"""Transcripts as data that a person works with: search, name, hear, compare, export. Imports audio, errors.

::

    segment    words, segments, redactions
    sources    where another recording begins
    names      who speaks, by number and by name
    places     where each word stands in the text
    search     find text, with the words and the time of it
    recording  the sound beside the text, bounded
    timing     who says what from when to when; the times that exports share
    lines      how wide text is, how long it is read, where a line may end
    cues       what captions show at once, and when
    subtitles  SRT and WebVTT
    tiers      Praat TextGrid
    turns      RTTM
    columns    CTM, STM, Audacity's labels
    elan       EAF
    loading    files of other programs
    tables     DataFrames
    storage    JSON
    exports    all of these as methods, and as files
    evaluate   word error rate, and the two texts side by side
    picture    a transcript as HTML
    transcript  the segments, folded together from results
"""

from __future__ import annotations

from smallest_nb.api.segment import Redaction, Segment, Word
from smallest_nb.results.transcript.evaluate import Comparison
from smallest_nb.results.transcript.recording import Recording
from smallest_nb.results.transcript.search import Match
from smallest_nb.results.transcript.transcript import Transcript

__all__ = ["Comparison", "Match", "Recording", "Redaction", "Segment", "Transcript", "Word"]
