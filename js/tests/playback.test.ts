import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Playback } from "../src/audio/playback";
import source from "../src/audio/player.worklet.ts?worklet";
import { Take } from "../src/audio/take";
import { Pair } from "../src/widgets/compare-row";
import { WorkletHost } from "./worklet-host";

const RATE = 48000;

/** A device that a test lets go on; the audio thread is the worklet as built. */
class Device {
  static last: Device;
  state: "running" | "suspended" = "running";
  readonly sampleRate = RATE;
  readonly currentTime = 0;
  readonly destination = {};
  readonly audioWorklet = { addModule: async () => {} };
  readonly host = new WorkletHost(source, RATE);
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

  become(state: "running" | "suspended"): void {
    this.state = state;
    this.onstatechange?.();
  }

  sound(seconds: number): void {
    if (this.state === "running") this.host.render(Math.ceil((seconds * RATE) / 128));
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

  it("is over if it ended meanwhile", async () => {
    const playback = await playing(3);
    Device.last.become("suspended");
    playback.stop(0);
    expect(playback.state).toBe("idle");
    Device.last.become("running");
    expect(playback.state).toBe("idle");
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
    pair.hear("a");
    expect(states).toContain("s1 idle"); // by which the kernel knows that the rest is not played
    expect(playback.incoming).toBe(false);
    playback.write("s1", RATE, pcm(1));
    expect(streamed?.samples).toBe(RATE);
    Device.last.sound(1);
    expect([playback.take?.id, playback.state]).toEqual(["compare-a", "playing"]);
  });

  it("go on from one to the other without an end between them", async () => {
    const states: string[] = [];
    const playback = await playing(1, states);
    const pair = pairOf(playback);
    pair.hear("a");
    Device.last.sound(1);
    states.length = 0;
    pair.hear("b");
    expect(playback.take?.position).toBeCloseTo(RATE, -4);
    Device.last.sound(0.2);
    expect(states.filter((state) => state.endsWith("idle"))).toEqual([]);
    expect([playback.take?.id, playback.state]).toEqual(["compare-b", "playing"]);
  });

  it("end what waits behind them when the other one is pressed", async () => {
    const playback = await playing(1);
    const pair = pairOf(playback);
    pair.hear("a");
    Device.last.sound(0.2);
    playback.open(new Take("s2", RATE), true);
    pair.hear("b");
    expect(playback.incoming).toBe(false);
    Device.last.sound(3);
    expect([playback.take?.id, playback.state]).toEqual(["compare-b", "idle"]);
  });
});
