"""No HTML that we leave in a notebook has something in it that MathJax or KaTeX would typeset."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.common.markup import text_html
from smallest_nb.notebook.doctor.report import Check, Report
from smallest_nb.notebook.widgets.snapshot import Snapshot
from smallest_nb.results.takes import Take, Takes, TakeWord
from smallest_nb.results.transcript import Segment, Transcript, Word
from smallest_nb.results.transcript.evaluate import Comparison

FORMULA = "$5 or $6, $$x^2$$, \\(a\\), \\[b\\], \\begin{align}c\\end{align} <b> & [PHONENUMBER_1]"
SKIPPED = ("script", "style", "textarea", "pre", "code")
"""Elements that MathJax and KaTeX leave alone by default."""


class Texts(HTMLParser):
    """Text nodes as MathJax sees them: entities read, one for each stretch between two tags."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found = [""]
        self.within: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.within.append(tag)
        self.found.append("")

    def handle_endtag(self, tag):
        while self.within and self.within.pop() != tag:
            pass
        self.found.append("")

    def handle_data(self, data):
        if not set(self.within) & set(SKIPPED):
            self.found[-1] += data


def take() -> Take:
    clip = Clip.from_array(np.zeros(2400), 24000)
    settings = SmallestTTSSettings.complete(extra={"a": FORMULA})
    return Take(
        1, FORMULA, settings, clip, note=FORMULA, words=[TakeWord("$x$", 0.0, 0.05), TakeWord("\\(y\\)", 0.06, 0.1)]
    )


def transcript() -> Transcript:
    words = (Word("$5", 0, 1), Word("$6", 1, 2))
    return Transcript([Segment(FORMULA, True, 0, 2, words, speaker=0)], names={0: "$a$"})


def takes() -> Takes:
    found = Takes()
    found.add(take())
    return found


PICTURES = {
    "transcript": lambda: transcript()._repr_html_(),
    "comparison": lambda: Comparison(
        0, 1, 0, 0, 0, [("equal", ("$5", "$6"), ("$5", "$6")), ("insert", (), ("\\(a\\)",))]
    )._repr_html_(),
    "take": lambda: take()._repr_html_(),
    "takes": lambda: takes()._repr_html_(),
    "snapshot": lambda: Snapshot(take(), 10)._repr_html_(),
    "report": lambda: Report([Check("service.key", "$t$", "red", FORMULA, FORMULA)])._repr_html_(),
    "tuner": lambda: snb.VoiceTuner(FORMULA).saved_html.draw(),  # noqa: PLW0108 - made in the test
    "view": lambda: snb.TranscriptView(transcript()).static_html(),
}


@pytest.mark.parametrize("name", PICTURES)
def test_K11_nothing_is_typeset_as_mathematics(name):
    html = PICTURES[name]()
    texts = Texts(html).found
    assert "$" in "".join(texts)
    assert [t for t in texts if ("$" in t or "\\" in t) and len(t) > 1] == []


def test_a_text_is_shown_as_it_is():
    assert "".join(Texts(text_html(FORMULA)).found) == FORMULA
    assert text_html("a\x00b\ud800<\n$") == "ab?&lt;\n<span>$</span>"
    assert text_html("$", tag="tspan") == "<tspan>$</tspan>"
