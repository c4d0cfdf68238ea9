/** Draws a take's waveform with the played part in the accent colour, sharp on high-density screens. */
import type { Take } from "../audio/take";

const BAR = 3;

export function drawWave(canvas: HTMLCanvasElement, take: Take | null): void {
  const density = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * density);
  const height = Math.round(canvas.clientHeight * density);
  if (width === 0 || height === 0) return;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const paint = canvas.getContext("2d");
  if (!paint) return;
  paint.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  const [heard, rest] = ["--snb-accent", "--snb-wave"].map((name) => style.getPropertyValue(name)); // slow to look up
  const bar = BAR * density;
  const count = Math.floor(width / bar);
  // What has still to come has its place, and is flat.
  const whole = take ? Math.max(take.total ?? 0, take.reached) : 0;
  const here = take && whole ? Math.round((take.reached / whole) * count) : 0;
  const peaks = new Float32Array(count);
  if (take) peaks.set(take.envelope.peaks(here));
  const loudest = peaks.reduce((a, b) => Math.max(a, b), 0.05);
  const played = take && whole ? (take.position / whole) * count : 0;
  for (let i = 0; i < count; i++) {
    paint.fillStyle = (i < played ? heard : rest) ?? "";
    const size = Math.max(density, (peaks[i]! / loudest) * (height - 6 * density));
    paint.fillRect(i * bar, (height - size) / 2, bar - density, size);
  }
}
