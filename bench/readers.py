"""Who reads what we write: one transcript in every format, read back by each program that people read it with.

`python -m bench.readers --write docs/_ext/readers.json` makes the data of the documentation's table. A reader that is
not installed keeps its row; all of them at once:
`uv run --with meeteval --with praat-parselmouth python -m bench.readers --write docs/_ext/readers.json`.
`tests/unit/test_transcript_readers.py` holds the data to what the installed readers do.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smallest_nb.results.transcript import Segment, Transcript, Word

ASPECTS = ("times", "text", "odd", "speakers", "words", "notes", "settings", "long", "rtl", "wide")
"""Of each: "yes", "no", or "" where the format holds no such thing."""

Said = tuple[float, float, str | None, str]


@dataclass
class Read:
    """What a program found in a file.

    Attributes:
        said: Start, end, speaker, text of each stretch.
        words: Each word with its start.
        notes: The text of all notes.
        settings: What says where a cue is shown.
    """

    said: list[Said] = field(default_factory=list)
    words: list[tuple[str, float]] = field(default_factory=list)
    notes: str = ""
    settings: str = ""


NAMES = {0: "Ada King", 1: "שרה", 2: "李明"}
NOTE = "second.wav"
SETTING = "align:start"


def _segment(start: float, speaker: int, words: list[str], text: str, source: str) -> Segment:
    timed = tuple(Word(w, start + i, start + i + 0.75, 0.5, speaker) for i, w in enumerate(words))
    return Segment(text, True, start, start + 5, timed, speaker=speaker, source=source)


PLAIN = "Good evening to you all."
ODD = 'a = b & <c> {d} "e"'
RTL = "שלום עולם טוב"
WIDE = "今天的天气非常好。"
LONG = "That was a long time."
TRANSCRIPT = Transcript(
    [
        _segment(1, 0, PLAIN.rstrip(".").split(), PLAIN, "first.wav"),
        _segment(11, 0, ODD.split(), ODD, "first.wav"),
        _segment(21, 1, RTL.split(), RTL, NOTE),
        _segment(31, 2, ["今天", "的", "天气", "非常", "好"], WIDE, NOTE),
        _segment(360_001.5, 0, LONG.rstrip(".").split(), LONG, NOTE),
    ],
    names=dict(NAMES),
)
HOLDS = {
    "srt": {"times", "text", "odd", "speakers", "long", "rtl", "wide"},
    "vtt": {"times", "text", "odd", "speakers", "notes", "settings", "long", "rtl", "wide"},
    "TextGrid": {"times", "text", "odd", "speakers", "words", "long", "rtl", "wide"},
    "eaf": {"times", "text", "odd", "speakers", "words", "long", "rtl", "wide"},
    "rttm": {"times", "speakers", "long"},
    "ctm": {"words", "long", "rtl", "wide"},
    "stm": {"times", "text", "odd", "speakers", "long", "rtl", "wide"},
    "audacity": {"times", "text", "odd", "speakers", "long", "rtl", "wide"},
    "csv": {"words", "speakers", "notes", "long", "rtl", "wide"},
    "json": {"times", "text", "odd", "speakers", "words", "notes", "long", "rtl", "wide"},
}
"""What is in a file of each format."""


def written(kind: str, folder: Path) -> Path:
    """Write the transcript; WebVTT with a setting, as an editor adds it."""
    suffix = "txt" if kind == "audacity" else kind
    path = TRANSCRIPT.save(folder / f"talk.{suffix}", format=kind)
    if kind == "vtt":
        text = path.read_text(encoding="utf-8").replace("06.000\n", f"06.000 {SETTING}\n", 1)
        path.write_text(text, encoding="utf-8")
    return path


def _ours(path: Path) -> Read:
    kind = "audacity" if path.suffix == ".txt" else None
    found = Transcript.load(path, format=kind)
    names = {None: None, **found.speakers}
    notes = " ".join(s.source for s in found if s.source)
    return Read(
        [(s.start or 0, s.end or 0, _spaced(names[s.speaker], path), s.text) for s in found],
        [(w.text, w.start) for w in found.words],
        notes,
    )


def _spaced(name: str | None, path: Path) -> str | None:
    """Return a name with its spaces: in a column they are `_`."""
    return name.replace("_", " ") if name and path.suffix in (".rttm", ".stm") else name


def _prefixed(said: list[tuple[float, float, str]]) -> Read:
    """Take "Ada: " off, as a person does in SRT: who speaks is said where it changes."""
    read, speaker = Read(), None
    for start, end, text in said:
        for name in NAMES.values():
            if text.startswith(f"{name}: "):
                speaker, text = name, text.removeprefix(f"{name}: ")  # noqa: PLW2901
        read.said.append((start, end, speaker, text))
    return read


def _srt(path: Path) -> Read:
    import srt  # noqa: PLC0415

    parsed = srt.parse(path.read_text(encoding="utf-8"))
    return _prefixed([(c.start.total_seconds(), c.end.total_seconds(), c.content.replace("\n", " ")) for c in parsed])


def _pysubs2(path: Path) -> Read:
    import pysubs2  # noqa: PLC0415

    events = pysubs2.load(str(path))
    return _prefixed([(e.start / 1000, e.end / 1000, e.plaintext.replace("\n", " ")) for e in events])


def _webvtt(path: Path) -> Read:
    import webvtt  # noqa: PLC0415

    captions = webvtt.read(str(path)) if path.suffix == ".vtt" else webvtt.from_srt(str(path))
    if path.suffix == ".srt":
        return _prefixed(
            [
                (c.start_in_seconds + c.start_time.milliseconds / 1000, c.end_in_seconds, c.text.replace("\n", " "))
                for c in captions
            ]
        )
    read = Read()
    for caption in captions:
        start = caption.start_time.hours * 3600 + caption.start_time.minutes * 60 + caption.start_time.seconds
        end = caption.end_time.hours * 3600 + caption.end_time.minutes * 60 + caption.end_time.seconds
        start, end = start + caption.start_time.milliseconds / 1000, end + caption.end_time.milliseconds / 1000
        read.said.append((start, end, caption.voice, caption.text.replace("\n", " ")))
        read.notes += " ".join(getattr(caption, "comments", ()))
        read.settings += str(getattr(caption, "settings", ""))
    read.notes += " ".join(getattr(captions, "header_comments", ()))
    return read


def _tiers(tiers: list[tuple[str, list[tuple[float, float, str]]]]) -> Read:
    read = Read()
    for name, intervals in tiers:
        spoken = [(a, b, label) for a, b, label in intervals if label]
        if name == "words" or name.endswith(" words"):
            read.words += [(label, a) for a, _, label in spoken]
        else:
            read.said += [(a, b, name, label) for a, b, label in spoken]
    return read


def _praatio(path: Path) -> Read:
    from praatio import textgrid  # noqa: PLC0415

    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    return _tiers([(t.name, [(e.start, e.end, e.label) for e in t.entries]) for t in grid.tiers])


def _tgt(path: Path) -> Read:
    import tgt  # noqa: PLC0415

    grid = tgt.read_textgrid(str(path), encoding="utf-8")
    return _tiers(
        [(t.name, [(float(i.start_time), float(i.end_time), i.text) for i in t.intervals]) for t in grid.tiers]
    )


def _textgrid(path: Path) -> Read:
    import textgrid  # noqa: PLC0415

    grid = textgrid.TextGrid.fromFile(str(path))
    return _tiers([(t.name, [(float(i.minTime), float(i.maxTime), i.mark) for i in t]) for t in grid.tiers])


def _parselmouth(path: Path) -> Read:
    import parselmouth  # noqa: PLC0415

    call = parselmouth.praat.call
    grid = parselmouth.Data.read(str(path))
    tiers = []
    for tier in range(1, call(grid, "Get number of tiers") + 1):
        rows = []
        for i in range(1, call(grid, "Get number of intervals", tier) + 1):
            at = (call(grid, "Get start time of interval", tier, i), call(grid, "Get end time of interval", tier, i))
            rows.append((*at, call(grid, "Get label of interval", tier, i)))
        tiers.append((call(grid, "Get tier name", tier), rows))
    return _tiers(tiers)


def _pympi(path: Path) -> Read:
    import pympi  # noqa: PLC0415

    eaf = pympi.Eaf(str(path))
    return _tiers(
        [
            (name, [(a[0] / 1000, a[1] / 1000, a[2]) for a in eaf.get_annotation_data_for_tier(name)])
            for name in eaf.get_tier_names()
        ]
    )


def _pyannote(path: Path) -> Read:
    from pyannote.database.util import load_rttm, load_stm  # noqa: PLC0415

    (annotation,) = (load_rttm if path.suffix == ".rttm" else load_stm)(path).values()
    said = [
        (s.start, s.end, str(label).replace("_", " "), "") for s, _, label in annotation.itertracks(yield_label=True)
    ]
    return Read(sorted(said))


def _meeteval(path: Path) -> Read:
    import meeteval  # noqa: PLC0415

    rows = meeteval.io.load(str(path)).to_seglst()
    if path.suffix == ".ctm":
        return Read(words=[(r["words"], float(r["start_time"])) for r in rows])
    return Read(
        [
            (float(r["start_time"]), float(r["end_time"]), r["speaker"].replace("_", " "), r.get("words", ""))
            for r in rows
        ]
    )


def _pandas(path: Path) -> Read:
    import pandas as pd  # noqa: PLC0415

    if path.suffix == ".txt":
        table = pd.read_csv(path, sep="\t", header=None, names=["start", "end", "label"], quoting=3)
        return _prefixed(list(table.itertuples(index=False, name=None)))
    table = pd.read_csv(path)
    read = Read(words=[(w.removeprefix("'"), s) for w, s in zip(table["text"], table["start"], strict=True)])
    read.said = [(0.0, 0.0, name, "") for name in table["name"]]
    read.notes = " ".join(table["source"])
    return read


READERS: list[tuple[str, str, str, Callable[[Path], Read]]] = [
    ("srt", "srt", "srt", _srt),
    ("srt", "pysubs2", "pysubs2", _pysubs2),
    ("srt", "webvtt-py", "webvtt", _webvtt),
    ("vtt", "webvtt-py", "webvtt", _webvtt),
    ("vtt", "pysubs2", "pysubs2", _pysubs2),
    ("TextGrid", "praatio", "praatio", _praatio),
    ("TextGrid", "praat-parselmouth", "parselmouth", _parselmouth),
    ("TextGrid", "textgrid", "textgrid", _textgrid),
    ("TextGrid", "tgt", "tgt", _tgt),
    ("eaf", "pympi-ling", "pympi", _pympi),
    ("rttm", "pyannote-database", "pyannote", _pyannote),
    ("rttm", "meeteval", "meeteval", _meeteval),
    ("ctm", "meeteval", "meeteval", _meeteval),
    ("stm", "meeteval", "meeteval", _meeteval),
    ("stm", "pyannote-database", "pyannote", _pyannote),
    ("csv", "pandas", "pandas", _pandas),
    ("audacity", "pandas", "pandas", _pandas),
    *((kind, "Transcript.load", "smallest_nb", _ours) for kind in HOLDS if kind != "csv"),
]
"""Format, package, module, and what reads a file of it."""


def judged(kind: str, read: Read) -> dict[str, str]:
    """Return for each aspect whether a reader kept it."""
    texts = {text for *_, text in read.said}
    found = {
        "times": {(round(a, 3), round(b, 3)) for a, b, *_ in read.said} >= {(1, 6), (21, 26)},
        "text": PLAIN in texts,
        "odd": ODD in texts,
        "speakers": {name for *_, name, _ in read.said} >= set(NAMES.values()),
        "words": {("Good", 1), ("evening", 2), ("to", 3)} <= {(w, round(t, 3)) for w, t in read.words},
        "notes": NOTE in read.notes,
        "settings": SETTING in read.settings,
        "long": 360_001.5 in {round(t, 3) for t in (*(a for a, *_ in read.said), *(t for _, t in read.words))},
        "rtl": RTL in texts or {("שלום", 21), ("עולם", 22)} <= set(read.words),
        "wide": WIDE in texts or {("今天", 31), ("天气", 33)} <= set(read.words),
    }
    return {aspect: ("yes" if found[aspect] else "no") if aspect in HOLDS[kind] else "" for aspect in ASPECTS}


def row(kind: str, package: str, module: str, read: Callable[[Path], Read], folder: Path) -> dict[str, Any] | None:
    """Return a row of the table; None where the reader is not installed."""
    if importlib.util.find_spec(module) is None:
        return None
    version = "" if module == "smallest_nb" else importlib.metadata.version(package)
    return {"format": kind, "reader": package, "version": version, **judged(kind, read(written(kind, folder)))}


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all readers that are installed."""
    return [found for reader in READERS if (found := row(*reader, folder)) is not None]


def main() -> None:
    """Print the table's data, or write it."""
    parser = argparse.ArgumentParser(description="Who reads what we write.")
    parser.add_argument("--write", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder))
    if wanted.write is None:
        print(json.dumps(found, indent=1))
        return
    kept = json.loads(wanted.write.read_text(encoding="utf-8")) if wanted.write.exists() else []
    known = {(r["format"], r["reader"]): r for r in (*kept, *found)}
    ordered = [known[kind, package] for kind, package, *_ in READERS if (kind, package) in known]
    wanted.write.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
