#!/usr/bin/env bash
# srt 3.5.3 and webvtt-py 0.6.0 compared with pysubs2 1.8.1: an SRT time with fewer than three digits after the comma.
# The first two read the digits as milliseconds, pysubs2 as a decimal fraction.
# Observed 2026-11-29: 00:00:01,5 is 1.005 s for srt and webvtt-py, and 1.5 s for pysubs2; 00:00:02,25 is 2.025 s and
# 2.25 s.
# Unexpected because a file that three readers accept should mean one thing; subtitles written by hand or with simple
# string formatting have such times, and their cues move by up to 0.9 s.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'srt==3.5.3' 'pysubs2==1.8.1' 'webvtt-py==0.6.0'
"$work/venv/bin/python" - <<'PY'
import io

import pysubs2
import srt
import webvtt

TEXT = "1\n00:00:01,5 --> 00:00:02,25\nHello there\n"
(cue,) = srt.parse(TEXT)
with_srt = cue.start.total_seconds(), cue.end.total_seconds()
(event,) = pysubs2.SSAFile.from_string(TEXT)
with_pysubs2 = event.start / 1000, event.end / 1000
(caption,) = webvtt.from_buffer(io.StringIO(TEXT), format="srt")
with_webvtt = caption.start, caption.end
print(f"srt {with_srt}, webvtt-py {with_webvtt}, pysubs2 {with_pysubs2}")
assert with_srt == (1.005, 2.025), "changed"
assert with_webvtt == ("00:00:01.005", "00:00:02.025"), "changed"
assert with_pysubs2 == (1.5, 2.25), "changed"
PY
