"""The pocketsphinx process: reads PCM16 at 16 kHz on stdin, writes hypotheses on stdout. Run, not imported.

pocketsphinx holds the GIL while it decodes, hence a process of its own. Messages in: `A` PCM16, `F` end the utterance
and return the final, `H` return the hypothesis so far, `Z` discard. Out: `R` ready, `P` {text} interim, `F` {text,
words: [[word, start, end, confidence]]} with seconds from the start of the utterance, `X` error text.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
import framing  # type: ignore[import-not-found]  # beside this file; the package itself is not imported here
import word_aligner  # type: ignore[import-not-found]

_FRAME_SECS = 0.01
_FILLER = re.compile(r"^[<\[+].*")
_VARIANT = re.compile(r"\(\d+\)$")


class _Recogniser:
    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(
            maxhmmpf=3000, fwdflat=False, cmninit=word_aligner.CMN, samprate=16000.0, loglevel="FATAL"
        )
        self._open = False
        self._samples = 0

    def add_audio(self, pcm: bytes) -> None:
        if not self._open:
            self._decoder.set_cmn(word_aligner.CMN)
            self._decoder.start_utt()
            self._open = True
            self._samples = 0  # the same sound is recognised the same each time
        self._decoder.process_raw(word_aligner.add_noise(pcm, self._samples))
        self._samples += len(pcm) // 2

    def read_hypothesis(self) -> dict[str, Any]:
        found = self._decoder.hyp() if self._open else None
        return {"text": found.hypstr if found else ""}

    def finish(self) -> dict[str, Any]:
        if not self._open:
            return {"text": "", "words": []}
        self._open = False
        self._decoder.end_utt()
        words: list[list[Any]] = []
        for piece in self._decoder.seg() or ():
            if _FILLER.match(piece.word):
                continue
            confidence = round(min(1.0, max(0.0, piece.prob)), 3)
            start, end = piece.start_frame * _FRAME_SECS, (piece.end_frame + 1) * _FRAME_SECS
            words.append([_VARIANT.sub("", piece.word), round(start, 3), round(end, 3), confidence])
        return {"text": " ".join(w[0] for w in words), "words": words}

    def discard(self) -> None:
        if self._open:
            self._open = False
            self._decoder.end_utt()


def main() -> None:
    """Serve until stdin ends."""
    out = sys.stdout.buffer
    try:
        recogniser = _Recogniser()
    except ImportError:
        reason = "no pocketsphinx: pip install 'smallest-nb[simulator]' (on Python 3.14 it needs a C compiler)"
        framing.write(out, framing.pack(b"X", reason.encode()))
        return
    framing.write(out, framing.pack(b"R"))
    while (message := framing.read(sys.stdin.buffer)) is not None:
        kind, payload = message
        if kind == b"A":
            recogniser.add_audio(payload)
        elif kind == b"H":
            framing.write(out, framing.pack_json(b"P", recogniser.read_hypothesis()))
        elif kind == b"F":
            framing.write(out, framing.pack_json(b"F", recogniser.finish()))
        elif kind == b"Z":
            recogniser.discard()


if __name__ == "__main__":
    main()
