import { describe, expect, it } from "vitest";
import { Resampler } from "../src/audio/resample";
import { tone } from "./worklet-host";

function run(signal: Float32Array, from: number, to: number, cuts: number[] = []): Float32Array {
  const resampler = new Resampler(from, to);
  const out: number[] = [];
  let at = 0;
  const take = (part: Float32Array) => {
    const room = new Float32Array(resampler.bound(part.length));
    out.push(...room.subarray(0, resampler.process(part, room)));
  };
  for (const cut of cuts) {
    take(signal.subarray(at, at + cut));
    at += cut;
  }
  take(signal.subarray(at));
  const tail = new Float32Array(resampler.bound(0));
  out.push(...tail.subarray(0, resampler.flush(tail)));
  return Float32Array.from(out);
}

function rms(signal: Float32Array): number {
  const middle = signal.subarray(Math.floor(signal.length / 4), Math.floor((signal.length * 3) / 4));
  return Math.sqrt(middle.reduce((sum, x) => sum + x * x, 0) / middle.length);
}

const decibel = (ratio: number) => 20 * Math.log10(ratio);
const PAIRS: [number, number][] = [
  [24000, 48000],
  [24000, 44100],
  [16000, 48000],
  [44100, 48000],
  [48000, 16000],
  [44100, 16000],
  [48000, 24000],
  [48000, 8000],
];

describe.each(PAIRS)("%i Hz to %i Hz", (from, to) => {
  const lower = Math.min(from, to);

  it("is flat within 0.1 dB up to 0.45 of the lower rate", () => {
    for (const part of [0.01, 0.1, 0.25, 0.4, 0.45]) {
      const level = decibel(rms(run(tone(part * lower, from, 0.5), from, to)) / (0.5 / Math.SQRT2));
      expect(Math.abs(level), `at ${part}`).toBeLessThan(0.1);
    }
  });

  it("keeps aliases and images below -80 dB", () => {
    for (const part of [0.51, 0.55, 0.6, 0.8, 0.95].filter((p) => p * lower < from / 2)) {
      expect(
        decibel(rms(run(tone(part * lower, from, 0.5), from, to)) / 0.35),
        `alias of ${part}`,
      ).toBeLessThan(-80);
    }
    const frequency = 0.2 * lower;
    const out = run(tone(frequency, from, 0.5), from, to);
    const ideal = tone(frequency, to, 0.5);
    const error = out.map((x, i) => x - (ideal[i] ?? 0));
    expect(decibel(rms(error) / rms(ideal))).toBeLessThan(-80);
  });

  it("gives the right number of samples, however the input is cut", () => {
    const signal = tone(440, from, 0.3);
    const whole = run(signal, from, to);
    expect(Math.abs(whole.length - (signal.length * to) / from)).toBeLessThanOrEqual(1);
    const cut = run(signal, from, to, [1, 128, 7, 1000, 333]);
    expect(cut.length).toBe(whole.length);
    expect(Math.max(...cut.map((x, i) => Math.abs(x - whole[i]!)))).toBeLessThan(1e-6);
  });
});
