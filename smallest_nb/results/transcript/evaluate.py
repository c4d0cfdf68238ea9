"""How far a transcript is from a reference: word error rate, and the two texts side by side.

Unless `normalize` is False, texts are normalised first: Unicode NFKC, lower case, typographic apostrophes as `'`,
invisible format characters dropped, every punctuation mark and symbol replaced by a space except apostrophes between
letters or digits, and white space collapsed. Words are what stands between spaces, so the rate says little for
languages that are written without them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smallest_nb.common.markup import text_html
from smallest_nb.common.text import composed
from smallest_nb.errors import ConfigError
from smallest_nb.results.table import make_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "compare_texts", "normalize_text"]

_MAX_SHOWN = 2000
"""Words that the HTML view shows."""
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u02bc\u2018\u00b4`", "'"))
_LOOSE_APOSTROPHE = re.compile(r"(?<!\w)'|'(?!\w)")

# A background of their own keeps the two readable on light and on dark pages; the decoration needs no colour at all.
_GONE = "background:#ffe0dd;color:#82071e;text-decoration:line-through"
_NEW = "background:#d6f5dc;color:#0a4d1f;text-decoration:underline"

Row = tuple[str, tuple[str, ...], tuple[str, ...]]
"""What happened ("equal", "substitute", "delete", "insert"), the reference's words, the transcript's words."""


@dataclass(frozen=True)
class Comparison:
    """A transcript compared with a reference.

    Attributes:
        wer: Word error rate: (substitutions + deletions + insertions) / words of the reference. May exceed 1.
        hits: Words that are right.
        substitutions: Words that became others.
        deletions: Words of the reference that are missing.
        insertions: Words that are not in the reference.
        rows: In order: what happened ("equal", "substitute", "delete", "insert"), the reference's words, the
            transcript's words.
    """

    wer: float
    hits: int
    substitutions: int
    deletions: int
    insertions: int
    rows: list[Row]

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table: `kind`, and the words of `reference` and `hypothesis` (the transcript).

        Raises:
            ConfigError: pandas is missing.
        """
        lines = [(kind, " ".join(a), " ".join(b)) for kind, a, b in self.rows]
        return make_table(lines, ["kind", "reference", "hypothesis"])

    def __repr__(self) -> str:
        return (
            f"Comparison(wer={self.wer:.3f}, hits={self.hits}, substitutions={self.substitutions}, "
            f"deletions={self.deletions}, insertions={self.insertions})"
        )

    def _repr_html_(self) -> str:
        shown = " ".join(_shown_rows(self.rows))
        words = sum(max(len(a), len(b)) for _, a, b in self.rows)
        cut = f"<p><small>Only the first {_MAX_SHOWN:,} of {words:,} words are shown.</small></p>"
        return (
            f"<p><b>Word error rate {self.wer:.1%}</b>: {self.hits:,} right, {self.substitutions:,} substituted, "
            f"{self.deletions:,} deleted, {self.insertions:,} inserted. "
            f"<small>{_tag('del', ('missing',))} {_tag('ins', ('added',))}</small></p>"
            f"<p>{shown}</p>{cut if words > _MAX_SHOWN else ''}"
        )


def _shown_rows(rows: list[Row]) -> Iterator[str]:
    left = _MAX_SHOWN
    for kind, reference, hypothesis in rows:
        if left <= 0:
            return
        gone, new = reference[:left], hypothesis[:left]
        left -= max(len(gone), len(new))
        if kind == "equal":
            yield _words_html(new)
            continue
        yield " ".join([*([_tag("del", gone)] if gone else []), *([_tag("ins", new)] if new else [])])


def _tag(tag: str, words: tuple[str, ...]) -> str:
    return f'<{tag} style="{_GONE if tag == "del" else _NEW}">{_words_html(words)}</{tag}>'


def _words_html(words: tuple[str, ...]) -> str:
    return text_html(" ".join(words))


def normalize_text(text: str) -> str:
    """Return text as it is compared; the module says how."""
    folded = composed(text.translate(_APOSTROPHES), "NFKC").lower()
    kinds = ((c, unicodedata.category(c)) for c in folded)
    bare = "".join(" " if k[0] in "PS" and c != "'" else c for c, k in kinds if k != "Cf")
    return " ".join(_LOOSE_APOSTROPHE.sub(" ", bare).split())


def compare_texts(reference: str, hypothesis: str, *, normalize: bool) -> Comparison:
    """Compare a text with a reference, word by word.

    Args:
        reference: What was really said.
        hypothesis: What was understood.
        normalize: Whether capitals, punctuation and the like do not count.

    Raises:
        ConfigError: The reference has no words, or jiwer is missing.
    """
    true, heard = (normalize_text(t).split() if normalize else t.split() for t in (reference, hypothesis))
    if not true:
        raise ConfigError("The reference has no words; expected the text that was really said.")
    try:
        import jiwer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError("Word error rates need jiwer: pip install 'smallest-nb[eval]'.") from error
    found = jiwer.process_words(" ".join(true), " ".join(heard))
    rows: list[Row] = [
        (c.type, tuple(true[c.ref_start_idx : c.ref_end_idx]), tuple(heard[c.hyp_start_idx : c.hyp_end_idx]))
        for c in found.alignments[0]
    ]
    return Comparison(found.wer, found.hits, found.substitutions, found.deletions, found.insertions, rows)
