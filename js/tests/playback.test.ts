import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Playback } from "../src/audio/playback";
import source from "../src/audio/player.worklet.ts?worklet";
import { Take } from "../src/audio/take";
import { Pair } from "../src/components/compare-row";
import { WorkletHost } from "./worklet-host";

const RATE = 48000;

/** A device that a test lets go on; the audio thread is the worklet as built. */
class Device {
  static last: Device;
  state: "running" | "suspended" | "interrupted" = "running";
  readonly sampleRate = RATE;
  readonly currentTime = 0;
  readonly destination = {};
  readonly audioWorklet = { addModule: async () => {} };
  readonly host = new WorkletHost(source, RATE);
  readonly rendered: number[] = [];
  onstatechange: (() => void) | null = null;
  receive: ((event: { data: unknown }) => void) | null = null;

  constructor() {
    Device.last = this;
  }

  async resume(): Promise<void> {
    this.become("running");
  }

  async close(): Promise<void> {}

  getOutputTimestamp(): object {
    return {};
  }

  become(state: "running" | "suspended" | "interrupted"): void {
    this.state = state;
    this.onstatechange?.();
  }

  sound(seconds: number): void {
    if (this.state === "running")
      for (const sample of this.host.render(Math.ceil((seconds * RATE) / 128))) this.rendered.push(sample);
    for (const data of this.host.posted.splice(0)) this.receive?.({ data });
  }
}

beforeEach(() => {
  vi.stubGlobal("AudioContext", Device);
  vi.stubGlobal(
    "AudioWorkletNode",
    class {
      port = {
        postMessage: (message: unknown) => Device.last.host.post(message),
        set onmessage(receive: (event: { data: unknown }) => void) {
          Device.last.receive = receive;
        },
      };
      connect<T>(next: T): T {
        return next;
      }
      disconnect(): void {}
    },
  );
  vi.stubGlobal(
    "GainNode",
    class {
      connect<T>(next: T): T {
        return next;
      }
    },
  );
});

afterEach(() => vi.unstubAllGlobals());

const pcm = (seconds: number) => new Uint8Array(2 * seconds * RATE).fill(17);

async function playing(seconds: number, states: string[] = []): Promise<Playback> {
  const playback: Playback = new Playback(() => states.push(`${playback.take?.id} ${playback.state}`));
  playback.open(new Take("s1", RATE), false);
  await vi.waitFor(() => expect(Device.last?.receive).toBeTruthy());
  playback.write("s1", 0, pcm(seconds));
  Device.last.sound(0.2);
  expect(playback.state).toBe("playing");
  return playback;
}

describe("sound that the browser holds back", () => {
  it("plays on where a press resumes it, and says so", async () => {
    const playback = await playing(3);
    Device.last.become("suspended");
    expect(playback.state).toBe("blocked");
    await playback.unlock();
    Device.last.sound(0.2);
    expect(playback.state).toBe("playing");
    playback.pause();
    expect(playback.state).toBe("paused");
    Device.last.sound(0.2); // the fade is heard yet
    expect(playback.state).toBe("paused");
  });

  it("is not held back any more where the browser resumes it by itself", async () => {
    const playback = await playing(3);
    const device = Device.last;
    device.host.render(40);
    device.become("suspended");
    device.sound(0); // what the audio thread sent before that comes late
    expect(playback.state).toBe("blocked");
    device.become("running");
    expect(playback.state).toBe("waiting");
    device.sound(0.2);
    expect(playback.state).toBe("playing");
  });

  it("P5 says so where a pause ends and the browser has taken the sound away meanwhile, and goes on", async () => {
    const playback = await playing(3);
    const device = Device.last;
    playback.pause();
    device.become("suspended");
    expect(playback.state).toBe("paused");
    let allowed = false;
    device.resume = async () => {
      if (allowed) device.become("running");
    };
    playback.resume();
    await vi.waitFor(() => expect(playback.state).toBe("blocked"));
    allowed = true;
    await playback.unlock();
    device.sound(0.2);
    expect(playback.state).toBe("playing");
  });

  it("P5 is held back by a call too, which Safari names otherwise, and while it waits for sound", async () => {
    const playback = await playing(1);
    Device.last.become("interrupted");
    expect(playback.state).toBe("blocked");
    Device.last.become("running");
    playback.stop(0);
    playback.open(new Take("s2", RATE), false);
    expect(playback.state).toBe("waiting");
    Device.last.become("suspended");
    expect(playback.state).toBe("blocked");
  });

  it("is over if it ended meanwhile", async () => {
    const playback = await playing(3);
    Device.last.become("suspended");
    playback.stop(0);
    expect(playback.state).toBe("idle");
    Device.last.become("running");
    expect(playback.state).toBe("idle");
  });
});

