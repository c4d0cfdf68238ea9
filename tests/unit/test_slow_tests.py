"""The list of slow tests: each is there, says why, and they are few."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.slow_tests import SLOW, SLOW_AND_ALL

ROOT = Path(__file__).resolve().parents[2]
LISTED = [(path, start, reason) for path, tests in SLOW.items() for start, reason in tests.items()]


@pytest.mark.parametrize(("path", "start", "reason"), LISTED, ids=[f"{path}-{start}" for path, start, _ in LISTED])
def test_it_is_there_and_says_why(path, start, reason):
    assert f"def {start.partition('[')[0] or 'test_'}" in (ROOT / path).read_text(encoding="utf-8")
    assert len(reason.split()) >= 3


def test_at_most_one_in_twenty_is_slow(request):
    slow, every = request.config.stash[SLOW_AND_ALL]
    if every < 5000:
        pytest.skip("only some tests were collected")
    assert slow <= 0.05 * every
