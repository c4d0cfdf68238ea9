"""The comparison of two builds: which rows are the same, and how their ratio is made."""

from __future__ import annotations

import pytest

from bench.compare import figures_of, main, ratios


def test_a_row_is_known_by_its_texts():
    rows = [
        {"metric": "cpu", "client": "smallest_nb", "median": 2.0, "p95": 3.0},
        {"metric": "cpu", "client": "floor", "median": 1.0},
        {"metric": "words", "voice": "liam", "value": 5, "kept": True},
        {"metric": "a sentence", "said": "no figure"},
    ]
    assert figures_of(rows) == {("cpu", "smallest_nb"): 2.0, ("cpu", "floor"): 1.0, ("words", "liam"): 5.0}


def test_a_ratio_is_made_within_a_round():
    rounds = [({("cpu",): 1.0, ("old",): 1.0}, {("cpu",): 2.0}), ({("cpu",): 10.0}, {("cpu",): 30.0})]
    assert ratios(rounds) == [
        {"metric": "cpu", "before": 5.5, "now": 16.0, "ratio": 2.5, "lowest": 2.0, "highest": 3.0, "rounds": 2}
    ]


def test_a_figure_of_zero_has_no_ratio():
    assert ratios([({("lost",): 0.0}, {("lost",): 0.0})])[0]["ratio"] is None


@pytest.mark.parametrize("arguments", [["HEAD"], ["--rounds", "0", "HEAD", "bench.services"]])
def test_what_is_missing_is_said(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert "are needed" in capsys.readouterr().err
