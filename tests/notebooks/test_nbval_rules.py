"""nbval reads every rule of the sanitizer's file; it passes over, in silence, what has another form than it expects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbval.plugin import get_sanitize_patterns

TEXT = (Path(__file__).parents[1] / "nbval_sanitize.cfg").read_text(encoding="utf-8")
EXAMPLES = {
    "address": ("<Lock at 0x7f3a>", "<Lock at ADDRESS>"),
    "port": ("ws://127.0.0.1:43651/x", "ws://127.0.0.1:PORT/x"),
    "connecting": ("connect 12 ms → request to first byte 3 ms", "request to first byte 3 ms"),
    "times-and-sizes": ("2.50 s and 31 kB", "SOME and SOME"),
    "static-face": ('before <div class="snb-face"><b>\nall of it', "before FACE"),
    "pictures-of-sound": ("<p><svg width='3'>\n</svg></p>", "<p>PICTURE</p>"),
    "sound": ("src=data:audio/wav;base64,UklGRg+/==>", "src=SOUND>"),
    "real-time-factor": ("real-time factor 0.42", "real-time factor SOME"),
    "figures-of-a-voice": ("3.1 words/s, 120 Hz, 7% wrong", "FIGURE, FIGURE, FIGURE"),
    "milliseconds-of-cues": ("00:01:02,345", "00:01:02,MS"),
    "interim-text": ("interim 'he'\nfinal 'hello'", "INTERIM\nfinal 'hello'"),
    "padding-before-figures": ("a    SOME", "a_SOME"),
}


def rules():
    names = re.findall(r"^\[(.+)\]$", TEXT, re.MULTILINE)
    return dict(zip(names, get_sanitize_patterns(TEXT), strict=True))


def test_X8_nbval_reads_as_many_rules_as_the_file_has():
    assert len(get_sanitize_patterns(TEXT)) == TEXT.count("\nregex:") == TEXT.count("\nreplace:") == 12
    assert list(rules()) == list(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_X8_each_rule_does_what_it_is_there_for(name):
    regex, replace = rules()[name]
    shown, compared = EXAMPLES[name]
    assert re.sub(regex, replace, shown) == compared
