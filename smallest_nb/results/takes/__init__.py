"""Takes: what was auditioned, as data that can be compared, saved and shown without a widget.

::

    word_times  when each word is spoken, estimated if the service does not say
    html        the waveform as SVG, and a card of HTML around it
    take        one audition
    compare     how two takes differ, in words
    storage     a folder with takes.json and a WAV file for each take
    contact_sheet  a table of takes, with their sound if that is asked for
    collection  all takes of a tuner, bounded by memory
    grid        the takes of a product of settings, as a contact sheet
"""

from __future__ import annotations

from smallest_nb.results.takes.collection import Takes
from smallest_nb.results.takes.compare import differences
from smallest_nb.results.takes.contact_sheet import ContactSheet
from smallest_nb.results.takes.grid import Grid, GridCell
from smallest_nb.results.takes.html import waveform_svg
from smallest_nb.results.takes.take import Take, take_html, waterfall
from smallest_nb.results.takes.word_times import TakeWord, estimated_words

__all__ = [
    "ContactSheet",
    "Grid",
    "GridCell",
    "Take",
    "TakeWord",
    "Takes",
    "differences",
    "estimated_words",
    "take_html",
    "waterfall",
    "waveform_svg",
]
