"""Where e-mail addresses stand in a transcript: written, spoken, spelled, or cut in two by the end of a final.

"john dot smith five five at example dot com" is found by its "at" and the domain behind it. What is cut has a joint
("dot", "underscore") or a cue ("my email is") in its first part, and in its second begins with a joint or "at".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from smallest_nb.simulator.text.entities import Entity
from smallest_nb.simulator.text.given_names import NOT_NAMES
from smallest_nb.simulator.text.normalize import ENDINGS, NOT_MAILBOXES
from smallest_nb.simulator.text.numerals import NUMBERED, key_at

__all__ = ["find_continued_email", "find_emails", "find_unfinished_email"]

_MOST = 24
"""Words of an address that are looked at on either side of its "at"."""
_WRITTEN = re.compile(r"[^@\s\[]+@[^@\s]+\.\w+")
_WRITTEN_DOMAIN = re.compile(r"\w[\w-]*(?:\.[\w-]+)+")
_DOTS = frozenset({"dot", "डॉट", "point"})
_JOINTS = frozenset({"dot", "डॉट", "underscore", "dash", "hyphen", "minus", "plus"})
_SEPARATORS = frozenset({"dot", "डॉट", "underscore"})
_AT = frozenset({"at", "एट", "ऐट"})
_PROVIDERS = frozenset("gmail googlemail yahoo hotmail outlook icloud protonmail rediffmail जीमेल".split())
_ALL_ENDINGS = ENDINGS | {"कॉम", "इन", "fr", "es", "it", "nl", "eu", "biz", "app", "ch", "at", "ca", "au"}
_CUES = frozenset({"email", "e-mail", "mail", "emails", "ईमेल", "ईमेल्स"})
_CUE_WORDS = frozenset("address id is at it's to me my the our your for on मेरा पता है आईडी".split())
_STATES = frozenset("broken working down full slow wrong empty open closed lost hacked blocked fine correct".split())
_MOST_BEHIND_CUE = 4
"""Words behind a cue that may be an address without a joint."""


def find_emails(keys: Sequence[str]) -> Iterator[Entity]:
    """Find complete addresses."""
    for i, key in enumerate(keys):
        if "@" in key and _WRITTEN.fullmatch(key):
            yield Entity(i, i + 1, "EMAIL", key)
        elif key in _AT:
            end = _find_domain_end(keys, _find_behind_at(keys, i))
            start = _find_mailbox(keys, i)
            if end and start < i and not (start == i - 1 and keys[start] in NOT_MAILBOXES):
                yield Entity(start, end, "EMAIL", " ".join(keys[start:end]))


def find_unfinished_email(keys: Sequence[str], offset: int) -> Iterator[Entity]:
    """Find an address that may go on in the next final.

    Args:
        keys: Words, of this final from `offset` on.
        offset: Where it begins.
    """
    end = len(keys)
    if end <= offset or keys[-1].startswith("["):
        return
    at = next((i for i in range(end - 1, max(offset, end - _MOST) - 1, -1) if keys[i] in _AT), None)
    chained = at is not None and _find_chain_end(keys, _find_behind_at(keys, at)) >= end
    start = _find_mailbox(keys, at) if chained and at is not None else _find_mailbox(keys, end)
    if chained and at is not None and start == at - 1 and keys[start] in NOT_MAILBOXES | NOT_NAMES:
        return  # "look at example dot com"
    start = min(start, _find_cue(keys, offset))
    words = keys[start:end]
    if not words:
        return
    cued = _has_cue(keys, start) and not set(words) & _STATES
    joined = any(
        word in _SEPARATORS and not (_is_digit(before) and _is_digit(after))
        for before, word, after in zip(words, words[1:], words[2:], strict=False)
    )
    if cued or (joined and (chained or words[-1] not in _ALL_ENDINGS)):
        yield Entity(start, end, "EMAIL", " ".join(words))


def find_continued_email(keys: Sequence[str], offset: int) -> Iterator[Entity]:
    """Find the rest of an address whose first part ended the last final."""
    end = _find_chain_end(keys, _find_behind_at(keys, offset) if key_at(keys, offset) in _AT else offset)
    if set(keys[offset:end]) & (_JOINTS | _AT) or (end > offset and _WRITTEN_DOMAIN.fullmatch(keys[offset])):
        yield Entity(offset, end, "EMAIL", " ".join(keys[offset:end]))


def _find_behind_at(keys: Sequence[str], at: int) -> int:
    """Return where the domain begins; in India "at the rate" is the sign's name."""
    if tuple(keys[at + 1 : at + 3]) == ("the", "rate"):
        return at + 4 if key_at(keys, at + 3) == "of" else at + 3
    return at + 2 if key_at(keys, at + 1) == "sign" else at + 1


