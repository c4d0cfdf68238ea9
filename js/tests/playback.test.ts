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

describe("the device's buffer", () => {
  async function hints(stats: { underrunEvents: number } | null): Promise<unknown[]> {
    vi.resetModules();
    const asked: unknown[] = [];
    class Buffered extends Device {
      constructor(options: { latencyHint: unknown }) {
        super();
        asked.push(options.latencyHint);
      }
    }
    if (stats) Object.defineProperty(Buffered.prototype, "playbackStats", { value: stats });
    vi.stubGlobal("AudioContext", Buffered);
    const fresh = await import("../src/audio/playback");
    const playback = new fresh.Playback(() => {});
    for (const name of ["s1", "s2"]) {
      playback.open(new Take(name, RATE), false);
      await vi.waitFor(() => expect(Device.last?.receive).toBeTruthy());
      playback.write(name, 0, pcm(0.5));
      playback.end(name, 0.5 * RATE);
      Device.last.sound(1);
      expect(playback.state).toBe("idle");
      await vi.waitFor(() => expect(playback.state).toBe("idle"));
    }
    return asked;
  }

  it("is the smallest one where the browser says whether it runs dry, and then what the browser thinks best", async () => {
    expect(await hints({ underrunEvents: 0 })).toEqual([0]);
    expect(await hints({ underrunEvents: 3 })).toEqual([0, "interactive"]);
    expect(await hints(null)).toEqual(["interactive"]);
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

describe("a place whose sound is not here any more", () => {
  const ramp = (from: number, count: number) =>
    new Uint8Array(Int16Array.from({ length: count }, (_, i) => ((from + i) % 20_000) + 1).buffer);

  /** A take of 6 s that keeps one of what was played, and has been played to its end. */
  async function played(): Promise<[Playback, Take, number[]]> {
    const asked: number[] = [];
    const playback = new Playback(
      () => {},
      (take) => asked.push(take.first),
    );
    const take = new Take("s1", RATE, RATE);
    playback.open(take, false);
    await vi.waitFor(() => expect(Device.last?.receive).toBeTruthy());
    playback.end("s1", 6 * RATE);
    for (let at = 0; at < 6; at++) {
      playback.write("s1", at * RATE, ramp(at * RATE, RATE));
      Device.last.sound(1);
    }
    Device.last.sound(1);
    expect([playback.state, take.first >= 3 * RATE, take.complete]).toEqual(["idle", true, true]);
    Device.last.rendered.length = 0;
    return [playback, take, asked];
  }

  it("is asked for, and played from there, sample by sample", async () => {
    const [playback, take, asked] = await played();
    playback.seek(1);
    expect(asked).toEqual([RATE]);
    expect([playback.state, playback.awaited, playback.incomplete, take.duration]).toEqual([
      "waiting",
      1,
      true,
      6,
    ]);
    playback.write("s1", 5 * RATE, ramp(5 * RATE, RATE)); // was on its way
    Device.last.sound(0.5);
    expect([playback.state, take.samples]).toEqual(["waiting", RATE]);
    for (let at = 1; at < 6; at++) playback.write("s1", at * RATE, ramp(at * RATE, RATE));
    for (let second = 0; second < 6; second++) Device.last.sound(1);
    expect([playback.state, take.position]).toEqual(["idle", 6 * RATE]);
    const out = Device.last.rendered;
    const first = out.findLastIndex((sample) => sample !== 0) - (5 * RATE - 1);
    for (let i = 240; i < 5 * RATE; i += 7)
      expect(out[first + i]).toBeCloseTo((((RATE + i) % 20_000) + 1) / 32768, 6);
  });

  it("is not asked for if it is here", async () => {
    const [playback, take, asked] = await played();
    playback.seek(5.5);
    Device.last.sound(0.2);
    expect([playback.state, asked, take.complete]).toEqual(["playing", [], true]);
  });

  it("is its beginning, if it is repeated or heard again", async () => {
    const [playback, , asked] = await played();
    playback.replay();
    expect([playback.state, asked]).toEqual(["waiting", [0]]);
    playback.loop = true;
    for (let at = 0; at < 6; at++) {
      playback.write("s1", at * RATE, ramp(at * RATE, RATE));
      Device.last.sound(1);
    }
    Device.last.sound(1);
    expect([playback.state, asked]).toEqual(["waiting", [0, 0]]);
  });

  it("can be left for another one before it has come", async () => {
    const [playback, take, asked] = await played();
    playback.seek(1);
    playback.write("s1", RATE, ramp(RATE, RATE / 5));
    playback.seek(2);
    playback.seek(0.5);
    expect(asked).toEqual([RATE, RATE / 2]); // 2 s comes by itself
    for (const at of [1.2, 1.4]) playback.write("s1", at * RATE, ramp(at * RATE, RATE / 5)); // was on its way
    expect(take.samples).toBe(RATE / 2);
    playback.write("s1", RATE / 2, ramp(RATE / 2, 2 * RATE));
    Device.last.sound(0.3);
    expect([playback.state, playback.awaited]).toEqual(["playing", null]);
  });
});

describe("what is queued behind a take", () => {
  it.each(["seek", "replay"] as const)(
    "is heard after it, also where the take is gone through (%s)",
    async (way) => {
      const playback = await playing(1);
      playback.end("s1", RATE);
      playback.open(new Take("s2", RATE), true);
      playback.write("s2", 0, pcm(1));
      playback.open(new Take("s3", RATE), true);
      playback.write("s3", 0, pcm(1));
      for (const id of ["s2", "s3"]) playback.end(id, RATE);
      if (way === "seek") playback.seek(0.5);
      else playback.replay();
      const heard: string[] = [];
      for (let i = 0; i < 40 && playback.state !== "idle"; i++) {
        Device.last.sound(0.1);
        if (heard.at(-1) !== playback.take?.id) heard.push(String(playback.take?.id));
      }
      expect(heard).toEqual(["s1", "s2", "s3"]);
      expect(playback.state).toBe("idle");
      expect(Device.last.rendered.filter((sample) => sample > 0).length).toBeGreaterThan(2.4 * RATE);
    },
  );
});

describe("sound that comes just in time", () => {
  it("gains a reserve, and a larger one once a piece was late", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const playback = await playing(1);
    const posted = vi.spyOn(Device.last.host, "post");
    Device.last.sound(0.75);
    const behind = () => playback.take!.samples / RATE - playback.take!.position / RATE;
    const second = async (late: number) => {
      for (let piece = 0; piece < 20; piece++) {
        now += 100 + (piece === 0 ? late : 0);
        playback.write("s1", playback.take!.samples, pcm(1).subarray(0, 2 * (RATE / 10)));
        Device.last.sound(0.1);
      }
    };
    await second(0);
    const before = behind();
    expect(before).toBeGreaterThan(0.07);
    await second(1100); // as much as was in hand, and 100 ms
    expect(posted.mock.calls.map(([message]) => message)).toContainEqual({
      type: "buffering",
      reserve: expect.closeTo(RATE * playback.jitter.reserveSecs, -3),
    });
    expect(behind()).toBeGreaterThan(before + 0.03);
    vi.restoreAllMocks();
  });
});

describe("a pause, a place gone back to, and a browser that holds the sound back", () => {
  it("say nothing about how late sound comes", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const playback = await playing(1);
    const before = playback.jitter.prebufferThresholdSecs;
    const paused = () => playback.pause();
    const held = () => Device.last.become("suspended");
    const ways: [() => void, () => void][] = [
      [paused, () => playback.resume()],
      [paused, () => playback.seek(0.1)],
      [held, () => Device.last.become("running")],
    ];
    for (const [stop, again] of ways) {
      stop();
      now += 60_000;
      again();
      const at = playback.take?.samples ?? 0;
      for (let piece = 0; piece < 3; piece++) {
        playback.write("s1", at + piece * (RATE / 5), pcm(0.2));
        now += 200;
      }
      Device.last.sound(0.2);
    }
    expect(playback.jitter.prebufferThresholdSecs).toBeLessThan(before + 0.2);
    expect(playback.jitter.startDelaySecs).toBeLessThan(0.05);
    vi.restoreAllMocks();
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
