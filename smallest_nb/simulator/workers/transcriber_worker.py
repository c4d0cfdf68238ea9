"""The process that understands pieces of sound, one after the other, for all sessions. Run, not imported.

Arguments: the engine (`moonshine` or `whisper`) and its model, a name or a folder, or nothing for its usual one.
It keeps nothing from one piece to the next. Messages in: `A` PCM16 at 16 kHz, which what follows is about; `T`
{language} transcribe; `P` [words] pronounce; `L` {words, said} align. Out: `R` {languages} ready; `T` {text, words:
[[word, start, end, confidence]] or null}; `P` {word: phones}; `L` {words: [[start, end, confidence]] or null, score};
`X` error text.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from array import array
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
import framing  # type: ignore[import-not-found]  # beside this file; the package itself is not imported here
import moonshine_library  # type: ignore[import-not-found]
import word_aligner  # type: ignore[import-not-found]

_RATE = 16000
_GET = "pip install 'smallest-nb[simulator]'"
_USUAL_MOONSHINE, _USUAL_WHISPER = "tiny-en", "tiny.en"
_PARTS = ("tokenizer.bin",)
_MORE_PARTS = dict.fromkeys(("tiny", "base"), ("encoder_model.ort", "decoder_model_merged.ort"))


class _Model(Protocol):
    languages: list[str]

    def transcribe(self, pcm: bytes, language: str) -> dict[str, Any]: ...


class _MissingError(Exception):
    """What is missing, and how to get it."""


class _Moonshine:
    def __init__(self, model: str) -> None:
        package = moonshine_library.find_package()
        if package is None:
            raise _MissingError(f"moonshine-voice is not installed: {_GET} (it has no wheel for every system)")
        folder, name = _find_moonshine(model or _USUAL_MOONSHINE, package)
        kind, _, language = name.rpartition("-")
        architecture = moonshine_library.ARCHITECTURES.get(kind)
        if architecture is None or not language:
            known = ", ".join(f"{k}-en" for k in moonshine_library.ARCHITECTURES)
            raise _MissingError(f"{name!r} is no model of Moonshine; its folder must be named like {known}")
        missing = [part for part in (*_PARTS, *_MORE_PARTS.get(kind, ())) if not (folder / part).is_file()]
        if missing:
            raise _MissingError(f"the model in {folder} is incomplete: {', '.join(missing)} is missing; get it again")
        try:
            self._model = moonshine_library.Moonshine(folder, architecture)
        except (RuntimeError, OSError) as error:
            raise _MissingError(
                f"moonshine cannot load the model in {folder} ({error}): its files may be damaged; get it again"
            ) from None
        self.languages = [language]

    def transcribe(self, pcm: bytes, language: str) -> dict[str, Any]:  # noqa: ARG002 - it has one
        samples = array("f", array("h", pcm))
        for i, value in enumerate(samples):
            samples[i] = value / 32768
        held = (ctypes.c_float * len(samples)).from_buffer(samples)
        return {"text": self._model.transcribe(held, _RATE), "words": None}


def _find_moonshine(model: str, package: Path) -> tuple[Path, str]:
    """Return a model's folder and its name; a name that did not come with the package is downloaded."""
    given = Path(model)
    if given.is_dir():
        return given, given.resolve().name
    if (package / "assets" / model).is_dir():
        return package / "assets" / model, model
    kind, _, language = model.rpartition("-")
    if kind not in moonshine_library.ARCHITECTURES:
        raise _MissingError(f"there is no model {model!r}: neither a folder nor a name such as small-streaming-en")
    try:
        from moonshine_voice import ModelArch, get_model_for_language

        found, _ = get_model_for_language(language, ModelArch(moonshine_library.ARCHITECTURES[kind]))
    except Exception as error:
        raise _MissingError(f"the model {model!r} could not be downloaded: {error}") from None
    return Path(found), model


class _Whisper:
    def __init__(self, model: str) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise _MissingError(f"faster-whisper cannot be imported ({error}): pip install faster-whisper") from None
        name = model or _USUAL_WHISPER
        try:
            # Only a model that was asked for is downloaded.
            self._model = WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=1, num_workers=1,
                                       local_files_only=not model)  # fmt: skip
        except Exception as error:
            how = "name it with --hearing-model to have it downloaded, or give a folder that holds one"
            raise _MissingError(f"faster-whisper has no model {name!r} here: {error}; {how}") from None
        self.languages = sorted(self._model.supported_languages) if self._model.model.is_multilingual else ["en"]

    def transcribe(self, pcm: bytes, language: str) -> dict[str, Any]:
        import numpy as np

        sound = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        spoken = language if language in self.languages else None
        lines, _ = self._model.transcribe(
            sound, language=spoken, beam_size=1, word_timestamps=True, condition_on_previous_text=False, temperature=0.0
        )
        words = [w for line in lines for w in line.words or ()]
        timed = [[w.word.strip(), round(w.start, 3), round(w.end, 3), round(w.probability, 3)] for w in words]
        return {"text": "".join(w.word for w in words).strip(), "words": timed}


def main() -> None:
    """Serve until stdin ends."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries and downloads print is no message
    engine, model = sys.argv[1], sys.argv[2]
    try:
        recogniser: _Model = _Whisper(model) if engine == "whisper" else _Moonshine(model)
    except _MissingError as error:
        framing.write(out, framing.pack(b"X", str(error).encode()))
        return
    except MemoryError:
        framing.write(out, framing.pack(b"X", f"there is not enough memory for {engine}'s model".encode()))
        return
    try:
        aligner = word_aligner.WordAligner()
    except ImportError:
        aligner = None
    framing.write(out, framing.pack_json(b"R", {"languages": recogniser.languages, "aligns": aligner is not None}))
    pcm = b""
    while (message := framing.read(sys.stdin.buffer)) is not None:
        kind, payload = message
        try:
            if kind == b"A":
                pcm = payload
            elif kind == b"T":
                framing.write(out, framing.pack_json(b"T", recogniser.transcribe(pcm, json.loads(payload)["language"])))
            elif kind == b"P":
                known = {word: aligner.pronounce(word) if aligner else "" for word in json.loads(payload)}
                framing.write(out, framing.pack_json(b"P", known))
            elif kind == b"L":
                job = json.loads(payload)
                found = aligner.align(pcm, job["words"], job["said"]) if aligner else None
                words, score = found or (None, 0.0)
                framing.write(out, framing.pack_json(b"L", {"words": words, "score": score}))
        except (RuntimeError, MemoryError) as error:
            framing.write(out, framing.pack(b"X", (str(error) or type(error).__name__).encode()))


if __name__ == "__main__":
    main()
