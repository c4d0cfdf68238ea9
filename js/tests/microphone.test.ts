import { beforeEach, describe, expect, it, vi } from "vitest";
import type { CaptureOptions } from "../src/audio/capture";
import { Channel } from "../src/channel";
import { MicrophoneEngine } from "../src/components/microphone";
import { FakeComm, type Sent, show } from "./fake-comm";

/** A device of the browser's, which this process has not: opened when the test says so. */
class Device {
  static all: Device[] = [];
  sent = 0;
  muted = false;
  woken = 0;
  open: () => void = () => {};

  constructor(
    readonly options: CaptureOptions,
    readonly signal: AbortSignal,
  ) {
    Device.all.push(this);
  }

  give(count: number, last = false): void {
    for (let i = 0; i < count; i++) {
      this.sent += 1;
      this.options.onChunk({ t: 0, rms: 0, peak: 0, last, pcm: new ArrayBuffer(2560) });
    }
  }
}

vi.mock("../src/audio/capture", () => ({
  NoSuchDevice: class extends Error {},
  microphones: async () => [],
  Capture: {
    create: (options: CaptureOptions, signal: AbortSignal) => {
      const device = new Device(options, signal);
      const mute = (on: boolean) => {
        device.muted = on;
      };
      const wake = () => {
        device.woken += 1;
      };
      const stop = async () => device.give(1, true);
      const capture = { deviceRate: 48000, granted: null, mute, wake, stop };
      return new Promise((resolve) => {
        device.open = () => resolve(capture);
      });
    },
  },
}));
vi.mock("../src/dom", () => ({
  h: (tag: string, props: object, text?: string) => ({
    tag,
    ...props,
    text,
    dataset: {},
    replaceChildren(...parts: object[]) {
      (this as { parts?: object[] }).parts = parts;
    },
  }),
  icon: () => ({}),
  keepKeys: () => {},
  setText: () => {},
  clock: String,
}));
vi.stubGlobal("window", Object.assign(new EventTarget(), { isSecureContext: true }));
vi.stubGlobal("document", { body: { hasAttribute: () => false }, querySelector: () => null });
vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: () => {} } });
vi.stubGlobal("__BUILD__", "b");

/** States and chunks, as the kernel hears them. */
function summary(comm: FakeComm): string[] {
  const text = (m: Sent) => (m.type === "mic-state" ? String(m.state) : `${m.n}${m.last ? " last" : ""}`);
  return comm.of("mic-state", "mic-chunk").map(text);
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 0));
const HELLO = () => ({ build: "b", host: "other", secure: true, microphone: "ask", worklet: true });

/** A page with the microphone on it, which the kernel may not have answered yet. */
function page(): [FakeComm, MicrophoneEngine, Channel] {
  const comm = new FakeComm({ sample_rate: 16000, chunk_ms: 80, paused: false });
  const { signal } = new AbortController();
  const channel = new Channel(comm, HELLO, signal);
  const engine = new MicrophoneEngine(comm, channel.part(), signal);
  show(channel);
  return [comm, engine, channel];
}

function microphone(): [FakeComm, MicrophoneEngine, Channel] {
  const made = page();
  made[0].welcome();
  return made;
}

async function recording(): Promise<[FakeComm, Device, MicrophoneEngine, Channel]> {
  const [comm, engine, channel] = microphone();
  comm.kernel("mic-start");
  await tick();
  const device = Device.all.at(-1)!;
  device.open();
  await tick();
  return [comm, device, engine, channel];
}

beforeEach(() => {
  Device.all = [];
});

