"""Names, comments, messages and pages use the words of the trade: a short list of words that stand for none of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("smallest_nb", "bench", "scripts", "tests", "docs", "notebooks", "js/src", "js/test", "findings")
KINDS = {".py", ".md", ".rst", ".ts", ".js", ".mjs", ".css", ".sh", ".ipynb", ".toml", ".cfg"}
MADE = {"_build", "static", "node_modules", "tutorials", "_tapes", "__pycache__", ".ipynb_checkpoints"}
WORDS = {
    "told", "retold", "anew", "whoever", "nobody", "lest", "mend", "mends", "mended", "knock", "knocks", "knocked",
    "deck", "decks", "heir", "heirs", "deaf", "wish", "wishes", "wished", "goodbye", "waterline", "lumpy", "ere",
}  # fmt: skip
PHRASES = re.compile(r"\bfor ever\b|\bharms nobody\b|\bmakes good\b|\bin vain\b", re.IGNORECASE)
ALLOWED: dict[str, set[str]] = {
    "tests/unit/test_plain_english.py": WORDS,
    "smallest_nb/simulator/text/given_names.py": {"told"},  # data: spoken words that are no names
}


def sources():
    files = [*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile"]
    for folder in FOLDERS:
        files += [p for p in (ROOT / folder).rglob("*") if p.suffix in KINDS and not MADE & set(p.parts)]
    return sorted(files)


def written_text(path: Path) -> str:
    """Return what people wrote: all of a file, the cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])


def words_in(line: str) -> list[str]:
    """Return the words of a line; `maxRetriesTold` and `_retold` are several."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", line)]


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_plain_words(path):
    name = str(path.relative_to(ROOT))
    allowed = ALLOWED.get(name, set())
    found = []
    for number, line in enumerate(written_text(path).splitlines(), 1):
        bad = (set(words_in(line)) & WORDS) - allowed
        bad |= set(PHRASES.findall(line.lower())) - allowed
        if bad:
            found.append(f"{name}:{number}: {', '.join(sorted(bad))}: {line.strip()[:120]}")
    assert not found, "\n".join(found)
