"""The pocketsphinx process: reads PCM16 at 16 kHz on stdin, writes hypotheses on stdout. Run, not imported.

pocketsphinx holds the GIL while it decodes, hence a process of its own. Messages in: `A` PCM16, `F` end the utterance
and return the final, `H` return the hypothesis so far, `K` load keywords, `Z` discard. Out: `R` ready, `K` loaded,
`P` {text} interim, `F` {text, words: [[word, start, end, confidence]]} with seconds from the start of the utterance,
`X` error text.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
from array import array
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
import framing  # type: ignore[import-not-found]  # beside this file; the package itself is not imported here

# The warmed cepstral mean: a fresh decoder without it misses twice as many words in its first utterance.
_CMN = "52.93,5.70,-7.48,9.34,-7.76,-1.08,-2.98,-11.22,1.45,-6.13,0.99,-0.37,-3.13"
_FRAME_SECS = 0.01
_NOISE_LSB = 10.0
_FILLER = re.compile(r"^[<\[+].*")
_VARIANT = re.compile(r"\(\d+\)$")


class _Recogniser:
    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(maxhmmpf=3000, fwdflat=False, cmninit=_CMN, samprate=16000.0, loglevel="FATAL")
        # Digital silence costs 26 points of word errors; a fixed block of noise at -70 dBFS is laid under everything.
        rng = random.Random(7)  # noqa: S311 - noise
        self._noise = array("h", (round(rng.gauss(0, _NOISE_LSB)) for _ in range(16000)))
        self._at = 0
        self._open = False
        self._samples = 0

    def add_audio(self, pcm: bytes) -> None:
        if not self._open:
            self._decoder.set_cmn(_CMN)
            self._decoder.start_utt()
            self._open = True
            self._samples = self._at = 0  # the same sound is recognised the same each time
        samples = array("h", pcm)
        noise, at = self._noise, self._at
        size = len(noise)
        for i, value in enumerate(samples):
            mixed = value + noise[(at + i) % size]
            samples[i] = -32768 if mixed < -32768 else min(mixed, 32767)
        self._at = (at + len(samples)) % size
        self._samples += len(samples)
        self._decoder.process_raw(samples.tobytes())

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

    def load_keywords(self, keywords: list[dict[str, Any]]) -> None:
        phones = {k["token"]: self._pronounce(k) for k in keywords}
        known = [k for k in keywords if phones[k["token"]]]
        model = self._decoder.get_lm()
        for keyword in known:
            model.add_word(keyword["token"], keyword["weight"])
        for number, keyword in enumerate(known, 1):
            # The search is rebuilt once, with the last one: it takes a tenth of a second.
            self._decoder.add_word(keyword["token"], phones[keyword["token"]], update=number == len(known))

    def _pronounce(self, keyword: dict[str, Any]) -> str:
        parts = [
            self._decoder.lookup_word(word.lower().strip(".,!?")) or phones
            for word, phones in zip(keyword["words"], keyword["phones"], strict=True)
        ]
        return " ".join(parts) if all(parts) else ""

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
        elif kind == b"K":
            recogniser.load_keywords(json.loads(payload))
            framing.write(out, framing.pack(b"K"))
        elif kind == b"Z":
            recogniser.discard()


if __name__ == "__main__":
    main()
