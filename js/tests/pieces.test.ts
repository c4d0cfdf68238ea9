import { describe, expect, it, vi } from "vitest";
import { Envelope } from "../src/audio/envelope";
import {
  BURSTY_SECS,
  JitterEstimator,
  LEAST_SECS,
  MOST_SECS,
  START_DELAY_SECS,
  START_SECS,
} from "../src/audio/jitter";
import { Level, meter } from "../src/audio/level";
import { pcm16, toInt16 } from "../src/audio/pcm";
import { Ramp } from "../src/audio/ramp";
import { BlockQueue } from "../src/audio/ring";
import { Take } from "../src/audio/take";
import { KernelClock } from "../src/clock";
import { SendWindow } from "../src/components/send-window";

describe("pcm", () => {
  it("rounds and saturates", () => {
    expect([0, 1, -1, 2, -2, 0.5, 1 / 65536].map(toInt16)).toEqual([
      0, 32767, -32768, 32767, -32768, 16384, 1,
    ]);
  });

  it("reads little-endian bytes at any offset", () => {
    const bytes = new Uint8Array([99, 0x00, 0x80, 0xff, 0x7f]).subarray(1);
    expect([...pcm16(bytes)]).toEqual([-32768, 32767]);
    expect(() => pcm16(new Uint8Array(3))).toThrow(RangeError);
  });
});

describe("the block queue", () => {
  it("gives back what was pushed, in any portions", () => {
    const queue = new BlockQueue();
    let next = 0;
    const read: number[] = [];
    const out = new Float32Array(97);
    for (let round = 0; round < 300; round++) {
      queue.push(Float32Array.from({ length: (round * 7) % 50 }, () => next++));
      const got = queue.read(out, 0, (round * 13) % 97);
      read.push(...out.subarray(0, got));
    }
    while (queue.available > 0) read.push(...out.subarray(0, queue.read(out, 0, 97)));
    expect(read).toEqual(Array.from({ length: next }, (_, i) => i));
  });
});

describe("the level", () => {
  it("measures since the last time", () => {
    const level = new Level();
    for (const x of [0.5, -0.5, 0.5, -0.5]) level.add(x);
    expect(level.take()).toEqual({ rms: 0.5, peak: 0.5 });
    expect(level.take()).toEqual({ rms: 0, peak: 0 });
    expect([meter(0), meter(1), meter(0.001)]).toEqual([0, 1, 0]);
  });
});

