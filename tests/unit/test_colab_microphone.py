"""`colab.enable_mic`: outside of Colab, and what it makes of the page's answer."""

from __future__ import annotations

import sys
import types

import pytest

from smallest_nb.errors import ConfigError, FrontEndError
from smallest_nb.notebook import colab


@pytest.fixture
def answer(monkeypatch):
    """Stand in for `google.colab.output`; the page's part is tried in `tests/hosts/test_colab.py`."""

    def becomes(value):
        def eval_js(script, ignore_result=False, timeout_sec=None):
            assert (script, timeout_sec) == (colab.ASK, 5)
            if isinstance(value, Exception):
                raise value
            return value

        package = types.ModuleType("google.colab")
        package.output = types.SimpleNamespace(eval_js=eval_js)
        monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
        monkeypatch.setitem(sys.modules, "google.colab", package)

    return becomes


def test_elsewhere_it_says_what_to_do():
    with pytest.raises(ConfigError, match="press the widget's button"):
        colab.enable_mic()


def test_a_microphone_that_opens_is_all_there_is(answer):
    answer("")
    assert colab.enable_mic(5) is None


def test_a_refusal_carries_its_reason(answer):
    answer("NotAllowedError: Permission denied")
    with pytest.raises(FrontEndError, match="NotAllowedError: Permission denied.*site settings"):
        colab.enable_mic(5)


def test_no_one_answers(answer):
    answer(TimeoutError("no answer"))
    with pytest.raises(FrontEndError, match="within 5 s: no answer"):
        colab.enable_mic(5)
