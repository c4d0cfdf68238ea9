"""The Python blocks of Markdown pages, and what is said about each in a comment before it.

A block is run, after those before it on its page, unless a comment says otherwise. The comments:

`<!-- before` ... `-->`          Python that is run before the next block, such as a file that it reads
`<!-- meanwhile` ... `-->`       `name: statement`, what a person does when a cell has shown `name`
`<!-- compiled only: why -->`    the next block is compiled and not run
`<!-- pytest -->`                the next block is a file for pytest
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PIECE = re.compile(
    r"<!--\s*(?P<word>before|meanwhile|compiled only|pytest)\b(?P<rest>.*?)-->"
    r"|^(?P<fence>`{3,}|:{3,})(?P<language>[^\n]*)\n(?P<code>.*?)^(?P=fence)\s*$",
    re.DOTALL | re.MULTILINE,
)


@dataclass
class Block:
    """One fenced block.

    Attributes:
        code: Its text.
        line: Where it begins in the page.
        how: "run", "compiled only" or "pytest".
        before: Code to be run first.
        meanwhile: What a person does, by the name that a cell showed.
    """

    code: str
    line: int
    how: str = "run"
    before: str = ""
    meanwhile: dict[str, str] = field(default_factory=dict)


def blocks(path: Path) -> list[Block]:
    """Return the Python blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    found: list[Block] = []
    how, before, meanwhile = "run", "", {}
    for piece in _PIECE.finditer(text):
        word, rest = piece["word"], piece["rest"] or ""
        if word == "before":
            before += rest.strip("\n") + "\n"
        elif word == "meanwhile":
            lines = (line.partition(": ") for line in rest.strip().splitlines())
            meanwhile = {name.strip(): what for name, _, what in lines}
        elif word:
            how = word
        elif piece["language"].strip() == "python":
            line = text.count("\n", 0, piece.start("code")) + 1
            found.append(Block(piece["code"], line, how, before, meanwhile))
            how, before, meanwhile = "run", "", {}
    return found
