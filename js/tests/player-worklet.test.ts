import { describe, expect, it } from "vitest";
import source from "../src/audio/player.worklet.ts?worklet";
import { biggestStep, tone, WorkletHost } from "./worklet-host";

const RATE = 48000;

function playing(samples: Float32Array, { prebufferThreshold = 1024, end = true } = {}): WorkletHost {
  const host = new WorkletHost(source, RATE);
  host.post({ type: "open", stream: "a", prebufferThreshold, fadeIn: 0 });
  for (let at = 0; at < samples.length; at += 1000) {
    host.post({ type: "push", stream: "a", samples: samples.slice(at, at + 1000) });
  }
  if (end) host.post({ type: "end", stream: "a" });
  return host;
}

function join(...parts: Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

describe("the player's worklet, as built", () => {
  it("renders every sample once, in order, the last partial block included", () => {
    const sound = tone(440, RATE, 0.1).subarray(0, 4777);
    const out = playing(sound).render(60);
    expect(out.subarray(0, sound.length)).toEqual(sound);
    expect(out.subarray(sound.length).every((x) => x === 0)).toBe(true);
  });

  it("waits for the prebufferThreshold, then flows", () => {
    const host = new WorkletHost(source, RATE);
    host.post({ type: "open", stream: "a", prebufferThreshold: 300, fadeIn: 0 });
    host.post({ type: "push", stream: "a", samples: new Float32Array(299).fill(0.5) });
    expect(host.render(4).every((x) => x === 0)).toBe(true);
    host.post({ type: "push", stream: "a", samples: new Float32Array(1).fill(0.5) });
    expect(host.render(1)[0]).toBe(0.5);
    expect(host.posted[0]).toMatchObject({ type: "started", stream: "a" });
  });

  it("starts some time after the first sound however little came, and after an underrun at the threshold only", () => {
    const host = new WorkletHost(source, RATE);
    host.post({ type: "open", stream: "a", prebufferThreshold: 4000, startDelay: 1280, fadeIn: 0 });
    host.render(30); // nothing came yet
    host.post({ type: "push", stream: "a", samples: new Float32Array(1024).fill(0.5) });
    expect(host.render(10).every((x) => x === 0)).toBe(true);
    expect(host.render(8).every((x) => x === 0.5)).toBe(true);
    host.render(4); // dry
    host.post({ type: "push", stream: "a", samples: new Float32Array(1024).fill(0.5) });
    expect(host.render(40).some((x) => x === 0.5)).toBe(false);
    host.post({ type: "push", stream: "a", samples: new Float32Array(3000).fill(0.5) });
    expect(host.render(2).some((x) => x === 0.5)).toBe(true);
  });

  it("counts an underrun, refills to the prebufferThreshold, loses nothing and does not click", () => {
    const host = new WorkletHost(source, RATE);
    host.post({ type: "open", stream: "a", prebufferThreshold: 256, fadeIn: 0 });
    host.post({ type: "push", stream: "a", samples: new Float32Array(300).fill(0.25) });
    const first = host.render(8);
    host.post({ type: "push", stream: "a", samples: new Float32Array(255).fill(0.5) });
    expect(host.render(4).every((x) => x === 0)).toBe(true);
    host.post({ type: "push", stream: "a", samples: new Float32Array(45).fill(0.5) });
    host.post({ type: "end", stream: "a" });
    const rest = host.render(40);
    expect(first.filter((x) => x === 0.25).length).toBe(300);
    expect(biggestStep(first.subarray(200))).toBeLessThan(0.01);
    expect(biggestStep(rest.subarray(0, 200))).toBeLessThan(0.01);
    expect(rest.filter((x) => x > 0).length).toBe(299); // the first of them is faded to nothing
    expect(rest.filter((x) => x === 0.5).length).toBe(300 - 96);
    const done = host.posted.find((m) => m.type === "finished");
    expect(done).toMatchObject({ stream: "a", rendered: 600, underruns: 1 });
  });

  it("plays sound that comes just in time a little more slowly until there is a reserve, and all of it", () => {
    const sound = tone(220, RATE, 4);
    const host = new WorkletHost(source, RATE);
    const [piece, reserve] = [38 * 128, 3840];
    host.post({ type: "open", stream: "a", prebufferThreshold: 12_000, startDelay: 960, reserve, fadeIn: 0 });
    const least: number[] = [];
    let out: number[] = [];
    for (let at = 0; at < sound.length; at += piece) {
      host.post({ type: "push", stream: "a", samples: sound.slice(at, at + piece) });
      out = [...out, ...host.render(38)];
      const reports = host.posted.filter((m) => m.type === "position");
      least.push(Number(reports.at(-1)?.buffered));
    }
    expect(Math.max(...least)).toBeLessThan(reserve + 2000);
    expect(Math.min(...least.slice(20))).toBeGreaterThan(reserve - 960);
    host.post({ type: "end", stream: "a" });
    out = [...out, ...host.render(200)];
    const done = host.posted.find((m) => m.type === "finished");
    expect(done).toMatchObject({ rendered: sound.length, underruns: 0 });
    expect(biggestStep(Float32Array.from(out))).toBeLessThan(1.2 * biggestStep(sound));
  });

  it("plays sample by sample what has a reserve, or has come whole", () => {
    const sound = tone(220, RATE, 0.2);
    for (const reserve of [0, 100_000]) {
      const host = new WorkletHost(source, RATE);
      host.post({ type: "open", stream: "a", prebufferThreshold: 100, startDelay: 0, reserve, fadeIn: 0 });
      host.post({ type: "push", stream: "a", samples: sound.slice() });
      if (reserve) host.post({ type: "end", stream: "a" });
      expect(host.render(75)).toEqual(sound);
    }
  });

  it("takes a new prebuffer threshold when it has run dry", () => {
    const host = new WorkletHost(source, RATE);
    host.post({ type: "open", stream: "a", prebufferThreshold: 10, fadeIn: 0 });
    host.post({ type: "push", stream: "a", samples: new Float32Array(10).fill(0.25) });
    host.render(20);
    host.post({ type: "buffering", prebufferThreshold: 500, reserve: 0 });
    host.post({ type: "buffering", reserve: 10 }); // which says nothing of the threshold
    host.post({ type: "push", stream: "a", samples: new Float32Array(499).fill(0.5) });
    expect(host.render(4).every((x) => x === 0)).toBe(true);
    host.post({ type: "push", stream: "a", samples: new Float32Array(1).fill(0.5) });
    expect(host.render(2).some((x) => x === 0.5)).toBe(true);
  });

  it("pauses and goes on without losing a sample or clicking", () => {
    const sound = Float32Array.from({ length: 9000 }, (_, i) => 0.2 + i * 1e-5);
    const host = playing(sound);
    const before = host.render(10);
    host.post({ type: "pause", fade: 720 });
    const fading = host.render(10);
    expect(fading.subarray(720).every((x) => x === 0)).toBe(true);
    host.post({ type: "resume", fade: 240 });
    const after = host.render(70);
    const rest = sound.subarray(before.length + 720);
    expect(biggestStep(join(before, fading, after.subarray(0, rest.length)))).toBeLessThan(0.01);
    expect(after.subarray(240, rest.length)).toEqual(rest.subarray(240));
    expect(host.posted.at(-1)).toMatchObject({ type: "finished", rendered: 9000, underruns: 0 });
  });

  it("fades in where a stream begins in the middle of a sound", () => {
    const host = new WorkletHost(source, RATE);
    host.post({ type: "open", stream: "a", prebufferThreshold: 1, fadeIn: 240 });
    host.post({ type: "push", stream: "a", samples: new Float32Array(1000).fill(0.8) });
    const out = host.render(4);
    expect(biggestStep(out)).toBeLessThan(0.01);
    expect(out[240]).toBeCloseTo(0.8, 6);
  });

  it("cross-fades from a stopped stream to the next one", () => {
    const host = playing(new Float32Array(RATE).fill(0.8), { end: false });
    host.render(20);
    host.post({ type: "stop", fade: 720 });
    host.post({ type: "open", stream: "b", prebufferThreshold: 1, fadeIn: 720 });
    host.post({ type: "push", stream: "b", samples: new Float32Array(4000).fill(0.8) });
    const out = host.render(12);
    for (const x of out) expect(x).toBeCloseTo(0.8, 4);
  });

  it("holds what another one replaces until that one starts, then cross-fades without a gap", () => {
    const host = playing(new Float32Array(RATE).fill(0.8), { end: false });
    host.render(20);
    host.post({ type: "stop", fade: 720, hold: 7200 });
    host.post({ type: "open", stream: "b", prebufferThreshold: 4000, startDelay: 1280, fadeIn: 720 });
    for (const x of host.render(20)) expect(x).toBeCloseTo(0.8, 6);
    host.post({ type: "push", stream: "b", samples: new Float32Array(4096).fill(0.8) });
    for (const x of host.render(30)) expect(x).toBeCloseTo(0.8, 4);
    expect(host.posted.filter((m) => m.type === "finished")).toMatchObject([{ stream: "a" }]);
  });

  it("holds it for so long at most, and for no time when it is stopped", () => {
    for (const stopped of [false, true]) {
      const host = playing(new Float32Array(RATE).fill(0.8), { end: false });
      host.render(20);
      host.post({ type: "stop", fade: 720, hold: 7168 });
      expect(host.render(10).every((x) => x > 0.79)).toBe(true);
      if (stopped) host.post({ type: "stop", fade: 720, hold: 0 });
      else host.render(46);
      const out = host.render(8);
      expect(biggestStep(out)).toBeLessThan(0.01);
      expect(out.subarray(730).every((x) => x === 0)).toBe(true);
    }
  });

  it("fades what is held where its sound ends before the next one starts", () => {
    const host = playing(new Float32Array(4000).fill(0.8), { end: false });
    host.render(20);
    host.post({ type: "stop", fade: 720, hold: 7168 });
    expect(biggestStep(host.render(30))).toBeLessThan(0.01);
    expect(host.posted.at(-1)).toMatchObject({ type: "finished", stream: "a" });
  });

  it("fades out on stop within the time asked for, without a click", () => {
    const host = playing(new Float32Array(RATE).fill(0.8), { end: false });
    host.render(20);
    host.post({ type: "stop", fade: 720 });
    const out = host.render(12);
    expect(biggestStep(out)).toBeLessThan(0.01);
    expect(out.subarray(730).every((x) => x === 0)).toBe(true);
    expect(host.posted.at(-1)).toMatchObject({ type: "finished", stream: "a" });
  });

  it("plays the next stream after a stop at full level", () => {
    const host = playing(new Float32Array(600).fill(0.8), { prebufferThreshold: 1 });
    host.render(2);
    host.post({ type: "stop", fade: 200 });
    host.post({ type: "open", stream: "b", prebufferThreshold: 1, fadeIn: 0 });
    host.post({ type: "push", stream: "b", samples: new Float32Array(600).fill(0.5) });
    host.post({ type: "end", stream: "b" });
    const out = host.render(12);
    expect(out.subarray(200).filter((x) => x === 0.5).length).toBe(400);
    expect(host.posted.filter((m) => m.type === "finished").map((m) => m.stream)).toEqual(["a", "b"]);
  });

  it("plays queued streams one after the other", () => {
    const host = playing(new Float32Array(200).fill(0.25), { prebufferThreshold: 1 });
    host.post({ type: "open", stream: "b", prebufferThreshold: 1, fadeIn: 0 });
    host.post({ type: "push", stream: "b", samples: new Float32Array(200).fill(0.5) });
    host.post({ type: "end", stream: "b" });
    const out = host.render(5);
    expect(out.subarray(0, 200).every((x) => x === 0.25)).toBe(true);
    expect(out.subarray(200, 400).every((x) => x === 0.5)).toBe(true);
  });
});
