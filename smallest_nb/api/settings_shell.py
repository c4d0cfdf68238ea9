"""Requests found in shell commands, and settings in files of variables. Nothing is run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from smallest_nb.errors import ConfigError

__all__ = ["find_request", "is_curl", "read_variables"]

_CURL = re.compile(r"(?m)^[ \t$>%!]*(?:[A-Za-z_]\w*=\S*[ \t]+)*curl(?:\.exe)?(?=\s)|[|;&(][ \t]*curl(?:\.exe)?(?=\s)")
_ASSIGNED = re.compile(
    r"(?m)^[ \t]*(?:export[ \t]+|set[ \t]+)?([A-Za-z_]\w*)=(\"[^\"\n]*\"|'[^'\n]*'|[^\s;#]*)[ \t]*;?[ \t\r]*$"
)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::?-([^}\n]*))?\}|([A-Za-z_]\w*))")
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)([A-Za-z_]\w*)\1[^\n]*\n")
_LONG = ("--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
_SHORT = re.compile(r"-[a-zA-Z]*d")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "v": "\v",
            "e": "\x1b"}  # fmt: skip
_CODE = re.compile(r"x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})")
_LINE = re.compile(r"(?:export\s+|set\s+)?([A-Za-z_][\w.]*)\s*[=:]\s*(.*)")
_PREFIX = re.compile(r"^(?:(?:SMALLEST|SMALLESTAI|WAVES|LIGHTNING|TTS|AI)_)*", re.IGNORECASE)


def is_curl(text: str) -> bool:
    """Whether a text holds a curl command."""
    return _CURL.search(text) is not None


def find_request(text: str) -> dict[str, Any]:
    """Return the JSON that a curl command sends.

    Args:
        text: A command as it is written for a POSIX shell, for cmd.exe or PowerShell, with all of its ways to quote;
            what `-d @-` reads may stand in a here-document, a here-string or an `echo` before it.

    Raises:
        ConfigError: There is no JSON, or it is kept in a file.
    """
    text = re.sub(r"[\\^`]\r?\n", " ", text)  # a line goes on
    variables = {name: value.strip("\"'") for name, value in _ASSIGNED.findall(text)}
    text, piped = _without_document(text, variables)
    words = list(_words(text, variables))
    piped += [w for w in words if w.lstrip().startswith("{")]
    named = None
    for body in _bodies(words):
        if body.startswith("@"):
            named = body
            if body not in ("@-", "@/dev/stdin"):
                continue
            candidates = piped
        else:
            candidates = [body]
        for candidate in candidates:
            found = _json(candidate)
            if isinstance(found, dict):
                return found
    if named is not None and named != "@-":
        raise ConfigError(f"The curl command sends the file {named[1:61]!r}; paste what is in it.")
    raise ConfigError("The curl command has no JSON after --data; expected the body of a request.")


def _without_document(text: str, variables: dict[str, str]) -> tuple[str, list[str]]:
    """Take the first here-document out of a text; return the rest and what stood in it."""
    begins = _HEREDOC.search(text)
    if begins is None:
        return text, []
    ends = re.compile(rf"^[ \t]*{begins[2]}[ \t\r]*$", re.MULTILINE).search(text, begins.end())
    if ends is None:
        return text, []
    document = text[begins.end() : ends.start()]
    rest = text[: begins.start()] + text[ends.end() :]
    return rest, [document if begins[1] else _substituted(document, variables)]


def _bodies(words: list[str]) -> Iterator[str]:
    for here, word in enumerate(words):
        behind = words[here + 1] if here + 1 < len(words) else ""
        name, equals, value = word.partition("=")
        if name in _LONG:
            yield value if equals else behind
        elif word == "<<<":
            yield behind
        elif word.startswith("-") and not word.startswith("--") and (short := _SHORT.match(word)) is not None:
            yield word[short.end() :] or behind


def _json(text: str) -> Any:
    for candidate in (text, text.replace('\\"', '"')):  # cmd.exe keeps the backslashes for the program to read
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    return None


def _words(text: str, variables: dict[str, str]) -> Iterator[str]:
    """Yield the words of a command, as a POSIX shell reads them."""
    here, end = 0, len(text)
    word: list[str] | None = None
    while here < end:
        char = text[here]
        if char.isspace() or char in ";|&":
            if word is not None:
                yield "".join(word)
                word = None
            here += 1
            continue
        if char == "#" and word is None:
            here = text.find("\n", here)
            if here < 0:
                break
            continue
        word = [] if word is None else word
        piece, here = _piece(text, here, variables)
        word.append(piece)
    if word is not None:
        yield "".join(word)


def _piece(text: str, here: int, variables: dict[str, str]) -> tuple[str, int]:
    """Read one quoted or plain piece of a word; return it and where it ends."""
    char = text[here]
    if char == "'":
        return _until(text, here + 1, "'")
    if char == '"':
        return _double_quoted(text, here + 1, variables)
    if char == "$" and text[here + 1 : here + 2] == "'":
        return _escaped(text, here + 2)
    if char == "\\":
        return text[here + 1 : here + 2], here + 2
    found = re.compile(r"[^\s;|&'\"\\$]+").match(text, here)
    if found is not None:
        return found[0], found.end()
    named = _VARIABLE.match(text, here)
    return (_substituted(named[0], variables), named.end()) if named is not None else (char, here + 1)


def _until(text: str, start: int, quote: str) -> tuple[str, int]:
    end = text.find(quote, start)
    if end < 0:
        raise ConfigError("The curl command cannot be read (a quote is not closed); copy it whole, with its quotes.")
    return text[start:end], end + 1


def _double_quoted(text: str, start: int, variables: dict[str, str]) -> tuple[str, int]:
    end = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL).match(text, start).end()  # type: ignore[union-attr]
    _until(text, end, '"')
    pieces = re.finditer(r"\\([\"\\$`\n])|([^\\]+|\\)", text[start:end])
    return "".join(p[1] if p[1] is not None else _substituted(p[2], variables) for p in pieces), end + 1


def _escaped(text: str, start: int) -> tuple[str, int]:
    """Read what stands in `$'...'`."""
    end = re.compile(r"(?:[^'\\]|\\.)*", re.DOTALL).match(text, start).end()  # type: ignore[union-attr]
    _until(text, end, "'")

    def plain(found: re.Match[str]) -> str:
        coded = _CODE.fullmatch(found[1])
        if coded is None:
            return _ESCAPES.get(found[1], found[0])
        number = int(next(filter(None, coded.groups())), 8 if coded[4] else 16)
        return chr(number) if number <= 0x10FFFF else found[0]

    return re.sub(rf"\\({_CODE.pattern}|.)", plain, text[start:end], flags=re.DOTALL), end + 1


def _substituted(text: str, variables: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        default = found[0] if found[2] is None else found[2]
        return variables.get(found[1] or found[3], default)

    return _VARIABLE.sub(value, text)


def read_variables(text: str, known: frozenset[str]) -> dict[str, str]:
    """Return the settings in a file of variables, such as `.env`; empty if the text is not one.

    Args:
        text: Lines such as `SMALLEST_VOICE_ID="meher"` or `speed: 1.2`; other variables are passed over.
        known: Names of settings.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith(("#", ";", "[")):
            continue
        read = _LINE.fullmatch(line.strip())
        if read is None:
            return {}
        value = read[2].strip()
        quoted = re.match(r"(['\"])(.*?)\1\s*(?:#.*)?$", value)
        name = _PREFIX.sub("", read[1]).lower()
        if name in known:
            found[name] = quoted[2] if quoted else re.split(r"\s#", value, maxsplit=1)[0].rstrip(" ,")
    return found
