"""The espeak-ng process: reads speech requests on stdin, writes PCM16 and word events on stdout. Run, not imported.

espeak-ng is GPL-3.0-or-later, not thread-safe, and calls exit() when its data is missing: three reasons for a process
of its own. Messages in: `S` {text or ipa, voice, rate, pitch, range, volume}. Out: `R` ready {sample_rate},
`A` PCM16, `W` {at, text_start, text_length}, `I` the phonemes of `ipa`, `E` end, `X` error text.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - before pathlib matters
import json

import child_process  # type: ignore[import-not-found]
import framing  # type: ignore[import-not-found]  # beside this file; the package itself is not imported here

_SYNCHRONOUS, _DONT_EXIT, _UTF8 = 2, 0x8000, 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_IPA = 2
_EVENT_END, _EVENT_WORD = 0, 1
_BUFFER_MS = 60
_MAX_DATA_PATH = 150


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def _library() -> tuple[Any, bytes | None]:
    try:
        import espeakng_loader
    except ImportError:
        name = ctypes.util.find_library("espeak-ng")
        if not name:
            raise RuntimeError(
                "no espeak-ng: pip install 'smallest-nb[simulator]', or install your system's espeak-ng"
            ) from None
        return ctypes.CDLL(name), None
    data = str(espeakng_loader.get_data_path())
    if len(data) >= _MAX_DATA_PATH:  # espeak-ng silently fails from 160 characters on
        link = Path(tempfile.mkdtemp(prefix="espeak")) / "espeak-ng-data"
        link.symlink_to(data)
        data = str(link)
    return ctypes.CDLL(espeakng_loader.get_library_path()), data.encode()


class _Engine:
    def __init__(self, out: Any) -> None:
        self._lib, data = _library()
        self.sample_rate = self._lib.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, _DONT_EXIT)
        if self.sample_rate <= 0:
            raise RuntimeError(f"espeak-ng did not start (code {self.sample_rate}); is its data installed?")
        self._out = out
        self._callback = _Callback(self._deliver)
        self._lib.espeak_SetSynthCallback(self._callback)

    def _deliver(self, samples: Any, count: int, events: Any) -> int:
        index = 0
        while events and events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_WORD and event.length > 0:
                word = {"at": event.sample, "start": event.text_position - 1, "length": event.length}
                self._out.write(framing.pack_json(b"W", word))
            index += 1
        if samples and count > 0:
            framing.write(self._out, framing.pack(b"A", ctypes.string_at(samples, count * 2)))
        return 0

    def speak(self, job: dict[str, Any]) -> None:
        """Answer one request."""
        child_process.answer_in_child(lambda: self._speak(job), self._out, "espeak-ng")

    def _speak(self, job: dict[str, Any]) -> None:
        if self._lib.espeak_SetVoiceByName(job["voice"].encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {job['voice']!r}")
        for parameter, name in ((_RATE, "rate"), (_VOLUME, "volume"), (_PITCH, "pitch"), (_RANGE, "range")):
            self._lib.espeak_SetParameter(parameter, int(job[name]), 0)
        if "ipa" in job:
            framing.write(self._out, framing.pack(b"I", self._phonemes(job["ipa"]).encode()))
            return
        text = job["text"].encode()
        self._lib.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 1, 0, _UTF8, None, None)
        self._out.flush()

    def _phonemes(self, text: str) -> str:
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        rest = ctypes.c_char_p(text.encode())
        clauses = []
        while rest.value:  # one clause at a time; the pointer moves on and is null at the end
            clauses.append(self._lib.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA | ord(" ") << 8) or b"")
        return b" ".join(clauses).decode()


def main() -> None:
    """Serve until stdin ends."""
    out = sys.stdout.buffer
    try:
        engine = _Engine(out)
    except (RuntimeError, OSError) as error:
        framing.write(out, framing.pack(b"X", str(error).encode()))
        return
    framing.write(out, framing.pack_json(b"R", {"sample_rate": engine.sample_rate}))
    while (message := framing.read(sys.stdin.buffer)) is not None:
        try:
            engine.speak(json.loads(message[1]))
        except child_process.ReportedError:
            continue
        except RuntimeError as error:
            framing.write(out, framing.pack(b"X", str(error).encode()))
            continue
        framing.write(out, framing.pack(b"E"))


if __name__ == "__main__":
    main()