describe("the microphone", () => {
  it("hands over what waits before it says that an unplugged device ended the recording", async () => {
    const [comm, device] = await recording();
    device.give(40); // 20 of them fly, 20 wait for a busy kernel
    device.options.onLost("It was unplugged.");
    await tick();
    expect(summary(comm).slice(-2)).toEqual(["19", "stopping"]);
    for (const n of [15, 35, 40]) comm.kernel("mic-ack", { n });
    await tick();
    const numbers = Array.from({ length: 40 }, (_, n) => String(n));
    expect(summary(comm)).toEqual([
      "starting",
      "recording",
      ...numbers.slice(0, 20),
      "stopping",
      ...numbers.slice(20),
      "40 last",
      "idle",
    ]);
    expect(
      comm
        .of("mic-state")
        .filter((m) => m.error)
        .map((m) => m.state),
    ).toEqual(["stopping", "idle"]);
  });

  it("sends nothing of a start that was given up", async () => {
    const [comm] = microphone();
    for (const type of ["mic-start", "mic-stop", "mic-start"]) comm.kernel(type);
    await tick();
    const [first, second] = Device.all;
    first!.give(2);
    second!.open();
    first!.open(); // late, and closed at once: its last chunk comes
    first!.options.onLost("It was unplugged.");
    await tick();
    second!.give(2);
    expect(summary(comm)).toEqual(["starting", "idle", "starting", "recording", "0", "1"]);
    comm.kernel("mic-stop");
    await tick();
    comm.kernel("mic-ack", { n: 2 });
    await tick();
    expect(summary(comm).slice(-3)).toEqual(["stopping", "2 last", "idle"]);
    for (const device of [first, second]) device!.give(1);
    expect(summary(comm).at(-1)).toBe("idle");
    comm.kernel("mic-start");
    await tick();
    for (const device of [first, second]) device!.give(1);
    expect(summary(comm).at(-1)).toBe("starting");
  });

  it("takes the pause back when its recording ends", async () => {
    const [comm, device] = await recording();
    comm.set("paused", true);
    expect([device.muted, summary(comm).at(-1)]).toEqual([true, "paused"]);
    comm.kernel("mic-stop");
    await tick();
    comm.kernel("mic-ack", { n: 0 });
    await tick();
    expect([comm.get("paused"), summary(comm).at(-1)]).toEqual([false, "idle"]);
  });

  it("leaves the pause of another page alone", async () => {
    const [comm] = await recording();
    comm.kernel("owner", { page: "another" });
    comm.set("paused", true); // said by the kernel, of what the other one records
    await tick();
    expect([comm.get("paused"), summary(comm).at(-1)]).toEqual([true, "idle"]);
  });
});

describe("a kernel that does not answer", () => {
  it("P2 opens no microphone before it has, and waits for it where it is only busy", async () => {
    const [comm, engine] = page();
    void engine.start();
    await tick();
    expect([engine.state, Device.all.length]).toEqual(["starting", 0]);
    comm.welcome();
    await tick();
    expect(Device.all.length).toBe(1);
    Device.all[0]!.open();
    await tick();
    expect(summary(comm)).toEqual(["starting", "recording"]);
  });

  it("P2 gives up after a while, and can be given up before", async () => {
    vi.useFakeTimers();
    const [comm, engine] = page();
    const started = engine.start();
    await vi.advanceTimersByTimeAsync(25_000);
    await started;
    expect([engine.state, engine.problem]).toEqual([
      "idle",
      "Nothing was recorded: the kernel did not answer.",
    ]);
    void engine.start();
    await engine.stop();
    comm.welcome();
    await vi.advanceTimersByTimeAsync(25_000);
    expect([engine.state, engine.problem, Device.all.length]).toEqual(["idle", null, 0]);
    vi.useRealTimers();
  });

  it("P3 is not recorded for, however often it is pressed", async () => {
    const [comm, engine, channel] = microphone();
    const quiet = vi.spyOn(console, "warn").mockImplementation(() => {});
    comm.broken = true;
    for (let n = 0; n < 3; n++) {
      await engine.start();
      expect(engine.state).toBe("idle");
    }
    expect([Device.all.length, channel.lost]).toEqual([0, true]);
    comm.broken = false;
    comm.welcome();
    void engine.start();
    await tick();
    expect(Device.all.length).toBe(1);
    quiet.mockRestore();
  });

  it("P2 ends a recording at once, with nothing that waits for it", async () => {
    const [comm, device, engine] = await recording();
    const quiet = vi.spyOn(console, "warn").mockImplementation(() => {});
    device.give(40);
    comm.broken = true;
    void engine.stop();
    await tick();
    expect([engine.state, engine.waitingSecs]).toEqual(["idle", 0]);
    quiet.mockRestore();
  });

  it("that forgot the page hears again what records, and what is on its way", async () => {
    const [comm, device, , channel] = await recording();
    device.give(3);
    const former = channel.page;
    comm.deliver({ v: 1, type: "unknown", page: former, to: former });
    comm.welcome();
    const later = comm.of("mic-state", "mic-chunk").filter((message) => message.page !== former);
    expect(later.map((message) => message.state ?? message.n)).toContain("recording");
    expect(later.filter((message) => message.type === "mic-chunk").map((message) => message.n)).toEqual([
      0, 1, 2,
    ]);
  });
});

