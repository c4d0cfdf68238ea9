#!/usr/bin/env bash
# Chromium 156: an AudioBuffer whose sample rate differs from its context's is interpolated linearly. In 24 kHz speech,
# a tone of 8 kHz gets an image tone at 16 kHz, audible as hiss on every s, and loses 2.5 dB itself.
# Observed 2026-11-29, 24 kHz buffers in a 48 kHz context: image 9.6 dB below a tone of 8 kHz, 22.9 dB at 4 kHz, 47 dB
# at 1 kHz; decodeAudioData of the same samples: more than 60 dB.
# Unexpected because the same browser resamples files and microphones with a windowed sinc; only buffers that are played
# directly use the cheap method.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
chromium="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome-stable ||
    command -v google-chrome || true)}"
[ -n "$chromium" ] || { echo "set CHROMIUM to a Chromium" >&2; exit 2; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'playwright==1.65.2'
cat > "$work/page.js" <<'JS'
async () => {
  const RATE = 24000, OUT = 48000;
  const tone = (frequency) => Float32Array.from({ length: RATE }, (_, i) =>
    0.5 * Math.sin((2 * Math.PI * frequency * i) / RATE));
  const wave = (samples) => {
    const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
    const text = (at, word) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
    text(0, "RIFF"); view.setUint32(4, 36 + 2 * samples.length, true); text(8, "WAVEfmt ");
    view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
    view.setUint32(24, RATE, true); view.setUint32(28, 2 * RATE, true); view.setUint16(32, 2, true);
    view.setUint16(34, 16, true); text(36, "data"); view.setUint32(40, 2 * samples.length, true);
    samples.forEach((s, i) => view.setInt16(44 + 2 * i, Math.round(s * 32767), true));
    return view.buffer;
  };
  const level = (samples, frequency) => {
    let re = 0, im = 0, sum = 0;
    const skip = 4800, length = samples.length - 2 * skip;
    for (let i = 0; i < length; i++) {
      const weight = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length), angle = (2 * Math.PI * frequency * i) / OUT;
      re += weight * samples[skip + i] * Math.cos(angle);
      im += weight * samples[skip + i] * Math.sin(angle);
      sum += weight;
    }
    return 20 * Math.log10((2 * Math.hypot(re, im)) / sum + 1e-9);
  };
  const found = {};
  for (const frequency of [1000, 4000, 8000]) {
    const context = new OfflineAudioContext(1, OUT, OUT), source = context.createBufferSource();
    source.buffer = context.createBuffer(1, RATE, RATE);
    source.buffer.copyToChannel(tone(frequency), 0);
    source.connect(context.destination);
    source.start();
    const played = (await context.startRendering()).getChannelData(0);
    const decoded = (await new OfflineAudioContext(1, 1, OUT).decodeAudioData(wave(tone(frequency)))).getChannelData(0);
    const [own, other] = [played, decoded].map((s) => ({
      tone: level(s, frequency), mirror: level(s, RATE - frequency) }));
    found[frequency] = { buffer: own.tone - own.mirror, file: other.tone - other.mirror, loss: other.tone - own.tone };
  }
  return found;
}
JS
"$work/venv/bin/python" - "$chromium" "$work/page.js" <<'PY'
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=["--no-sandbox"])
    print("Chromium", browser.version)
    found = browser.new_page().evaluate(Path(sys.argv[2]).read_text())
    browser.close()
for frequency, dB in found.items():
    print(
        f"{frequency} Hz: mirror tone {dB['buffer']:.1f} dB below it from a buffer, {dB['file']:.1f} dB from a file; "
        f"the buffer's tone is {dB['loss']:.1f} dB weaker"
    )
assert found["8000"]["buffer"] < 15 and found["4000"]["buffer"] < 30, "changed: buffers are resampled well"
assert found["8000"]["file"] > 60, "changed: files are not resampled well"
PY
