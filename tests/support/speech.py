"""A sentence that the simulator recognises without a hint, and the words of a text."""

from __future__ import annotations

import re

SENTENCE = "The weather will be cold and cloudy this morning."


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))
