#!/usr/bin/env bash
# meeteval 0.4.3: the label field of an STM line (<o,f0,female>) is scored as a spoken word, and so is the line
# ignore_time_segment_in_scoring, with which NIST's files mark what must not be scored.
# Observed 2026-11-29: a perfect transcript of four words has an error rate of 0.5 (cpWER 4 of 8); without labels it is
# 0.
# Unexpected because both belong to the format that sclite reads, and meeteval reads "STM" by name.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
# No wheels: built from source, without optimising, which takes half the time.
CFLAGS=-O0 "$work/venv/bin/pip" install --quiet --disable-pip-version-check 'meeteval==0.4.3' 'numpy==2.4.6'
cd "$work"
cat > labelled.stm <<'STM'
talk 1 anna 0.0 2.0 <o,f0,female> hello there
talk 1 bob 2.0 4.0 <o,f0,male> good morning
talk 1 bob 4.0 5.0 <o,f0,male> ignore_time_segment_in_scoring
STM
cat > plain.stm <<'STM'
talk 1 anna 0.0 2.0 hello there
talk 1 bob 2.0 4.0 good morning
STM
venv/bin/python - <<'PY'
import meeteval

for reference in ("labelled.stm", "plain.stm"):
    score = meeteval.wer.cpwer(reference, "plain.stm")["talk"]
    print(f"{reference}: {score.errors} errors of {score.length} words, error rate {score.error_rate}")
    expected = (4, 8) if reference == "labelled.stm" else (0, 4)
    assert (score.errors, score.length) == expected, "changed: labels are not scored as words any more"
print("first line:", meeteval.io.load("labelled.stm")[0].transcript)
PY
