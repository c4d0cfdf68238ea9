import { describe, expect, it } from "vitest";
import { Level, meter } from "../src/audio/level";
import { pcm16ToFloat, toInt16 } from "../src/audio/pcm";
import { BlockQueue } from "../src/audio/ring";
import { SendWindow } from "../src/widgets/send-window";

describe("pcm", () => {
  it("rounds and saturates", () => {
    expect([0, 1, -1, 2, -2, 0.5, 1 / 65536].map(toInt16)).toEqual([
      0, 32767, -32768, 32767, -32768, 16384, 1,
    ]);
  });

  it("reads little-endian bytes at any offset", () => {
    const bytes = new Uint8Array([99, 0x00, 0x80, 0xff, 0x7f]).subarray(1);
    expect([...pcm16ToFloat(bytes)]).toEqual([-1, Math.fround(32767 / 32768)]);
    expect(() => pcm16ToFloat(new Uint8Array(3))).toThrow(RangeError);
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
  const chunk = (n: number) => ({ n, t: 0, rms: 0, peak: 0, last: false, pcm: new ArrayBuffer(2) });

  it("keeps a few in flight, the rest waiting, in order", () => {
    const sent: number[] = [];
    const window = new SendWindow((c) => sent.push(c.n), 3, 100);
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
    const window = new SendWindow((c) => sent.push(c.n), 20, 400);
    for (let n = 0; n < 1500; n++) window.push(chunk(n));
    const drained = window.drained(10_000);
    for (let i = 0; i < 2000 && window.waiting > 0; i++) window.acknowledge(sent.at(-1)!);
    await drained;
    expect(sent.length + window.dropped).toBe(1500);
    expect(sent.at(-1)).toBe(1499);
  });

  it("drops the oldest beyond its limit, and counts", () => {
    const sent: number[] = [];
    const window = new SendWindow((c) => sent.push(c.n), 1, 5);
    for (let n = 0; n < 10; n++) window.push(chunk(n));
    for (let n = 0; n < 10; n++) window.acknowledge(n);
    expect(window.dropped).toBe(4);
    expect(sent).toEqual([0, 5, 6, 7, 8, 9]);
  });
});
