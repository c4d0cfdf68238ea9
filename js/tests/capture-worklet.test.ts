import { describe, expect, it } from "vitest";
import source from "../src/audio/capture.worklet.ts?worklet";
import { tone, WorkletHost } from "./worklet-host";

function captured(host: WorkletHost): Int16Array {
  const parts = host.posted.map((m) => new Int16Array(m.pcm as ArrayBuffer));
  const all = new Int16Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

describe.each([48000, 44100, 16000, 96000])("the capture worklet at %i Hz, as built", (rate) => {
  const options = { targetRate: 16000, chunkSamples: 1280 };

  it("gives PCM16 at 16 kHz, the tail flushed on stop", () => {
    const host = new WorkletHost(source, rate, options);
    const sound = tone(1000, rate, 1);
    host.feed(sound);
    host.post("stop");
    const chunks = host.posted;
    expect(chunks.slice(0, -1).every((c) => (c.pcm as ArrayBuffer).byteLength === 2560)).toBe(true);
    expect(chunks.at(-1)?.last).toBe(true);
    const fed = Math.floor(sound.length / 128) * 128;
    const pcm = captured(host);
    expect(Math.abs(pcm.length - (fed * 16000) / rate)).toBeLessThanOrEqual(1);
    const ideal = tone(1000, 16000, 1);
    const middle = Array.from({ length: 8000 }, (_, i) =>
      Math.abs(pcm[i + 4000]! / 32768 - ideal[i + 4000]!),
    );
    expect(Math.max(...middle)).toBeLessThan(2e-4);
  });

  it("saturates instead of wrapping, and says that it clipped", () => {
    const host = new WorkletHost(source, rate, options);
    host.feed(tone(440, rate, 0.5, 1.5));
    const pcm = captured(host);
    const steps = pcm.subarray(1).map((x, i) => Math.abs(x - pcm[i]!));
    expect(Math.max(...pcm)).toBe(32767);
    expect(Math.min(...pcm)).toBe(-32768);
    expect(Math.max(...steps)).toBeLessThan(20000);
    expect(host.posted[1]?.peak as number).toBeGreaterThan(1);
  });

  it("averages channels", () => {
    const host = new WorkletHost(source, rate, options);
    host.feed(tone(440, rate, 0.5), 2);
    expect(Math.max(...captured(host))).toBeLessThan(16500);
  });
});
