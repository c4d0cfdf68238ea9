"""What a test has found: tables, figures, words, pictures, evidence, the report."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest

from smallest_nb import Clip
from smallest_nb.results.listening import ListeningResults, Study
from smallest_nb.results.listening.chart import draw
from smallest_nb.results.listening.evidence import correlations, figures_of, pitch_of
from smallest_nb.results.listening.plan import KINDS, Design
from smallest_nb.results.listening.report import report_html, write_report
from smallest_nb.results.listening.summary import describe_chance, summarize
from tests.support.listening_sounds import RATE, take_of, voice_like
from tests.support.simulated_listeners import SimulatedListener, results_of

mpl.use("Agg")
BETTER = {"sophia": 0.0, "magnus": 3.0}
EQUAL = {"sophia": 0.0, "magnus": 0.0}
FIVE = {"a": 3.0, "b": 1.0, "c": 0.0, "d": -1.0, "e": -2.0}


def design_of(kind, systems=BETTER, texts=("one",), **more):
    more.setdefault("reference", next(iter(systems)) if kind == "mushra" else None)
    more.setdefault("checks", 0 if kind == "mushra" else 2)
    return Design(kind, {text: list(systems) for text in texts}, 5, **more)


def listeners(quality, count=1, **more):
    return [SimulatedListener(f"listener {n}", quality, n, **more) for n in range(count)]


def test_a_clear_preference_is_a_choice():
    results = results_of(design_of("ab"), *listeners(BETTER, 2))
    words = summarize(results)
    assert re.match(r"\d\d of 32 answers preferred magnus to sophia \(\d+ %, 95 % interval \d+ to 100 %\)", words)
    assert "Choose magnus." in words
    assert "one listener" not in words


def test_too_little_is_said_to_be_too_little():
    words = summarize(results_of(design_of("ab"), *listeners(EQUAL)))
    assert "too little to decide by: 35 answers find a preference of three to one with a power of 80 %" in words
    assert "ask for 19 more" in words
    assert "one listener's ear" in words
    none = summarize(results_of(design_of("ab", trials=100), *listeners(EQUAL)))
    assert "would have found a preference of three to one with a power of 100 %" in none


def test_training_and_checks_do_not_count():
    results = results_of(design_of("ab"), *listeners(BETTER))
    assert len(results) == 2 + 16 + 2
    assert len(results.counted) == 16
    table = results.to_dataframe()
    assert table["counts"].sum() == 16
    assert set(table.columns) >= {"listener", "a", "b", "preferred", "seconds", "switches", "role"}
    assert (table["preferred"].eq(table["a"]) | table["preferred"].eq(table["b"])).all()


def test_who_does_not_listen_is_left_out():
    """None who listens fails; of those who press anything, three of four do (two checks with two answers)."""
    design = design_of("ab")
    kept = ListeningResults(design, [a for one in listeners(BETTER, 40) for a in one.take(design)])
    assert kept.left_out == []
    random = [SimulatedListener(f"guess {n}", EQUAL, n, attentive=False) for n in range(40)]
    results = results_of(design, *random)
    assert 20 <= len(results.left_out) <= 38
    words = summarize(results_of(design, *listeners(BETTER), *random))
    assert "Left out: guess" in words


def test_mushra_leaves_out_who_does_not_find_the_reference():
    design = design_of("mushra", texts=("one", "two", "three"))
    good, guess = listeners(BETTER, 3), SimulatedListener("guess", BETTER, 9, attentive=False)
    results = results_of(design, *good, guess)
    assert results.left_out == ["guess"]
    assert results.means()["sophia"].mean == 100
    assert results.means()["anchor"].mean < results.means()["magnus"].mean
    assert "Left out: guess, who did not find the hidden reference." in summarize(results)


def test_many_voices_are_ranked():
    results = results_of(design_of("ab", FIVE, trials=60), *listeners(FIVE, 8))
    assert list(results.strengths()) == list(FIVE)
    words = summarize(results)
    assert words.startswith("Ranking (Bradley-Terry): 1. a (preferred in 9")
    assert "Choose a." in words
    equal = dict.fromkeys(FIVE, 0.0)
    undecided = summarize(results_of(design_of("ab", equal), *listeners(equal)))
    assert "the answers do not decide; 35 answers to a pair" in undecided


def test_voices_that_were_never_compared_are_not_ranked():
    results = results_of(design_of("ab", FIVE, trials=1, training=0, checks=0), *listeners(FIVE))
    assert summarize(results).startswith("Some systems were never compared")


def test_what_can_be_distinguished():
    apart = {"sophia": 0.0, "magnus": 8.0}
    results = results_of(design_of("abx", apart), *listeners(apart, 2))
    assert "sophia and magnus can be distinguished." in summarize(results)
    assert results.to_dataframe()["right"].mean() > 0.9
    assert "too little to decide by: 28" in summarize(results_of(design_of("abx"), *listeners(EQUAL)))


def test_ratings_are_means_with_intervals_and_tests():
    three = {"sophia": -1.5, "magnus": 1.5, "olivia": 0.0}
    results = results_of(design_of("mos", three, ("one", "two")), *listeners(three, 8))
    words = summarize(results)
    assert re.match(r"magnus: 4\.\d of 5 \(16 ratings, 95 % interval ", words)
    assert "The ratings differ (Friedman's test, 16 blocks" in words
    assert "magnus was rated higher than olivia and sophia (Wilcoxon, corrected for all pairs)." in words
    assert "Choose magnus." in words
    few = summarize(results_of(design_of("mos"), *listeners(BETTER, 2)))
    assert (
        "too little to compare: 2 listeners and texts with a rating of every system, and Wilcoxon's test takes 6" in few
    )


def test_without_answers():
    assert summarize(ListeningResults(design_of("ab"), [])) == "No answers that count yet."
    assert draw(ListeningResults(design_of("mos"), [])) is not None


@pytest.mark.parametrize(
    ("p", "words"),
    [(1.0, "nearly every time"), (0.5, "about every second time"), (0.26, "once in 4"), (1 / 26, "once in 26"),
     (1e-6, "less than once in 10,000")],
)  # fmt: skip
def test_chance_in_words(p, words):
    assert describe_chance(p) == words


@pytest.mark.parametrize("kind", KINDS)
def test_the_plot_shows_every_system(kind):
    results = results_of(design_of(kind, FIVE, trials=1 if kind == "mushra" else None), *listeners(FIVE, 3))
    axis = draw(results)
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert len(labels) == {"ab": 5, "abx": 10, "mos": 5, "mushra": 6}[kind]
    assert labels[0] == {"ab": "a", "abx": "a / b", "mos": "a", "mushra": "a"}[kind]
    given = mpl.figure.Figure().subplots()
    assert draw(results, given) is given


def test_the_pitch_of_known_sounds():
    time = np.arange(RATE * 2) / RATE
    for hertz in (80, 120, 200, 350):
        harmonics = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 12))
        found = pitch_of(Clip.from_array(harmonics / 12, RATE))
        assert found.median_hz == pytest.approx(hertz, rel=0.015)
        assert found.range_semitones < 0.3
    # An octave up and down again.
    phase = 2 * np.pi * np.cumsum(150 * 2 ** (0.5 * np.sin(2 * np.pi * time))) / RATE
    sweep = pitch_of(Clip.from_array(0.1 * sum(np.sin(k * phase) / k for k in range(1, 8)), RATE))
    assert sweep.range_semitones == pytest.approx(12, abs=0.8)
    noise = Clip.from_array(np.random.default_rng(1).normal(0, 0.1, RATE), RATE)
    assert np.isnan(pitch_of(noise).median_hz)
    assert np.isnan(pitch_of(Clip(bytes(2 * RATE), RATE)).median_hz)


def test_figures_and_their_correlation():
    quick, slow = (
        take_of(1, "sophia", clip=voice_like(1, 1.0)),
        take_of(2, "magnus", clip=voice_like(2, 2.0).padded(0.5)),
    )
    study = Study.make([quick, slow], seed=1)
    first, second = (figures_of(stimulus) for stimulus in study.stimuli)
    assert first["duration_s"] == 1.0
    assert first["words_per_s"] == pytest.approx(8, rel=0.05)
    assert second["words_per_s"] == pytest.approx(4, rel=0.05)  # without the silence before it
    assert np.isnan(first["ttfb_ms"])
    results = results_of(design_of("ab", FIVE, trials=60), *listeners(FIVE, 8))
    rows = [{"system": name, "duration_s": quality, "lufs": -20.0} for name, quality in FIVE.items()]
    assert correlations(results, rows)["duration_s"][0] == pytest.approx(1)
    assert "lufs" not in correlations(results, rows)
    assert correlations(results_of(design_of("ab"), *listeners(BETTER)), rows) == {}


class _Reader(HTMLParser):
    """Checks that elements are closed in order, and collects what is loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.sources = [], []

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """An element of its own."""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_file_with_its_sounds(tmp_path):
    study = Study.make([take_of(1, "<sophia>"), take_of(2, "magnus $x$")], seed=1, listeners=["Ada & Ben"])
    listener = SimulatedListener("Ada & Ben", {"<sophia>": 2.0, "magnus $x$": 0.0})
    session = study.session("Ada & Ben")
    while (trial := session.current) is not None:
        answer = {"trial": trial.number, "values": list(listener.answer(study.design, trial)), "heard": [True, True]}
        session.answer({**answer, "seconds": 2, "switches": 1}, "2026-01-01")
    write_report(study, tmp_path / "choice.html")
    page = (tmp_path / "choice.html").read_text("utf-8")
    assert page == report_html(study)
    reader = _Reader()
    reader.feed(page)
    assert reader.open == []
    assert len(reader.sources) == 2
    assert all(source.startswith("data:audio/wav;base64,") for source in reader.sources)
    assert "<script" not in page
    assert "<sophia>" not in page
    assert "seed 1;" in page
    assert f"{len(study.answers)} answers" in page
