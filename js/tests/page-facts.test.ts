import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PartChannel } from "../src/channel";
import { PageChecker } from "../src/page-facts";
import { PROBE, type ToKernel } from "../src/protocol";

/** A kernel at the other end; `answer` says what comes back for a message. */
class FakeChannel {
  sent: ToKernel[] = [];
  expecting: string[] = [];
  #handlers = new Map<string, (message: unknown, bytes: Uint8Array) => void>();
  constructor(readonly answer: (message: ToKernel, deliver: FakeChannel["deliver"]) => void) {}
  on(type: string, handler: (message: never, bytes: Uint8Array) => void): void {
    this.#handlers.set(type, handler as (message: unknown, bytes: Uint8Array) => void);
  }
  deliver = (message: { type: string }, bytes = new Uint8Array(0)): void => {
    this.#handlers.get(message.type)?.(message, bytes);
  };
  send(message: ToKernel): void {
    this.sent.push(message);
    this.answer(message, this.deliver);
  }
  expect(expecting: string): void {
    this.expecting.push(expecting);
  }
  facts(): Record<string, unknown> {
    return Object.assign({}, ...this.sent.flatMap((m) => (m.type === "facts" ? [m.facts] : [])));
  }
}

async function check(channel: FakeChannel): Promise<void> {
  const done = new PageChecker(channel as unknown as PartChannel).run();
  await vi.advanceTimersByTimeAsync(120_000);
  await done;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 Gecko/20100101 Firefox/140.0" });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the page's examination", () => {
  it("ends where the kernel never answers, and says so by no figures", async () => {
    const channel = new FakeChannel(() => {});
    await check(channel);
    expect(channel.facts()).toMatchObject({ trips: [], binary: null, browser: "Firefox 140" });
    expect(channel.facts()).not.toHaveProperty("burst_up");
    expect(channel.expecting).toEqual(["sound", "nothing"]);
  });

  it("reports what this browser lacks instead of failing", async () => {
    const channel = new FakeChannel(() => {});
    await check(channel);
    const { permission, devices, worklet, autoplay, rate } = channel.facts();
    expect([permission, devices, rate]).toEqual([null, null, null]);
    expect(String(worklet)).toContain("OfflineAudioContext");
    expect(String(autoplay)).toContain("AudioContext");
  });

  it("counts what came of a burst, and sees bytes that were changed on the way", async () => {
    const channel = new FakeChannel((message, deliver) => {
      if (message.type === "echo") {
        const bytes = message.n === 3 ? PROBE.map((b) => b & 127) : PROBE;
        setTimeout(() => deliver({ type: "echo" }, bytes), 4);
      }
      if (message.type === "burst" && message.n === 99)
        for (let n = 0; n < 97; n++) deliver({ type: "burst", n } as { type: string });
    });
    await check(channel);
    const facts = channel.facts();
    expect(facts.trips).toHaveLength(7);
    expect(facts).toMatchObject({ binary: false, burst_up: 100 });
    expect((facts.burst_down as number[])[0]).toBe(97);
    const bursts = channel.sent.flatMap((m) => (m.type === "burst" ? [m.run] : []));
    expect(bursts).toEqual(Array(100).fill(1));
  });
});
