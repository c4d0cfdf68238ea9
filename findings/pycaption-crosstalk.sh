#!/usr/bin/env bash
# pycaption 2.3.14: two SRT cues with the same times (crosstalk) become one cue in SRT; hours beyond 24 restart at 0;
# the WebVTT writer outputs italics of an SRT file as text, so the markup is visible on the screen.
# Observed 2026-11-29: "Hello there" and "Good morning" in one cue; 100:00:00 -> 04:00:00; &lt;i>now&lt;/i>.
# Unexpected because the WebVTT writer keeps the two cues apart and the reader understands <i> in WebVTT as italics; and
# no subtitle format has days.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pycaption==2.3.14'
"$work/venv/bin/python" -W ignore - <<'PY'
from pycaption import SRTReader, SRTWriter, WebVTTReader, WebVTTWriter

SRT = """1
00:00:01,000 --> 00:00:03,000
Hello there

2
00:00:01,000 --> 00:00:03,000
Good morning

3
00:00:04,000 --> 00:00:05,000
Come <i>now</i>

"""
VTT = "WEBVTT\n\n100:00:00.000 --> 100:00:01.000\nlate\n"
srt = SRTWriter().write(SRTReader().read(SRT))
vtt = WebVTTWriter().write(SRTReader().read(SRT))
late = WebVTTWriter().write(WebVTTReader().read(VTT))
print(srt, vtt, late, sep="\n---\n")
assert srt.count("-->") == 2, "changed: the SRT writer keeps both cues"
assert "Hello there\nGood morning" in srt
assert vtt.count("-->") == 3
assert "&lt;i>now" in vtt, "changed: italics are understood"
assert "04:00:00.000" in late, "changed: hours beyond 24 are kept"
PY
