"""Recordings of people, where there are any on this machine, with what they say.

moonshine-voice brings a reading of a novel and a line of a play, Debian's alsa-utils eight ("Front Center" and so on).
The folder that SNB_RECORDINGS names may hold others: WAV files with their text beside them in `.txt` or as their name,
and a source of pocketsphinx, whose `test/data` has some.
"""

from __future__ import annotations

import os
import re
import tarfile
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import soxr

__all__ = ["Recording", "recordings"]

_RATE = 16000
_ALSA = Path("/usr/share/sounds/alsa")
_POCKETSPHINX = "pocketsphinx-*.tar.gz"
_PACKAGED = {
    "beckett.wav": "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.",
    "two_cities.wav": (
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
        "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of "
        "Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had "
        "nothing before us, we were all going direct to Heaven, we were all going direct the other way. In short, the "
        "period was so far like the present period, that some of its noisiest authorities insisted on its being "
        "received, for good or for evil, in the superlative degree of comparison only."
    ),
}
_NOT_SPEECH = ("noise",)
_LINE = re.compile(r"(?:<s>)?\s*(.*?)\s*(?:</s>)?\s*\(([^()]+)\)\s*$")


@dataclass(frozen=True)
class Recording:
    """What somebody said, PCM16 at 16 kHz."""

    text: str
    pcm: bytes


def recordings() -> dict[str, list[Recording]]:
    """Return what there is, by where it is from."""
    folders = [_ALSA]
    if given := os.environ.get("SNB_RECORDINGS"):
        folders += [Path(given), *(p for p in Path(given).rglob("alsa") if p.is_dir())]
    found = {str(folder): _folder(folder) for folder in folders}
    found |= {"moonshine-voice": _packaged()}
    for archive in sorted(Path(given).glob(_POCKETSPHINX)) if given else ():
        found[str(archive)] = _archive(archive)
    return {source: clips for source, clips in found.items() if clips}


def _packaged() -> list[Recording]:
    spec = find_spec("moonshine_voice")
    folder = Path(spec.origin).parent / "assets" if spec is not None and spec.origin else Path("nowhere")
    there = {folder / name: text for name, text in _PACKAGED.items() if (folder / name).exists()}
    return [Recording(text, _pcm(file.read_bytes())) for file, text in there.items()]


def _folder(folder: Path) -> list[Recording]:
    clips = []
    for file in sorted(folder.glob("*.wav")) if folder.is_dir() else ():
        beside = file.with_suffix(".txt")
        text = beside.read_text(encoding="utf-8") if beside.exists() else file.stem.replace("_", " ")
        if text.lower() not in _NOT_SPEECH:
            clips.append(Recording(text, _pcm(file.read_bytes())))
    return clips


def _archive(archive: Path) -> list[Recording]:
    """Return the recordings of a pocketsphinx source that have a transcript beside them."""
    sounds: dict[str, bytes] = {}
    texts: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name)
            if "test/data" not in member.name or not (name.suffix == ".wav" or name.name.endswith("transcription")):
                continue
            data = tar.extractfile(member)
            content = data.read() if data else b""
            if name.suffix == ".wav":
                sounds[f"{name.parent.name}/{name.stem}"] = content
            else:
                found = (_LINE.match(line) for line in content.decode().splitlines())
                texts |= {f"{name.parent.name}/{Path(m[2]).name}": m[1] for m in found if m}
    return [Recording(texts[name], _pcm(sound)) for name, sound in sorted(sounds.items()) if name in texts]


def _pcm(data: bytes) -> bytes:
    sound, rate = soundfile.read(BytesIO(data), dtype="float64", always_2d=True)
    mono = soxr.resample(sound.mean(axis=1), rate, _RATE)
    return bytes((np.clip(mono, -1, 1) * 32767).astype("<i2").tobytes())
