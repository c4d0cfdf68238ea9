"""Moonshine's C library, as its header of version 20000 describes it; the package around it is not imported.

Importing the package takes half a second and brings a downloader along, and its calls copy each sample through a list.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["ARCHITECTURES", "Moonshine", "find_package"]

_HEADER_VERSION = 20000
_LIBRARIES = {"darwin": "libmoonshine.dylib", "win32": "moonshine.dll"}
ARCHITECTURES = {"tiny": 0, "base": 1, "tiny-streaming": 2, "base-streaming": 3, "small-streaming": 4,
                 "medium-streaming": 5}  # fmt: skip
"""Kinds of models by the beginning of their names, such as `small-streaming-en`."""
# Its onnxruntime has two threads that wait for each other by spinning: twice the CPU (0.15 s a second of sound in place
# of 0.06 on a busy machine) for no less time. The library reads this when it loads a model.
_SINGLE_THREAD = "MOONSHINE_ORT_SINGLE_THREAD"
# Voice activity is the caller's.
_OPTIONS = {"vad_threshold": "0.0", "return_audio_data": "false"}


class _Option(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("value", ctypes.c_char_p))


class _Line(ctypes.Structure):
    _fields_ = (
        ("text", ctypes.c_char_p), ("audio", ctypes.c_void_p), ("audio_count", ctypes.c_size_t),
        ("start", ctypes.c_float), ("duration", ctypes.c_float), ("id", ctypes.c_uint64), ("flags", ctypes.c_int8 * 5),
        ("spans", ctypes.c_void_p), ("span_count", ctypes.c_uint64), ("latency_ms", ctypes.c_uint32),
        ("words", ctypes.c_void_p), ("word_count", ctypes.c_uint64),
    )  # fmt: skip


class _Transcript(ctypes.Structure):
    _fields_ = (("lines", ctypes.POINTER(_Line)), ("count", ctypes.c_uint64))


def find_package() -> Path | None:
    """Return where moonshine-voice is installed, or None."""
    spec = find_spec("moonshine_voice")
    return Path(spec.origin).parent if spec is not None and spec.origin else None


class Moonshine:
    """One model in memory.

    Args:
        folder: Its files.
        architecture: One of ARCHITECTURES' numbers.

    Raises:
        RuntimeError: It cannot be loaded, in the library's words.
        OSError: The library itself cannot.
    """

    def __init__(self, folder: Path, architecture: int) -> None:
        package = find_package()
        if package is None:
            raise RuntimeError("moonshine-voice is not installed")
        os.environ[_SINGLE_THREAD] = "1"
        library = self._library = ctypes.CDLL(str(package / _LIBRARIES.get(sys.platform, "libmoonshine.so")))
        library.moonshine_error_to_string.restype = ctypes.c_char_p
        library.moonshine_load_transcriber_from_files.argtypes = [
            ctypes.c_char_p, ctypes.c_uint32, ctypes.POINTER(_Option), ctypes.c_uint64, ctypes.c_int32,
        ]  # fmt: skip
        library.moonshine_transcribe_without_streaming.argtypes = [
            ctypes.c_int32, ctypes.POINTER(ctypes.c_float), ctypes.c_uint64, ctypes.c_int32, ctypes.c_uint32,
            ctypes.POINTER(ctypes.POINTER(_Transcript)),
        ]  # fmt: skip
        options = (_Option * len(_OPTIONS))(*(_Option(n.encode(), v.encode()) for n, v in _OPTIONS.items()))
        self._handle = library.moonshine_load_transcriber_from_files(
            str(folder).encode(), architecture, options, len(_OPTIONS), _HEADER_VERSION
        )
        if self._handle < 0:
            raise RuntimeError(self._explain(self._handle))

    def transcribe(self, samples: ctypes.Array[ctypes.c_float], sample_rate: int) -> str:
        """Return what is said in one piece of sound, -1 to 1.

        Raises:
            RuntimeError: In the library's words.
        """
        found = ctypes.POINTER(_Transcript)()
        error = self._library.moonshine_transcribe_without_streaming(
            self._handle, samples, len(samples), sample_rate, 0, ctypes.byref(found)
        )
        if error:
            raise RuntimeError(self._explain(error))
        lines = [found.contents.lines[i].text or b"" for i in range(found.contents.count)] if found else []
        return b" ".join(lines).decode(errors="replace").strip()

    def _explain(self, code: int) -> str:
        words: bytes | None = self._library.moonshine_error_to_string(code)
        return words.decode(errors="replace") if words else f"error {code}"
