"""The pocketsphinx process: reads PCM16 at 16 kHz on stdin, writes hypotheses on stdout. Run, not imported.

pocketsphinx holds the GIL while it decodes, hence a process of its own. Messages in: `A` PCM16, `F` end the utterance
and give the final, `H` give the hypothesis so far, `K` expect keywords, `Z` forget. Out: `R` ready, `K` expected,
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


class _Ear:
    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(maxhmmpf=3000, fwdflat=False, cmninit=_CMN, samprate=16000.0, loglevel="FATAL")
        # Digital silence costs 26 points of word errors; a fixed block of noise at -70 dBFS is laid under everything.
        rng = random.Random(7)  # noqa: S311 - noise
        self._noise = array("h", (round(rng.gauss(0, _NOISE_LSB)) for _ in range(16000)))
        self._at = 0
        self._open = False
        self._samples = 0

    def hear(self, pcm: bytes) -> None:
        if not self._open:
            self._decoder.set_cmn(_CMN)
            self._decoder.start_utt()
            self._open = True
            self._samples = self._at = 0  # the same sound is heard the same each time
        samples = array("h", pcm)
        noise, at = self._noise, self._at
        size = len(noise)
        for i, value in enumerate(samples):
            mixed = value + noise[(at + i) % size]
            samples[i] = -32768 if mixed < -32768 else min(mixed, 32767)
        self._at = (at + len(samples)) % size
        self._samples += len(samples)
        self._decoder.process_raw(samples.tobytes())

    def hypothesis(self) -> dict[str, Any]:
        found = self._decoder.hyp() if self._open else None
        return {"text": found.hypstr if found else ""}

    def final(self) -> dict[str, Any]:
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

    def expect(self, keywords: list[dict[str, Any]]) -> None:
        said = {k["token"]: self._said(k) for k in keywords}
        known = [k for k in keywords if said[k["token"]]]
        model = self._decoder.get_lm()
        for keyword in known:
            model.add_word(keyword["token"], keyword["weight"])
        for number, keyword in enumerate(known, 1):
            # The search is built anew once, with the last one: a tenth of a second.
            self._decoder.add_word(keyword["token"], said[keyword["token"]], update=number == len(known))

    def _said(self, keyword: dict[str, Any]) -> str:
        parts = [
            self._decoder.lookup_word(word.lower().strip(".,!?")) or phones
            for word, phones in zip(keyword["words"], keyword["phones"], strict=True)
        ]
        return " ".join(parts) if all(parts) else ""

    def forget(self) -> None:
        if self._open:
            self._open = False
            self._decoder.end_utt()


def main() -> None:
    """Serve until stdin ends."""
    out = sys.stdout.buffer
    try:
        ear = _Ear()
    except ImportError:
        reason = "no pocketsphinx: pip install 'smallest-nb[simulator]' (on Python 3.14 it needs a C compiler)"
        framing.write(out, framing.pack(b"X", reason.encode()))
        return
    framing.write(out, framing.pack(b"R"))
    while (message := framing.read(sys.stdin.buffer)) is not None:
        kind, payload = message
        if kind == b"A":
            ear.hear(payload)
        elif kind == b"H":
            framing.write(out, framing.pack_json(b"P", ear.hypothesis()))
        elif kind == b"F":
            framing.write(out, framing.pack_json(b"F", ear.final()))
        elif kind == b"K":
            ear.expect(json.loads(payload))
            framing.write(out, framing.pack(b"K"))
        elif kind == b"Z":
            ear.forget()


if __name__ == "__main__":
    main()
