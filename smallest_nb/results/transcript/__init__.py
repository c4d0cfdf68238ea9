"""Transcripts as data: search, rename speakers, listen, compare, export and load.

::

    transcript    the segments, folded together from results
    names         who speaks, by number and by name
    recording     the sound beside the text, bounded
    search        find text, with its words and its time
    evaluate      word error rate, and two texts side by side
    folding       which spellings count as the same text
    word_spans    where each word stands in the text
    sources       marks at the first segment of each recording
    exports       all formats as methods, and as files
    timing        who says what from when to when; the times that exports share
    lines         how wide text is, how long it takes to read, where a line may end
    cues          what captions show at once, and when
    subtitles     SRT and WebVTT
    textgrid      Praat TextGrid
    rttm          RTTM
    columns       CTM, STM, Audacity's labels
    elan          EAF
    json_storage  JSON
    dataframe     DataFrames and CSV
    html          a transcript without its widget
    loading       files of other programs
"""

from __future__ import annotations

from smallest_nb.api.segment import Redaction, Segment, Word
from smallest_nb.results.transcript.evaluate import Comparison
from smallest_nb.results.transcript.recording import Recording
from smallest_nb.results.transcript.search import Match
from smallest_nb.results.transcript.transcript import Transcript

__all__ = ["Comparison", "Match", "Recording", "Redaction", "Segment", "Transcript", "Word"]