def _is_label(key: str) -> bool:
    return key not in _JOINTS and key not in _AT and "@" not in key and any(c.isalnum() for c in key)


def _find_chain_end(keys: Sequence[str], start: int) -> int:
    """Return where labels and joints that follow one another end, with an "at" between them."""
    i, ends = start, start
    while i < min(len(keys), start + _MOST):
        if keys[i] in _JOINTS or keys[i] in _AT:
            i = _find_behind_at(keys, i) if keys[i] in _AT else i + 1
            ends = min(i, len(keys))
        elif _is_label(keys[i]) and (
            i == start
            or keys[i - 1] in _JOINTS | _AT | {"rate", "sign"}
            or (_is_spelled(keys[i]) and _is_spelled(keys[i - 1]))
        ):
            i += 1
            ends = i
        else:
            break
    return ends


def _find_domain_end(keys: Sequence[str], start: int) -> int:
    """Return where the domain that begins here ends, or 0 if there is none."""
    if _WRITTEN_DOMAIN.fullmatch(key_at(keys, start)) and keys[start].rpartition(".")[2] in _ALL_ENDINGS:
        return start + 1
    end, i = 0, start
    while i < min(len(keys), start + _MOST) and _is_label(keys[i]):
        if i > start and keys[i - 1] in _DOTS and keys[i] in _ALL_ENDINGS:
            end = i + 1
        while _is_digit(key_at(keys, i + 1)) or (_is_spelled(keys[i]) and _is_spelled(key_at(keys, i + 1))):
            i += 1
        if key_at(keys, i + 1) not in _JOINTS:
            break
        i += 2
    return end or (start + 1 if key_at(keys, start) in _PROVIDERS else 0)


def _find_mailbox(keys: Sequence[str], end: int) -> int:
    """Return where the part in front of the sign begins; `end` if there is none."""
    start = end - 1
    while start >= 0 and keys[start] in _JOINTS and start > end - _MOST:
        start -= 1
    if start < 0 or not (_is_label(keys[start]) or keys[start].startswith("[")):
        return end
    while start > max(0, end - _MOST):
        before = keys[start - 1]
        if before in _JOINTS and start > 1 and (_is_label(keys[start - 2]) or keys[start - 2].startswith("[")):
            start -= 2
        elif (
            (before in _JOINTS and start == 1)
            or (_is_spelled(keys[start]) and _is_spelled(before))
            or (_is_digit(keys[start]) and _may_begin(before))
        ):
            start -= 1
        else:
            break
    return start


def _is_digit(key: str) -> bool:
    return key.isdigit() or key in NUMBERED - {"point", "hundred"}


def _is_spelled(key: str) -> bool:
    return (len(key) == 1 and key.isalnum()) or _is_digit(key)


def _may_begin(key: str) -> bool:
    return _is_label(key) and not key.startswith("[") and key not in NOT_NAMES and key not in _CUE_WORDS


def _find_cue(keys: Sequence[str], offset: int) -> int:
    """Return where words begin that a cue announces and that reach the end; the end if there are none."""
    start = len(keys)
    while (
        start > max(offset, len(keys) - _MOST_BEHIND_CUE)
        and _may_begin(keys[start - 1])
        and keys[start - 1] not in _CUES
    ):
        start -= 1
    return start if _has_cue(keys, start) else len(keys)


def _has_cue(keys: Sequence[str], start: int) -> bool:
    i = start - 1
    while i >= 0 and start - i <= _MOST_BEHIND_CUE and keys[i] in _CUE_WORDS:
        i -= 1
    return 0 <= i < start - 1 and keys[i] in _CUES