describe("a start", () => {
  it("P13 can be given up while the browser asks: a late grant is closed", async () => {
    const [, engine] = microphone();
    void engine.start();
    await tick();
    const [device] = Device.all;
    engine.press(true);
    expect([engine.state, device!.signal.aborted]).toEqual(["idle", true]);
    device!.open();
    await tick();
    expect([engine.state, device!.sent]).toEqual(["idle", 1]); // it was stopped: its last chunk came, and is not sent
  });

  it("P11 by push to talk ends with the release, before and after the device is open", async () => {
    const [comm, engine] = microphone();
    engine.talk(true);
    await tick();
    engine.talk(false);
    expect([engine.state, Device.all[0]!.signal.aborted]).toEqual(["idle", true]);
    engine.talk(true);
    await tick();
    Device.all[1]!.open();
    await tick();
    Device.all[1]!.give(2);
    engine.talk(false);
    await tick();
    comm.kernel("mic-ack", { n: 2 });
    await tick();
    expect(summary(comm).slice(-6)).toEqual(["recording", "0", "1", "stopping", "2 last", "idle"]);
  });

  it("P11 in a pause goes on while it is held, and pauses again", async () => {
    const [, , engine] = await recording();
    engine.hold(true);
    engine.talk(true);
    expect(engine.state).toBe("recording");
    engine.talk(false);
    expect(engine.state).toBe("paused");
  });
});

describe("a device that is open and gives nothing", () => {
  it("P4 is said at once, goes on by itself, and is ended after a minute", async () => {
    vi.useFakeTimers();
    const [comm, engine] = microphone();
    void engine.start();
    await vi.advanceTimersByTimeAsync(1);
    const device = Device.all[0]!;
    device.open();
    await vi.advanceTimersByTimeAsync(1);
    device.options.onInterrupted("muted");
    expect(engine.interruption).toBe("muted");
    device.options.onInterrupted(null);
    await vi.advanceTimersByTimeAsync(70_000);
    expect([engine.interruption, engine.state]).toEqual([null, "recording"]);
    device.options.onInterrupted("suspended");
    window.dispatchEvent(new Event("pointerdown"));
    expect(device.woken).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(60_100);
    comm.kernel("mic-ack", { n: 9 });
    await vi.advanceTimersByTimeAsync(1);
    expect([engine.state, engine.problem]).toEqual([
      "idle",
      "The recording was ended: the browser held its sound back for a minute.",
    ]);
    vi.useRealTimers();
  });
});

describe("the ways to a microphone", () => {
  const sources = ["page", "tab", "kernel", "file"];

  async function offered(state: object, blocked = true): Promise<string[]> {
    const { mountSources, sourceStateOf } = await import("../src/components/microphone-sources");
    const mounted = mountSources(() => {});
    mounted.paint(sourceStateOf({ sources, ...state }), blocked);
    const parts = (mounted.element as unknown as { parts: { tag: string; dataset: { source?: string } }[] })
      .parts;
    return parts.map((part) => part.dataset.source ?? part.tag);
  }

  it("are the other ones, and a tab whenever there is none", async () => {
    expect(await offered({ active: "page" })).toEqual(["tab", "kernel", "file"]);
    expect(await offered({ active: "kernel" })).toEqual(["span", "page", "tab", "file"]);
    expect(await offered({ active: "tab", connected: true })).toEqual(["span", "page", "kernel", "file"]);
    expect(await offered({ active: "tab" }), "closed").toEqual(["span", "page", "tab", "kernel", "file"]);
    const unused = await offered({ active: "tab", url: "http://127.0.0.1:1/?token=t" });
    expect(unused, "or used, and never connected").toEqual(["span", "a", "page", "tab", "kernel", "file"]);
  });
});
