"""What the bench of conversations makes of what was said and played."""

from __future__ import annotations

import pytest

from bench.conversation.__main__ import EARLY, PEER, PLAIN, rows_of
from bench.conversation.judge import Figures, judge
from bench.conversation.script import PHRASES, answer_to
from bench.conversation.sound import Spoken

SPOKEN = [Spoken("one two three four five six", False, 1.0, 2.0), Spoken("Stop.", True, 4.0, 4.5)]
WORDS = {"You said one two.": [("You", 0.0, 0.4), ("said", 0.4, 0.8), ("one", 0.8, 1.2), ("two.", 1.2, 1.6)]}


def answer(history: str, parts: list[list[float]]) -> dict:
    return {"parts": parts, "history": [{"role": "assistant", "content": history}], "wasted_characters": 5,
            "spoken_characters": 20}  # fmt: skip


def test_latency_barge_in_and_history_are_measured():
    figures = judge(SPOKEN, answer("You said one", [[0, 2.5, 2.9], [0, 3.6, 4.2], [1, 5.0, 6.0]]), WORDS)
    assert figures.turn_latency_ms == pytest.approx([500, 500])
    assert figures.barge_in_ms == pytest.approx([200])
    assert figures.history_error_words == [0.0]
    assert figures.wasted == 0.25
    assert figures.missing == []


@pytest.mark.parametrize(("history", "wrong"), [("You said", 1), ("You said one two.", 1), ("", 3)])
def test_words_that_were_not_heard_and_words_that_are_missing_count(history, wrong):
    figures = judge(SPOKEN, answer(history, [[0, 2.5, 2.9], [0, 3.6, 4.2], [1, 5.0, 6.0]]), WORDS)
    assert figures.history_error_words == [wrong]


def test_what_did_not_happen_is_missing():
    figures = judge(SPOKEN, answer("", [[0, 2.5, 3.0]]), WORDS)
    assert figures.missing == ["no answer to 'Stop.'", "'Stop.' interrupted nothing"]


def test_targets_are_shares_of_the_peers_figure():
    def of(latency: float) -> list[Figures]:
        return [Figures([latency], [100.0], [0.0], 0.5, [])]

    rows = rows_of("in-region", {PEER: of(1000.0), PLAIN: of(960.0), EARLY: of(490.0)})
    verdicts = {(row["metric"].partition("@")[0], row["client"]): row["ok"] for row in rows}
    assert verdicts[("turn_latency_ms", PEER)] is None
    assert verdicts[("turn_latency_ms", PLAIN)] is False
    assert verdicts[("turn_latency_ms", EARLY)] is True
    assert verdicts[("barge_in_ms", PLAIN)] is False
    assert verdicts[("wasted_characters", EARLY)] is False


def test_ten_turns_and_three_interruptions_of_answers_that_are_long():
    assert len(PHRASES) == 13
    interrupting = [n for n, phrase in enumerate(PHRASES) if phrase.interrupts]
    assert len(interrupting) == 3
    for number in interrupting:
        assert len(answer_to(PHRASES[number - 1].text).split()) > 20
    assert all(len(phrase.text.split()) <= 9 for phrase in PHRASES)
