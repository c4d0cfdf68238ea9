"""Settings found in Python code. The code is parsed, never run.

Understood is what people write around this API: calls of Pipecat's, LiveKit's, the vendor's and this package's classes,
requests as dicts, and values that are known without running anything: literals, members of enumerations, names that are
assigned once, and the defaults of environment variables.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

from smallest_nb.api.catalog import SmallestTTSModel
from smallest_nb.api.language import Language
from smallest_nb.errors import ConfigError

__all__ = ["find_settings", "parse_code"]

_MAX_CODE = 200_000
"""Characters; more is no file that a person wrote, and would keep the parser busy for seconds."""
_MAX_STEPS = 50
"""How deep a value may refer to others."""
_ENUMS: dict[str, Any] = {"Language": Language, "SmallestTTSModel": SmallestTTSModel}
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {"float": float, "int": int, "str": str, "bool": bool}
_CALLS = re.compile(r"(^TTS|TTSService|TTSConfig|WavesClient|^speak|synthesize|VoiceTuner)$")
_STT = re.compile(r"STT|[Tt]ranscri|[Ss]peech_?[Tt]o_?[Tt]ext|Recogni")
_SMALLEST = re.compile(r"smallest|waves|lightning", re.IGNORECASE)
_ELSEWHERE = frozenset("settings params delta text messages".split())
"""Arguments that hold no setting themselves; what stands inside them is looked at on its own."""


def parse_code(text: str) -> ast.Module:
    """Parse code that may hold top-level `await`, as a notebook's cells do.

    Raises:
        ConfigError: It is too long, or not Python.
    """
    if len(text) > _MAX_CODE:
        raise ConfigError(
            f"{len(text):,} characters are too many for code (at most {_MAX_CODE:,}); paste the lines that matter."
        )
    try:
        tree: ast.Module = compile(text, "settings", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        raise ConfigError(
            f"The text is neither JSON nor Python ({error}); expected settings, or a snippet as `code()` writes it."
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise ConfigError(
            "The text is neither JSON nor Python that can be read: it is nested too deeply, or holds a NUL."
        ) from None
    return tree


def find_settings(tree: ast.Module, text: str, ignored: frozenset[str]) -> tuple[dict[str, Any], bool]:
    """Return the settings of the voice that the code sets up.

    Args:
        tree: The parsed code.
        text: Its source, for messages.
        ignored: Names of arguments that are no settings; their values are not looked at.

    Returns:
        The values by the names that the code uses, and whether they are a request.

    Raises:
        ConfigError: There are none, or several that differ, or a value that is not known before the code runs.
    """
    reader = _Reader(tree, text)
    for candidates in _ranked(tree):
        found: list[tuple[dict[str, Any], bool]] = []
        for node in candidates:
            read = (
                (reader.call(node, ignored), False)
                if isinstance(node, ast.Call)
                else (reader.dict(node, ignored), True)
            )
            if read not in found:
                found.append(read)
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(
                f"The code holds {len(found)} different sets of settings; expected one call such as "
                "SmallestTTSSettings(voice=…) or smallestai.TTS(…), or one request as a dict."
            )
    raise ConfigError(
        "The code holds no settings; expected one call such as SmallestTTSSettings(voice=…) or smallestai.TTS(…), "
        "or one request as a dict."
    )


def _ranked(tree: ast.Module) -> Iterator[list[Any]]:
    """Yield what may hold the settings of a voice, the surest kind first: a class of settings says it best."""
    nodes = list(ast.walk(tree))
    calls = [(n, _dotted(n.func)) for n in nodes if isinstance(n, ast.Call)]
    calls = [(n, name) for n, name in calls if not _STT.search(name)]
    settings = [(n, name) for n, name in calls if name.endswith("Settings") and (n.keywords or not n.args)]
    for wanted in (_SMALLEST, re.compile("TTS"), re.compile(r"(^|\.)Settings$")):
        named = [n for n, name in settings if wanted.search(name)]
        yield [n for n in named if n.keywords] or named
    others = [(n, name) for n, name in calls if _CALLS.search(name.rpartition(".")[2])]
    with_settings = [(n, name) for n, name in others if any(k.arg not in _ELSEWHERE for k in n.keywords)]
    for wanted in (_SMALLEST, re.compile("TTSConfig$"), re.compile("")):
        yield [n for n, name in with_settings if wanted.search(name) and _has_settings(n)]
    yield [n for n in nodes if isinstance(n, ast.Dict) and _is_request(n)]
    yield [n for n, _ in calls if any(k.arg == "voice_id" for k in n.keywords)]
    yield [n for n, _ in others]


def _has_settings(call: ast.Call) -> bool:
    return any(k.arg is None or k.arg not in ("api_key", "base_url", "sample_rate") for k in call.keywords)


def _is_request(node: ast.Dict) -> bool:
    names = {key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return "voice_id" in names or ("voice" in names and "input" not in names)


def _dotted(node: ast.expr) -> str:
    names: list[str] = []
    for _ in range(_MAX_STEPS):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Name):
            names.append(node.id)
            break
        else:
            break
    return ".".join(reversed(names))


class _Reader:
    """Reads values of parsed code.

    Args:
        tree: The code.
        text: Its source, for messages.
    """

    def __init__(self, tree: ast.Module, text: str) -> None:
        self._lines = text.splitlines()
        self._assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            for target in targets:
                if isinstance(target, ast.Name) and node.value is not None:  # type: ignore[attr-defined]
                    self._assigned.setdefault(target.id, []).append(node.value)  # type: ignore[attr-defined]

    def call(self, call: ast.Call, ignored: frozenset[str]) -> dict[str, Any]:
        """Return the keyword arguments of a call, without those that are no settings."""
        found: dict[str, Any] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                unpacked = self.value(keyword.value)
                if not isinstance(unpacked, dict):
                    raise ConfigError(f"**{self._source(keyword.value)} is no dict of settings.")
                found |= {n: v for n, v in unpacked.items() if n not in ignored}
            elif keyword.arg not in ignored:
                found[keyword.arg] = self.value(keyword.value)
        return found

    def dict(self, node: ast.Dict, ignored: frozenset[str]) -> dict[str, Any]:
        """Return the items of a dict, without the values of those that are no settings."""
        found: dict[str, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                unpacked = self.value(value)
                found |= unpacked if isinstance(unpacked, dict) else {}
                continue
            name = self.value(key)
            found[name] = "" if isinstance(name, str) and name in ignored else self.value(value)
        return found

    def value(self, node: ast.expr, steps: int = _MAX_STEPS) -> Any:
        """Return a value that is known without running the code.

        Raises:
            ConfigError: It is not known.
        """
        if steps:
            for read in (self._literal, self._enum_member, self._name, self._environment, self._conversion):
                known = read(node, steps - 1)
                if known is not _UNKNOWN:
                    return known
        raise ConfigError(f"{self._source(node)} is not known before the code runs; write the value itself.")

    def _literal(self, node: ast.expr, steps: int) -> Any:
        if isinstance(node, ast.Dict):
            names = [None if k is None else self.value(k, steps) for k in node.keys]
            pairs = zip(names, (self.value(v, steps) for v in node.values), strict=True)
            return {k: v for k, v in pairs if k is not None and k.__hash__ is not None}
        if isinstance(node, ast.List | ast.Tuple):
            return [self.value(each, steps) for each in node.elts]
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return _UNKNOWN

    def _enum_member(self, node: ast.expr, _steps: int) -> Any:
        if isinstance(node, ast.Attribute) and node.attr in ("value", "name") and isinstance(node.value, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Attribute) or (known := _ENUMS.get(_dotted(node.value).rpartition(".")[2])) is None:
            return _UNKNOWN
        try:
            return known[node.attr]
        except KeyError:
            raise ConfigError(f"There is no {self._source(node)} here; write it as text, such as 'en'.") from None

    def _name(self, node: ast.expr, steps: int) -> Any:
        """Read a name that the code assigns one value."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):  # os.getenv("VOICE") or "meher"
            return self.value(node.values[-1], steps)
        values = self._assigned.get(node.id, []) if isinstance(node, ast.Name) else []
        return self.value(values[0], steps) if len(values) == 1 else _UNKNOWN

    def _environment(self, node: ast.expr, steps: int) -> Any:
        """Read the default of an environment variable: it is what the code uses elsewhere."""
        if not isinstance(node, ast.Call) or _dotted(node.func) not in (
            "os.getenv",
            "getenv",
            "os.environ.get",
            "environ.get",
        ):
            return _UNKNOWN
        defaults = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "default")]
        if not defaults:
            raise ConfigError(
                f"{self._source(node)} has no default and is not known before the code runs; write the value itself."
            )
        return self.value(defaults[0], steps)

    def _conversion(self, node: ast.expr, steps: int) -> Any:
        if not isinstance(node, ast.Call):
            return _UNKNOWN
        name = _dotted(node.func).rpartition(".")[2]
        if name == "dict" and not node.args:
            return {k.arg: self.value(k.value, steps) for k in node.keywords if k.arg is not None}
        if len(node.args) != 1 or node.keywords or name not in (*_CONVERSIONS, *_ENUMS):
            return _UNKNOWN
        value = self.value(node.args[0], steps)
        try:
            return value if name in _ENUMS else _CONVERSIONS[name](value)
        except (TypeError, ValueError, OverflowError):
            return _UNKNOWN

    def _source(self, node: ast.expr) -> str:
        """Return the first characters of a piece of code; unparsing it could be too deep."""
        line = self._lines[node.lineno - 1].encode()[node.col_offset :].decode("utf-8", "replace")
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            line = line.encode()[: node.end_col_offset - node.col_offset].decode("utf-8", "replace")
        return line[:80].strip()


class _Unknown:
    """The type of `_UNKNOWN`: None is a value."""


_UNKNOWN = _Unknown()
