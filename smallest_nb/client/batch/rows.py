"""Rows to be spoken: texts, mappings, a DataFrame, a file of rows; each becomes an item with complete settings."""

from __future__ import annotations

import csv
import difflib
import io
import logging
import math
import os
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.encoder import SOUND_FORMATS, check_encoder
from smallest_nb.client.batch.items import Item, hash_of
from smallest_nb.client.batch.places import read_file
from smallest_nb.client.sentences import is_speakable
from smallest_nb.common.secret import box_arguments
from smallest_nb.common.text import parse_json
from smallest_nb.errors import ConfigError

__all__ = ["checked_name", "items_of_rows", "read_rows"]

_log = logging.getLogger(__name__)
_FILES = (".csv", ".tsv", ".jsonl", ".ndjson", ".txt")
_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
_SETTINGS = frozenset(SmallestTTSSettings.specs()) | {"extra"}
_UNFIT = re.compile(r"[\x00-\x1f<>:\"|?*\\]")
_SLUG_CHARS = 40
_MOST_ROWS = 1_000_000


def read_rows(rows: Any) -> list[Mapping[str, Any]]:
    """Return rows as mappings with a `text` each.

    Args:
        rows: Texts or mappings, a DataFrame, or the path of a CSV, TSV, JSONL or text file (a text a line), of this
            machine or at a URL.

    Raises:
        ConfigError: None of these, or a row without text.
    """
    if isinstance(rows, str | os.PathLike):
        found: list[Any] = _read_file(os.fspath(rows))
    elif isinstance(rows, Mapping):
        raise ConfigError("One row was given; expected a list of rows: speak_many([row]).")
    elif hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        found = rows.to_dict("records")
    elif isinstance(rows, Iterable) and not isinstance(rows, bytes | bytearray):
        found = list(rows)
    else:
        raise ConfigError(
            f"{type(rows).__name__} is no rows; expected texts, mappings with a text, a DataFrame, or the path of a "
            "CSV or JSONL file."
        )
    if len(found) > _MOST_ROWS:
        raise ConfigError(f"There are {len(found)} rows; expected at most {_MOST_ROWS}.")
    return [_as_mapping(row, number) for number, row in enumerate(found, 1)]


def _read_file(path: str) -> list[Any]:
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - it may be a URL
    if suffix not in _FILES:
        raise ConfigError(
            f"{path!r:.80} is no file of rows; expected a path that ends in {', '.join(_FILES)}. One text is spoken by "
            "snb.speak; several are given as a list."
        )
    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from None
    if suffix == ".txt":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if suffix in (".csv", ".tsv"):
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if suffix == ".tsv" else ","))
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append(parse_json(line))
            except ValueError as error:
                raise ConfigError(f"{path}, line {number}, is no JSON ({error}).") from None
    return rows


def _as_mapping(row: Any, number: int) -> Mapping[str, Any]:
    if isinstance(row, str):
        row = {"text": row}
    if not isinstance(row, Mapping):
        raise ConfigError(f"Row {number} is {type(row).__name__}; expected a text, or a mapping with a text.")
    found = {name: value for name, value in box_arguments(row).items() if name is not None and not _is_missing(value)}
    text = found.get("text")
    if not isinstance(text, str) or not is_speakable(text):
        raise ConfigError(f"Row {number} has nothing to speak: text={text!r:.60}.")
    return found


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # what pandas has for an empty cell
        return True
    return (isinstance(value, str) and not value) or (isinstance(value, float) and math.isnan(value))


def checked_name(name: str) -> str:
    """Return the format that a pattern of names ends with.

    Raises:
        ConfigError: No such format, or what writes it is missing.
    """
    sound_format = name.rpartition(".")[2].lower() if isinstance(name, str) and "." in name else ""
    if sound_format not in SOUND_FORMATS:
        raise ConfigError(f"name={name!r} cannot be used; expected a suffix of {', '.join(SOUND_FORMATS)}.")
    check_encoder(sound_format)
    return sound_format


