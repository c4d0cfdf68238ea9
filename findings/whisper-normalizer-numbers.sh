#!/usr/bin/env bash
# whisper-normalizer 0.1.15 (the text normaliser with which published Whisper error rates are computed), English:
# adjacent numbers are merged into one, across a comma, and an interjection becomes a digit.
# Observed 2026-11-29: "two, three or four" -> "23 or 4", so that it and "twenty-three or four" count as the same words;
# "oh my god" -> "0 my god", "wait a second" -> "wait a 2nd".
# Unexpected because a comma ends a number in reading; here the commas are removed before the numbers are parsed. Errors
# in lists, codes and times are not counted.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'whisper-normalizer==0.1.15' 'jiwer==4.0.0'
"$work/venv/bin/python" - <<'PY'
import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

normalize = EnglishTextNormalizer()
expected = {
    "I'd like two, three or four": "i would like 23 or 4",
    "rooms four, five and six": "rooms 45 and 6",
    "oh my god": "0 my god",
    "wait a second": "wait a 2nd",
}
for said, normal in expected.items():
    print(f"{said!r} -> {normalize(said)!r}")
    assert normalize(said) == normal, "changed"
said, heard = "I'd like two, three or four", "I'd like twenty-three or four"
rate = jiwer.wer(normalize(said), normalize(heard))
print(f"word error rate of {heard!r} against {said!r}: {rate} ({jiwer.wer(said, heard):.2f} without normalising)")
assert rate == 0
PY
