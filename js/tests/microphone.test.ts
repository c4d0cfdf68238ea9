import { beforeEach, describe, expect, it, vi } from "vitest";
import type { CaptureOptions, Chunk } from "../src/audio/capture";
import type { Model } from "../src/channel";

/** A device of the browser's, which this process has not: opened when the test says so. */
class Device {
  static all: Device[] = [];
  sent = 0;
  muted = false;
  open: () => void = () => {};

  constructor(readonly options: CaptureOptions) {
    Device.all.push(this);
  }

  give(count: number, last = false): void {
    for (let i = 0; i < count; i++)
      this.options.onChunk({ n: this.sent++, t: 0, rms: 0, peak: 0, last, pcm: new ArrayBuffer(2560) });
  }
}

vi.mock("../src/audio/capture", () => ({
  NoSuchDevice: class extends Error {},
  microphones: async () => [],
  Capture: {
    create: (options: CaptureOptions) => {
      const device = new Device(options);
      const mute = (on: boolean) => {
        device.muted = on;
      };
      const capture = { deviceRate: 48000, granted: null, mute, stop: async () => device.give(1, true) };
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
  clock: String,
}));
vi.stubGlobal("window", Object.assign(new EventTarget(), { isSecureContext: true }));
vi.stubGlobal("document", { body: { hasAttribute: () => false }, querySelector: () => null });
vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: () => {} } });
vi.stubGlobal("__BUILD__", "b");

type Said = { type: string; page: string; state?: string; error?: string | null } & Partial<Chunk>;

class Comm implements Model {
  sent: Said[] = [];
  #state: Record<string, unknown> = { sample_rate: 16000, chunk_ms: 80, paused: false };
  #handlers = new Map<string, (...args: unknown[]) => void>();
  #seq = 1;

  get(name: string): unknown {
    return this.#state[name];
  }
  set(name: string, value: unknown): void {
    this.#state[name] = value;
    this.#handlers.get(`change:${name}`)?.();
  }
  save_changes(): void {}
  on(event: string, callback: (...args: never[]) => void): void {
    this.#handlers.set(event, callback as (...args: unknown[]) => void);
  }
  off(): void {}
  send(content: unknown): void {
    this.sent.push(content as Said);
  }

  welcome(): void {
    const page = this.sent[0]!.page;
    this.#receive({ v: 1, type: "welcome", page, start: 1, owner: page, problem: null });
  }
  kernel(type: string, fields: object = {}): void {
    this.#receive({ v: 1, seq: this.#seq++, to: null, type, ...fields });
  }
  #receive(content: object): void {
    this.#handlers.get("msg:custom")?.(content);
  }

  /** States and chunks, as the kernel hears them. */
  get summary(): string[] {
    const own = this.sent.filter((m) => m.type === "mic-state" || m.type === "mic-chunk");
    return own.map((m) => (m.type === "mic-state" ? m.state! : `${m.n}${m.last ? " last" : ""}`));
  }
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 0));

async function microphone(): Promise<Comm> {
  const module = await import("../src/widgets/microphone");
  const comm = new Comm();
  module.default().initialize({ model: comm });
  comm.welcome();
  return comm;
}

async function recording(): Promise<[Comm, Device]> {
  const comm = await microphone();
  comm.kernel("mic-start");
  await tick();
  const device = Device.all.at(-1)!;
  device.open();
  await tick();
  return [comm, device];
}

beforeEach(() => {
  Device.all = [];
});

describe("the microphone", () => {
  it("hands over what waits before it says that an unplugged device ended the recording", async () => {
    const [comm, device] = await recording();
    device.give(40); // 20 of them fly, 20 wait for a busy kernel
    device.options.onLost();
    await tick();
    expect(comm.summary.slice(-2)).toEqual(["19", "stopping"]);
    for (const n of [15, 35, 40]) comm.kernel("mic-ack", { n });
    await tick();
    const numbers = Array.from({ length: 40 }, (_, n) => String(n));
    expect(comm.summary).toEqual([
      "starting",
      "recording",
      ...numbers.slice(0, 20),
      "stopping",
      ...numbers.slice(20),
      "40 last",
      "idle",
    ]);
    expect(comm.sent.filter((m) => m.error).map((m) => m.state)).toEqual(["stopping", "idle"]);
  });

  it("sends nothing of a start that was given up", async () => {
    const comm = await microphone();
    for (const type of ["mic-start", "mic-stop", "mic-start"]) comm.kernel(type);
    await tick();
    const [first, second] = Device.all;
    first!.give(2);
    second!.open();
    first!.open(); // late, and closed at once: its last chunk comes
    first!.options.onLost();
    await tick();
    second!.give(2);
    expect(comm.summary).toEqual(["starting", "idle", "starting", "recording", "0", "1"]);
    comm.kernel("mic-stop");
    await tick();
    comm.kernel("mic-ack", { n: 2 });
    await tick();
    expect(comm.summary.slice(-3)).toEqual(["stopping", "2 last", "idle"]);
    for (const device of [first, second]) device!.give(1);
    expect(comm.summary.at(-1)).toBe("idle");
    comm.kernel("mic-start");
    await tick();
    for (const device of [first, second]) device!.give(1);
    expect(comm.summary.at(-1)).toBe("starting");
  });

  it("takes the pause back when its recording ends", async () => {
    const [comm, device] = await recording();
    comm.set("paused", true);
    expect([device.muted, comm.summary.at(-1)]).toEqual([true, "paused"]);
    comm.kernel("mic-stop");
    await tick();
    comm.kernel("mic-ack", { n: 0 });
    await tick();
    expect([comm.get("paused"), comm.summary.at(-1)]).toEqual([false, "idle"]);
  });

  it("leaves the pause of another page alone", async () => {
    const [comm] = await recording();
    comm.kernel("owner", { page: "another" });
    comm.set("paused", true); // said by the kernel, of what the other one records
    await tick();
    expect([comm.get("paused"), comm.summary.at(-1)]).toEqual([true, "idle"]);
  });
});

describe("the ways to a microphone", () => {
  const sources = ["page", "tab", "kernel", "file"];

  async function offered(state: object, blocked = true): Promise<string[]> {
    const { mountSources, sourceStateOf } = await import("../src/widgets/microphone-sources");
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