def items_of_rows(
    rows: Sequence[Mapping[str, Any]],
    settings: SmallestTTSSettings,
    *,
    name: str | None,
    sample_rate: int | None,
) -> list[Item]:
    """Return an item for each row.

    Args:
        rows: As `read_rows` returns them. A column with the name of a setting is that setting, `id` the item's name;
            others are kept for the table.
        settings: For every row that does not say otherwise.
        name: The names of the outputs, such as "{voice}/{id}.wav"; None for no outputs.
        sample_rate: Hz, as the outputs depend on it.

    Raises:
        ConfigError: A value that cannot be used, or two rows with one name.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    _refuse_misspelled(columns)
    width = max(4, len(str(len(rows))))
    merged_once: dict[str, SmallestTTSSettings] = {}
    items: list[Item] = []
    for number, row in enumerate(rows):
        own = {n: row[n] for n in columns if n in row and n in _SETTINGS}
        key = hash_of(own)
        if key not in merged_once:
            merged_once[key] = _merged(settings, own, number + 1)
        whole = merged_once[key]
        identity = str(row.get("id", f"{number + 1:0{width}d}"))
        known = {**whole.given_fields(), **row, "id": identity, "number": number + 1, "slug": _slug(row["text"])}
        outputs = () if name is None else (_fill(name, known, number + 1),)
        digest = hash_of("speak", row["text"], whole.given_fields(), sample_rate)
        more = {n: v for n, v in row.items() if n not in ("text", "id")}
        items.append(Item(identity, number, row["text"], outputs, whole, digest, columns=more))
    _refuse_doubles([item.id for item in items], "id")
    _refuse_doubles([output for item in items for output in item.outputs], "name")
    return items


def _refuse_misspelled(columns: Sequence[str]) -> None:
    known = [*_SETTINGS, "text", "id"]
    for column in columns:
        near = difflib.get_close_matches(str(column), known, n=1, cutoff=0.8)
        if near and column not in known:
            raise ConfigError(f"Column {column!r} is no setting; did you mean {near[0]!r}? Rename it if it is not.")


def _merged(settings: SmallestTTSSettings, own: Mapping[str, Any], number: int) -> SmallestTTSSettings:
    specs = SmallestTTSSettings.specs()
    try:
        values = {name: _typed(value, specs[name].kind if name in specs else "") for name, value in own.items()}
        return settings.merged(SmallestTTSSettings.from_mapping(values))[0]
    except ConfigError as error:
        raise ConfigError(f"Row {number}: {error}") from None


def _typed(value: Any, kind: str) -> Any:
    """Return a value as its setting has it: the cells of a CSV file are all text."""
    if not isinstance(value, str):
        return value
    if kind == "bool":
        lower = value.strip().lower()
        return True if lower in _TRUE else False if lower in _FALSE else value
    if kind in ("float", "int"):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _slug(text: str) -> str:
    words = re.sub(r"[^\w]+", "-", text.lower()).strip("-_")
    return words[:_SLUG_CHARS].rstrip("-") or "text"


class _Filler(string.Formatter):
    """Fills a pattern with what a file can be called."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field("default" if value is None else value, format_spec))
        return _UNFIT.sub("_", text.replace("/", "_")).strip() or "_"


def _fill(name: str, known: Mapping[str, Any], number: int) -> str:
    try:
        filled = _Filler().vformat(name, (), known)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        fields = ", ".join(str(n) for n in known)
        raise ConfigError(f"name={name!r} cannot be filled for row {number} ({error!r}); known are {fields}.") from None
    parts = filled.replace("\\", "/").split("/")
    if filled.startswith("/") or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        raise ConfigError(
            f"name={name!r} gives {filled!r} for row {number}; expected a name below the folder, without a dot first."
        )
    return "/".join(parts)


def _refuse_doubles(values: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for value in values:
        folded = value.casefold()  # some file systems know no capitals
        if folded in seen:
            raise ConfigError(f"Two rows have the {what} {value!r}; each needs its own, so that neither is lost.")
        seen.add(folded)
