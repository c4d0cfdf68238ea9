"""Takes: what was auditioned, as data, and pictures of it that need no browser side.

::

    words    when each word is spoken, estimated where the service does not say
    compare  two takes, in words
    picture  a clip as SVG, a take as HTML
    take     one audition
    storage  a folder with takes.json and a WAV file each
    collection  all of them, bounded by memory
"""

from __future__ import annotations

from smallest_nb.results.takes.collection import Takes
from smallest_nb.results.takes.compare import differences
from smallest_nb.results.takes.html import take_html, waveform_svg
from smallest_nb.results.takes.take import Take, waterfall
from smallest_nb.results.takes.word_times import TakeWord, estimated_words

__all__ = ["Take", "TakeWord", "Takes", "differences", "estimated_words", "take_html", "waterfall", "waveform_svg"]