describe("the send window", () => {
  const chunk = (t: number) => ({ t, rms: 0, peak: 0, last: false, pcm: new ArrayBuffer(2) });

  it("keeps a few in flight, the rest waiting, in order", () => {
    const sent: number[] = [];
    const window = new SendWindow((_, n) => sent.push(n), 3, 100);
    for (let n = 0; n < 10; n++) window.push(chunk(n));
    expect(sent).toEqual([0, 1, 2]);
    window.acknowledge(1);
    expect(sent).toEqual([0, 1, 2, 3, 4]);
    for (const n of [4, 7, 9]) window.acknowledge(n);
    expect(sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(window.waiting).toBe(0);
  });

  it("goes on after drops, one acknowledgement at a time, and says when it is empty", async () => {
    const sent: number[] = [];
    const window = new SendWindow((_, n) => sent.push(n), 20, 400);
    for (let n = 0; n < 1500; n++) window.push(chunk(n));
    const drained = window.drained(10_000);
    for (let i = 0; i < 2000 && window.waiting > 0; i++) window.acknowledge(sent.at(-1)!);
    await drained;
    expect(sent.length + window.dropped).toBe(1500);
    expect(sent.at(-1)).toBe(1499 - window.dropped);
  });

  it("does not wait for what will not be acknowledged", async () => {
    const window = new SendWindow(() => {}, 3, 100);
    for (let n = 0; n < 10; n++) window.push(chunk(n));
    const drained = window.drained(60_000);
    window.abandon();
    await drained;
    expect(window.waiting).toBe(0);
  });

  it("drops the oldest beyond its limit, and counts, without a gap in the numbers", () => {
    const sent: number[][] = [];
    const window = new SendWindow((c, n, oldest) => sent.push([c.t, n, oldest]), 2, 5);
    for (let n = 0; n < 10; n++) window.push(chunk(n));
    for (let n = 0; n < 7; n++) window.acknowledge(n);
    expect(window.dropped).toBe(3);
    expect(sent).toEqual([
      [0, 0, 0],
      [1, 1, 0],
      [5, 2, 1],
      [6, 3, 2],
      [7, 4, 3],
      [8, 5, 4],
      [9, 6, 5],
    ]);
    window.reset();
    window.push(chunk(20));
    expect(sent.at(-1)).toEqual([20, 0, 0]);
  });

  it("sends again what is not acknowledged, each time later, and nothing once it is", () => {
    vi.useFakeTimers();
    const sent: number[] = [];
    const window = new SendWindow((_, n) => sent.push(n), 20, 400);
    for (let n = 0; n < 3; n++) window.push(chunk(n));
    vi.advanceTimersByTime(5100);
    expect(sent).toEqual([0, 1, 2, 0, 1, 2]);
    vi.advanceTimersByTime(9000);
    expect(sent.length).toBe(6);
    vi.advanceTimersByTime(2000);
    expect(sent.length).toBe(9);
    window.acknowledge(1);
    vi.advanceTimersByTime(5100);
    expect(sent.slice(9)).toEqual([2]);
    window.acknowledge(2);
    vi.advanceTimersByTime(200_000);
    expect(sent.length).toBe(10);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});

describe("the jitter estimate", () => {
  /** Pieces of `piece` seconds, each late by what `late` says. */
  function arrivals(jitter: JitterEstimator, count: number, late: (i: number) => number, piece = 0.1): void {
    jitter.open();
    for (let i = 0; i < count; i++) jitter.arrived(i * piece + late(i), piece);
  }

  it("starts at its first guess; then it is one piece and a little when nothing is late", () => {
    const jitter = new JitterEstimator();
    expect(jitter.prebufferThresholdSecs).toBe(START_SECS);
    arrivals(jitter, 100, () => 0);
    expect(jitter.prebufferThresholdSecs).toBeCloseTo(0.12, 3);
    jitter.bursty = true;
    expect(jitter.prebufferThresholdSecs).toBe(BURSTY_SECS);
    const small = new JitterEstimator();
    arrivals(small, 100, () => 0, 0.02);
    expect(small.prebufferThresholdSecs).toBe(LEAST_SECS);
  });

  it("keeps any player of such arrivals from running dry", () => {
    for (const most of [0.02, 0.05, 0.1]) {
      const jitter = new JitterEstimator();
      let seed = 7;
      const random = () => {
        seed = (seed * 16807) % 2147483647;
        return seed / 2147483647;
      };
      arrivals(jitter, 200, () => random() * most);
      const late = Array.from({ length: 200 }, () => random() * most);
      const threshold = jitter.prebufferThresholdSecs;
      let begun: number | null = null;
      for (let i = 0; i < late.length; i++) {
        const now = i * 0.1 + late[i]!;
        // What a player that began then would have left just before this piece.
        if (begun !== null) expect(i * 0.1 - (now - begun)).toBeGreaterThan(0);
        if (begun === null && (i + 1) * 0.1 >= threshold) begun = now;
      }
    }
  });

  it("lets a stream start some time after its first sound, however long its pieces are", () => {
    const jitter = new JitterEstimator();
    expect(jitter.startDelaySecs).toBe(START_DELAY_SECS);
    arrivals(jitter, 100, () => 0, 0.2);
    expect(jitter.startDelaySecs).toBeCloseTo(0.02, 6);
    const fast = new JitterEstimator();
    arrivals(fast, 20, (i) => -i * 0.09);
    expect(fast.startDelaySecs, "what comes faster than it is played needs no delay").toBe(0);
    arrivals(fast, 20, () => 0);
    expect(fast.startDelaySecs).toBeCloseTo(0.02, 2);
    jitter.bursty = true;
    expect(jitter.startDelaySecs).toBe(Number.POSITIVE_INFINITY);
    for (const piece of [0.02, 0.1, 0.2]) {
      const late = (i: number) => ((i * 7919) % 101) / 2000; // up to 50 ms
      const learned = new JitterEstimator();
      arrivals(learned, 200, late, piece);
      const begun = late(0) + learned.startDelaySecs;
      for (let i = 1; i < 200; i++) expect(i * piece + late(i)).toBeLessThan(begun + i * piece);
      const before = learned.startDelaySecs;
      learned.underrun();
      expect(learned.startDelaySecs).toBeGreaterThan(before);
    }
  });

  it("asks for as much as the worst arrival would have needed, within its bounds", () => {
    const jitter = new JitterEstimator();
    arrivals(jitter, 40, (i) => (i === 20 ? 0.2 : 0));
    expect(jitter.prebufferThresholdSecs).toBeGreaterThan(0.3);
    expect(jitter.prebufferThresholdSecs).toBeLessThan(MOST_SECS);
    arrivals(jitter, 40, (i) => (i === 20 ? 3 : 0));
    expect(jitter.prebufferThresholdSecs).toBe(MOST_SECS);
  });

  it("forgets, and takes sound that comes in bursts for what it is", () => {
    const jitter = new JitterEstimator();
    arrivals(jitter, 40, (i) => (i === 20 ? 0.3 : 0));
    arrivals(jitter, 2000, (i) => -i * 0.09);
    expect(jitter.prebufferThresholdSecs).toBeLessThan(0.125);
  });

  it("asks for more after each underrun", () => {
    const jitter = new JitterEstimator();
    const asked = [1, 2, 3, 4].map(() => {
      jitter.underrun();
      return jitter.prebufferThresholdSecs;
    });
    expect(asked).toEqual([...asked].sort((a, b) => a - b));
    expect(asked.at(-1)).toBe(MOST_SECS);
  });
});

describe("the envelope", () => {
  it("keeps the loudest of each stretch, however long the sound", () => {
    const envelope = new Envelope();
    const loud = 700_000;
    for (let at = 0; at < 1_000_000; at += 10_000) {
      const samples = new Int16Array(10_000).fill(3277);
      if (at === loud) samples[5] = -32768;
      envelope.add(samples);
    }
    const peaks = envelope.peaks(100);
    expect(peaks[70]).toBe(1);
    expect(peaks[30]).toBeCloseTo(0.1, 3);
    expect(Math.min(...peaks)).toBeCloseTo(0.1, 3);
  });
});

describe("a take", () => {
  const bytes = (from: number, count: number) =>
    new Uint8Array(Int16Array.from({ length: count }, (_, i) => from + i).buffer);

  it("gives back any stretch of what it holds", () => {
    const take = new Take("t", 1000);
    for (let at = 0; at < 900; at += 90) take.write(bytes(at, 90));
    expect([...take.read(85, 10)].map((x) => x * 32768)).toEqual([85, 86, 87, 88, 89, 90, 91, 92, 93, 94]);
    expect(take.read(895, 100).length).toBe(5);
    expect(take.read(900, 100).length).toBe(0);
  });

  it("lets go of the oldest that was played when it grows too long", () => {
    const take = new Take("t", 1000, 300);
    for (let at = 0; at < 900; at += 100) take.write(bytes(at, 100));
    expect(take.first).toBe(0);
    take.position = 550;
    take.write(bytes(900, 100));
    expect([take.first, take.samples]).toEqual([500, 1000]);
    expect(take.read(0, 1)[0]! * 32768).toBe(500);
    expect([take.whole, take.holds(500), take.holds(499)]).toEqual([false, true, false]);
  });

  it("starts again from any place and keeps its picture", () => {
    const take = new Take("t", 1000);
    take.write(bytes(0, 1000));
    take.end(20_000);
    const drawn = [...take.envelope.peaks(10)];
    take.restart(15_000);
    expect([take.first, take.samples, take.reached, take.duration]).toEqual([15_000, 15_000, 1000, 20]);
    expect([...take.envelope.peaks(10)]).toEqual(drawn);
    take.write(bytes(15_000, 5000));
    expect([take.complete, take.whole, take.reached]).toEqual([true, false, 20_000]);
    expect(take.read(15_010, 2)[0]! * 32768).toBe(15_010);
    const peaks = take.envelope.peaks(20);
    expect(peaks[10]).toBe(0); // what has not come is flat
    expect(peaks[16]).toBeGreaterThan(0.4);
    take.restart(0);
    take.write(bytes(0, 1000)); // what comes again changes no picture
    expect([...take.envelope.peaks(20)]).toEqual([...peaks]);
  });

  it("waits for a place just behind what has come, and asks for one that is farther", () => {
    const take = new Take("t", 1000);
    take.write(bytes(0, 1000));
    expect([take.holds(5000), take.holds(5001)]).toEqual([true, false]);
    take.end(1000);
    expect([take.holds(1000), take.holds(1001)]).toEqual([true, false]);
  });

  it("ends where it ends, though more was asked for", () => {
    const take = new Take("t", 1000);
    take.write(bytes(0, 1000));
    take.restart(9000);
    take.end(2000);
    expect([take.total, take.samples, take.complete]).toEqual([2000, 2000, true]);
  });
});

describe("the ramp", () => {
  it("moves in a straight line and says how long it takes", () => {
    const ramp = new Ramp();
    ramp.to(0, 4);
    expect(ramp.remaining).toBe(4);
    expect([0, 1, 2, 3, 4, 5].map(() => ramp.next())).toEqual([1, 0.75, 0.5, 0.25, 0, 0]);
    expect(ramp.remaining).toBe(0);
  });
});

describe("the kernel's clock", () => {
  it("believes the fastest ping", () => {
    const clock = new KernelClock();
    expect([clock.toKernel(5), clock.errorMs]).toEqual([null, null]);
    clock.add(100, 1200, 300);
    clock.add(400, 1405, 410);
    clock.add(500, 1900, 900);
    expect(clock.toKernel(1000)).toBe(2000);
    expect(clock.errorMs).toBe(5);
    expect(clock.toKernel(null)).toBe(null);
  });
});
