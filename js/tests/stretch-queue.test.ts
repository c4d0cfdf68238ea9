import { describe, expect, it } from "vitest";
import { StretchQueue } from "../src/audio/stretch-queue";
import { biggestStep, tone } from "./worklet-host";

const RATE = 48000;

/** Read a sound in blocks of 128 samples, lengthened as often as may be. */
function lengthened(sound: Float32Array, rate = RATE): { out: Float32Array; queue: StretchQueue } {
  const queue = new StretchQueue(rate);
  for (let at = 0; at < sound.length; at += 1000) queue.push(sound.slice(at, at + 1000));
  const out: number[] = [];
  const block = new Float32Array(128);
  for (;;) {
    queue.stretch();
    const available = queue.available;
    const got = queue.read(block, 0, 128);
    expect(queue.available).toBe(available - got);
    out.push(...block.subarray(0, got));
    if (got < 128) return { out: Float32Array.from(out), queue };
  }
}

/** A voice: harmonics of a pitch that glides up and down, with formants that glide too, and a breath of noise. */
function voice(seconds: number, lowest = 90, highest = 220): Float32Array {
  const out = new Float32Array(seconds * RATE);
  let phase = 0;
  let seed = 7;
  for (let i = 0; i < out.length; i++) {
    const t = i / RATE;
    const pitch = lowest + (highest - lowest) * (0.5 - 0.5 * Math.cos(2 * Math.PI * 0.7 * t));
    phase += pitch / RATE;
    const formant = 700 + 300 * Math.sin(2 * Math.PI * 1.3 * t);
    let value = 0;
    for (let k = 1; k * pitch < 4000; k++) {
      value += (Math.sin(2 * Math.PI * k * phase) * 1) / (1 + ((k * pitch - formant) / 250) ** 2);
    }
    seed = (seed * 16807) % 2147483647;
    out[i] = 0.12 * value + 0.002 * (seed / 1073741824 - 1);
  }
  return out;
}

function levels(samples: Float32Array, window: number): number[] {
  const out = [];
  for (let at = 0; at + window <= samples.length; at += window) {
    const part = samples.subarray(at, at + window);
    out.push(Math.sqrt(part.reduce((sum, x) => sum + x * x, 0) / window));
  }
  return out;
}

function risingCrossings(samples: Float32Array): number {
  let count = 0;
  for (let i = 1; i < samples.length; i++) if (samples[i - 1]! < 0 && samples[i]! >= 0) count += 1;
  return count;
}

/** Where each sample of a sound is in what was made of it, if it is there unchanged and in order. */
function isKept(sound: Float32Array, out: Float32Array): boolean {
  let at = 0;
  for (const value of sound) {
    while (at < out.length && out[at] !== value) at += 1;
    if (at === out.length) return false;
    at += 1;
  }
  return true;
}

describe("a queue that is read more slowly", () => {
  it("gives back what was pushed where nothing is asked of it", () => {
    const queue = new StretchQueue(RATE);
    const sound = voice(1);
    queue.push(sound);
    const out = new Float32Array(sound.length);
    for (let at = 0; at < out.length; at += 100) queue.read(out, at, 100);
    expect(out).toEqual(sound);
    expect(queue.consumed).toBe(sound.length);
    expect(queue.available).toBe(0);
  });

  it.each([8000, 16000, 24000, 44100, 48000, 96000])(
    "plays a tone at its pitch, without a step, at %i Hz",
    (rate) => {
      for (const pitch of [60, 97, 144, 233, 330, 440, 1001, 2500]) {
        const sound = tone(pitch, rate, 2);
        const { out, queue } = lengthened(sound, rate);
        expect(queue.consumed).toBe(sound.length);
        const slower = out.length / sound.length;
        expect(slower, `${pitch} Hz`).toBeGreaterThan(1.05);
        expect(slower, `${pitch} Hz`).toBeLessThanOrEqual(1.08 + 0.02 / 2);
        expect(biggestStep(out), `${pitch} Hz`).toBeLessThan(1.3 * biggestStep(sound));
        expect(
          Math.abs(risingCrossings(out) / (pitch * (out.length / rate)) - 1),
          `${pitch} Hz`,
        ).toBeLessThan(0.01);
        expect(Math.min(...levels(out, rate / 50).slice(0, -1)), `${pitch} Hz`).toBeGreaterThan(0.25);
      }
    },
  );

  it("keeps every sample of a voice, its level and its steps", () => {
    const sound = voice(4);
    const { out } = lengthened(sound);
    expect(out.length / sound.length).toBeGreaterThan(1.04);
    expect(out.length / sound.length).toBeLessThanOrEqual(1.08 + 0.02 / 4);
    expect(isKept(sound, out)).toBe(true);
    expect(biggestStep(out)).toBeLessThan(1.1 * biggestStep(sound));
    expect(Math.min(...levels(out, 960))).toBeGreaterThan(0.8 * Math.min(...levels(sound, 960)));
    expect(Math.max(...levels(out, 960))).toBeLessThan(1.1 * Math.max(...levels(sound, 960)));
  });

  it("lengthens silence, and nothing that is like nothing else", () => {
    expect(lengthened(new Float32Array(RATE)).out.length / RATE).toBeGreaterThan(1.07);
    let seed = 11;
    const noise = Float32Array.from({ length: RATE }, () => {
      seed = (seed * 16807) % 2147483647;
      return 0.3 * (seed / 1073741824 - 1);
    });
    expect(lengthened(noise).out).toEqual(noise);
  });

  it("does not lengthen what it has too little of, before or after", () => {
    const queue = new StretchQueue(RATE);
    const sound = tone(200, RATE, 0.1);
    const out = new Float32Array(sound.length);
    queue.push(sound.slice(0, 1200));
    queue.read(out, 0, 900); // less than the longest repetition
    queue.stretch();
    expect(queue.available).toBe(300);
    queue.read(out, 900, 200); // less to come than a cross-fade
    queue.stretch();
    expect(queue.available).toBe(100);
  });
});
