#!/usr/bin/env bash
# Chromium 156's MediaRecorder, PyAV 18.1.0: a recording during which the AudioContext was suspended (screen lock, lost
# device) for 2 s has a gap in its timestamps, and every reader of samples removes it: everything after it is 2 s early.
# Observed 2026-11-29: 4 s recorded; last packet at 3.9 s; decodeAudioData returns 1.98 s of audio, PyAV 1.98 s.
# Unexpected because the file says 3.9 s and an <audio> element shows that duration too, but plays no silence. Times of
# words in the samples do not match the recording's clock; the packets' timestamps must be kept.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
chromium="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome-stable ||
    command -v google-chrome || true)}"
[ -n "$chromium" ] || { echo "set CHROMIUM to a Chromium" >&2; exit 2; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'playwright==1.65.2' 'av==18.1.0'
cat > "$work/page.js" <<'JS'
async () => {
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const context = new AudioContext();
  await context.resume();
  const tone = context.createOscillator(), sink = context.createMediaStreamDestination();
  tone.connect(sink);
  tone.start();
  const recorder = new MediaRecorder(sink.stream, { mimeType: "audio/webm;codecs=opus" }), parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const stopped = new Promise((done) => (recorder.onstop = done));
  recorder.start();
  await sleep(1000);
  await context.suspend();
  await sleep(2000);
  await context.resume();
  await sleep(1000);
  recorder.stop();
  await stopped;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  const file = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const decoded = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(bytes.buffer);
  return { file, decoded: decoded.duration };
}
JS
"$work/venv/bin/python" - "$chromium" "$work/page.js" <<'PY'
import base64
import io
import sys
from pathlib import Path

import av
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=arguments)
    print("Chromium", browser.version)
    found = browser.new_page().evaluate(Path(sys.argv[2]).read_text())
    browser.close()
file = base64.b64decode(found["file"])
with av.open(io.BytesIO(file)) as container:
    times = [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.pts is not None]
with av.open(io.BytesIO(file)) as container:
    frames = list(container.decode(audio=0))
samples = sum(frame.samples for frame in frames) / frames[0].sample_rate
hole = max(later - earlier for earlier, later in zip(times, times[1:]))
print(f"last packet at {times[-1]:.2f} s, largest step between packets {hole:.2f} s")
print(f"samples: {samples:.2f} s with PyAV, {found['decoded']:.2f} s with decodeAudioData")
assert times[-1] > 3.4 and hole > 1.5, "changed: the hole is filled or left out by the recorder"
assert samples < 2.6 and found["decoded"] < 2.6, "changed: a reader keeps the hole"
PY
