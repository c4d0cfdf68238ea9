import { describe, expect, it } from "vitest";
import source from "../src/audio/player.worklet.ts?worklet";
import { tone, WorkletHost } from "./worklet-host";

const RATE = 48000;

function playing(samples: Float32Array, { waterline = 1024, end = true } = {}): WorkletHost {
  const host = new WorkletHost(source, RATE);
  host.post({ type: "open", stream: "a", waterline });
  for (let at = 0; at < samples.length; at += 1000) {
    host.post({ type: "push", stream: "a", samples: samples.slice(at, at + 1000) });
  }
  if (end) host.post({ type: "end", stream: "a" });
  return host;
}

describe("the player's worklet, as built", () => {
  it("renders every sample once, in order, the last partial block included", () => {
    const sound = tone(440, RATE, 0.1).subarray(0, 4777);
    const out = playing(sound).render(60);
    expect(out.subarray(0, sound.length)).toEqual(sound);
    expect(out.subarray(sound.length).every((x) => x === 0)).toBe(true);
  });

  it("waits for the waterline, then flows", () => {
    const host = new WorkletHost(source, RATE);
    host.post({ type: "open", stream: "a", waterline: 300 });
    host.post({ type: "push", stream: "a", samples: new Float32Array(299).fill(0.5) });
    expect(host.render(4).every((x) => x === 0)).toBe(true);
    host.post({ type: "push", stream: "a", samples: new Float32Array(1).fill(0.5) });
    expect(host.render(1)[0]).toBe(0.5);
    expect(host.posted[0]).toMatchObject({ type: "started", stream: "a" });
  });

  it("counts an underrun, refills to the waterline and loses nothing", () => {
    const host = new WorkletHost(source, RATE);
    host.post({ type: "open", stream: "a", waterline: 256 });
    host.post({ type: "push", stream: "a", samples: new Float32Array(300).fill(0.25) });
    const first = host.render(8);
    host.post({ type: "push", stream: "a", samples: new Float32Array(255).fill(0.5) });
    expect(host.render(4).every((x) => x === 0)).toBe(true);
    host.post({ type: "push", stream: "a", samples: new Float32Array(45).fill(0.5) });
    host.post({ type: "end", stream: "a" });
    const rest = host.render(40);
    expect(first.filter((x) => x === 0.25).length).toBe(300);
    expect(rest.filter((x) => x === 0.5).length).toBe(300);
    const done = host.posted.find((m) => m.type === "finished");
    expect(done).toMatchObject({ stream: "a", rendered: 600, underruns: 1 });
  });

  it("fades out on stop within the time asked for, without a click", () => {
    const host = playing(new Float32Array(RATE).fill(0.8), { end: false });
    host.render(20);
    host.post({ type: "stop", fade: 720 });
    const out = host.render(12);
    const steps = out.subarray(1).map((x, i) => Math.abs(x - out[i]!));
    expect(Math.max(...steps)).toBeLessThan(0.01);
    expect(out.subarray(730).every((x) => x === 0)).toBe(true);
    expect(host.posted.at(-1)).toMatchObject({ type: "finished", stream: "a" });
  });

  it("plays the next stream after a stop at full level", () => {
    const host = playing(new Float32Array(600).fill(0.8), { waterline: 1 });
    host.render(2);
    host.post({ type: "stop", fade: 2000 });
    host.post({ type: "open", stream: "b", waterline: 1 });
    host.post({ type: "push", stream: "b", samples: new Float32Array(256).fill(0.5) });
    host.post({ type: "end", stream: "b" });
    const out = host.render(12);
    expect(out.filter((x) => x === 0.5).length).toBe(256);
  });

  it("plays queued streams one after the other", () => {
    const host = playing(new Float32Array(200).fill(0.25), { waterline: 1 });
    host.post({ type: "open", stream: "b", waterline: 1 });
    host.post({ type: "push", stream: "b", samples: new Float32Array(200).fill(0.5) });
    host.post({ type: "end", stream: "b" });
    const out = host.render(5);
    expect(out.subarray(0, 200).every((x) => x === 0.25)).toBe(true);
    expect(out.subarray(200, 400).every((x) => x === 0.5)).toBe(true);
  });
});