describe("a place whose sound still comes", () => {
  it("P18 is waited for, and played from there, sample by sample", async () => {
    const playback = await playing(1);
    const take = playback.take as Take;
    playback.end("s1", 3 * RATE);
    expect(take.duration).toBe(3);
    playback.seek(2);
    expect([playback.state, playback.awaited, playback.incomplete, take.position]).toEqual([
      "waiting",
      2,
      true,
      2 * RATE,
    ]);
    Device.last.sound(0.1); // the fade of what played before
    Device.last.rendered.length = 0;
    playback.write("s1", RATE, pcm(1));
    Device.last.sound(0.3);
    expect([playback.state, playback.awaited]).toEqual(["waiting", 2]);
    expect(Device.last.rendered.every((sample) => sample === 0)).toBe(true);
    const rest = new Uint8Array(new Int16Array(RATE).map((_, i) => (i % 20_000) + 1).buffer);
    playback.write("s1", 2 * RATE, rest);
    expect([playback.awaited, playback.incomplete]).toEqual([null, false]);
    Device.last.sound(1.2);
    expect([playback.state, take.position]).toEqual(["idle", 3 * RATE]);
    const out = Device.last.rendered;
    const first = out.findLastIndex((sample) => sample !== 0) - (RATE - 1);
    const faded = 240; // 5 ms, so that a place in mid-sound does not click
    for (let i = faded; i < RATE; i++) expect(out[first + i]).toBeCloseTo(((i % 20_000) + 1) / 32768, 6);
  });

  it("P18 beyond what turns out to be the end is the end", async () => {
    const playback = await playing(1);
    playback.seek(20);
    expect(playback.awaited).toBe(20);
    playback.end("s1", RATE);
    Device.last.sound(0.2);
    expect(playback.state).toBe("idle");
  });

  it("P18 is asked for by a take that was stopped before it was here, each sample once", async () => {
    const playback = await playing(1);
    const take = playback.take as Take;
    playback.end("s1", 2 * RATE);
    playback.stop(0);
    expect([playback.incoming, playback.incomplete, take.complete]).toEqual([false, false, false]);
    playback.replay();
    expect([playback.state, playback.incomplete]).toEqual(["waiting", true]);
    playback.write("s1", RATE / 2, pcm(1)); // sent twice in part
    expect(take.samples).toBe(1.5 * RATE);
    playback.write("s1", 1.75 * RATE, pcm(1)); // a gap, which no kernel makes
    expect(take.samples).toBe(1.5 * RATE);
    playback.write("s1", 1.5 * RATE, pcm(0.5));
    expect(take.complete).toBe(true);
    Device.last.sound(2.3);
    expect([playback.state, take.position]).toEqual(["idle", 2 * RATE]);
  });
});

function pairOf(playback: Playback): Pair {
  const pair = new Pair(playback);
  for (const slot of ["a", "b"]) pair.put(slot, slot, RATE, pcm(2));
  return pair;
}

describe("two takes compared", () => {
  it("end what plays and comes in, as Stop does", async () => {
    const states: string[] = [];
    const playback = await playing(1, states);
    const streamed = playback.take;
    const pair = pairOf(playback);
    states.length = 0;
    pair.play("a");
    expect(states).toContain("s1 idle"); // by which the kernel knows that the rest is not played
    expect(playback.incoming).toBe(false);
    playback.write("s1", RATE, pcm(1)); // what was on its way is kept, in case it is played again
    expect(streamed?.samples).toBe(2 * RATE);
    Device.last.sound(1);
    expect([playback.take?.id, playback.state]).toEqual(["compare-a", "playing"]);
  });

  it("go on from one to the other without an end between them", async () => {
    const states: string[] = [];
    const playback = await playing(1, states);
    const pair = pairOf(playback);
    pair.play("a");
    Device.last.sound(1);
    states.length = 0;
    pair.play("b");
    expect(playback.take?.position).toBeCloseTo(RATE, -4);
    Device.last.sound(0.2);
    expect(states.filter((state) => state.endsWith("idle"))).toEqual([]);
    expect([playback.take?.id, playback.state]).toEqual(["compare-b", "playing"]);
  });

  it("end what waits behind them when the other one is pressed", async () => {
    const playback = await playing(1);
    const pair = pairOf(playback);
    pair.play("a");
    Device.last.sound(0.2);
    playback.open(new Take("s2", RATE), true);
    pair.play("b");
    expect(playback.incoming).toBe(false);
    Device.last.sound(3);
    expect([playback.take?.id, playback.state]).toEqual(["compare-b", "idle"]);
  });
});
