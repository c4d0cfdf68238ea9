import { describe, expect, it } from "vitest";
import { Pull, QUICK_MS, SLOW_MS } from "../src/pull";

/** Ask whenever it is due, with answers after `trip` ms that bring nothing; return the times. */
function run(pull: Pull, from: number, until: number, trip = 10): number[] {
  const times: number[] = [];
  let answer: number | null = null;
  for (let now = from; now < until; now += 5) {
    if (answer !== null && now >= answer) {
      pull.answered(now, false);
      answer = null;
    }
    if (!pull.due(now, false)) continue;
    pull.asked(now);
    times.push(now);
    answer = now + trip;
  }
  return times;
}

describe("asking", () => {
  it("is quick for sound, slower and slower for what does not come, and over when nothing is expected", () => {
    const pull = new Pull(true);
    expect(run(pull, 0, 60_000)).toEqual([]);
    pull.expected = "sound";
    const quick = run(pull, 60_000, 62_000).length;
    expect(quick).toBeGreaterThan(2000 / (QUICK_MS + 30));
    pull.expected = "something";
    const slow = run(pull, 62_000, 72_000).length;
    expect(slow).toBeLessThan(10_000 / SLOW_MS + 4);
    pull.expected = "nothing";
    expect(run(pull, 72_000, 100_000)).toEqual([]);
  });

  it("goes on for a while after a person's act", () => {
    const pull = new Pull(true);
    pull.act(1000);
    const times = run(pull, 1000, 60_000);
    expect(times[0]).toBeLessThan(1000 + 2 * QUICK_MS);
    expect(times.at(-1)).toBeLessThan(6000);
    expect(times.length).toBeLessThan(16);
  });

  it("has few questions under way, however long the kernel is busy", () => {
    const pull = new Pull(true);
    pull.expected = "sound";
    expect(run(pull, 0, 60_000, 1e9).length).toBeLessThan(20);
  });

  it("asks at a steady rate for sound, however long the way is", () => {
    const pull = new Pull(true);
    pull.expected = "sound";
    const times: number[] = [];
    for (let now = 0; now < 5000; now += 5) {
      if (times.includes(now - 500)) pull.answered(now, false);
      if (!pull.due(now, false)) continue;
      pull.asked(now);
      times.push(now);
    }
    expect(Math.max(...times.slice(1).map((at, n) => at - times[n]!))).toBeLessThanOrEqual(QUICK_MS + 5);
  });

  it("rests while messages leave anyway: their handlers flush", () => {
    const pull = new Pull(true);
    pull.expected = "something";
    let polls = 0;
    for (let now = 0; now < 10_000; now += 10) {
      if (now % 80 === 0) pull.sent(now);
      if (pull.due(now, false)) polls += 1;
    }
    expect(polls).toBe(0);
  });

  it("leaves the asking to another widget whose messages bring what is wanted", () => {
    const pull = new Pull(true);
    pull.expected = "something";
    let polls = 0;
    for (let now = 0; now < 10_000; now += 10) {
      if (now % 300 === 0) pull.arrived(now, "pull", 40);
      if (!pull.due(now, false)) continue;
      pull.asked(now);
      pull.answered(now, false);
      polls += 1;
    }
    expect(polls).toBe(0);
  });

  it("looks into silence, seldom, where messages are pushed", () => {
    const pull = new Pull(false);
    pull.welcomed(0);
    pull.probed();
    pull.expected = "sound";
    expect(run(pull, 0, 60_000).length).toBeLessThan(20);
    expect(pull.on).toBe(false);
  });
});

describe("finding out how messages come", () => {
  it("takes a probe that never came for a loss, and one that came with an answer too", () => {
    const lost = new Pull(false);
    lost.welcomed(0);
    expect(lost.due(2400, false)).toBe(false);
    expect(lost.due(2600, false)).toBe(true);
    lost.asked(2600);
    lost.answered(2610, true);
    expect(lost.on).toBe(true);
    const held = new Pull(false);
    held.welcomed(0);
    held.asked(2600);
    held.probed();
    expect(held.on).toBe(true);
  });

  it("asks for a probe that the kernel did not send yet, but only for a while", () => {
    const pull = new Pull(false);
    pull.welcomed(0);
    expect(run(pull, 0, 120_000).length).toBe(3);
    expect(pull.on).toBe(false);
  });

  it("takes what came late, and only because it was asked for, for a loss", () => {
    const pull = new Pull(false);
    expect(pull.arrived(0, "pull", 100)).toBe(false);
    expect(pull.arrived(0, "pull", 900)).toBe(true);
    expect(pull.on).toBe(true);
  });

  it("goes back to pushing after a long row, and needs a longer one the next time", () => {
    const pull = new Pull(false);
    const pushes = (from: number, count: number) => {
      for (let n = 0; n < count; n++) pull.arrived(from + n * 250, "thread", 0);
    };
    pull.arrived(0, "pull", 900);
    pushes(0, 8);
    expect(pull.on).toBe(true);
    pushes(2000, 4);
    expect(pull.on).toBe(false);
    pull.arrived(5000, "pull", 900);
    pushes(5000, 12);
    expect(pull.on).toBe(true);
    pushes(8000, 30);
    expect(pull.on).toBe(false);
  });
});
