/** What this page is able to do, found out by trying and sent to the kernel piece by piece. Never opens a microphone. */
import { loadWorklet } from "./audio/worklet-loader";
import type { PartChannel } from "./channel";
import { PROBE } from "./protocol";

/** Messages of a burst, each way; twin of smallest_nb/notebook/doctor/page.py. */
const BURST = 100;
const ECHOES = 7;
const LOCAL_MS = 5000;
/** A kernel may be busy with a cell; a longer wait makes no sense. */
const KERNEL_MS = 30_000;
const AUTOPLAY_MS = 500;

type Facts = Record<string, unknown>;

/** Checks the page once at a time; `run` while it runs does nothing. */
export class PageChecker {
  #running = false;
  #echoed: ((bytes: Uint8Array) => void) | null = null;
  #run = 0;
  #burst = { count: 0, first: 0, last: 0 };

  constructor(readonly channel: PartChannel) {
    channel.on("echo", (_message, bytes) => this.#echoed?.(bytes));
    channel.on("burst", (message) => {
      if (message.n === 0) this.#burst = { count: 0, first: performance.now(), last: 0 };
      this.#burst.count += 1;
      this.#burst.last = performance.now();
    });
  }

  async run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#run += 1;
    this.channel.expect("sound");
    const send = (facts: Facts) => this.channel.send({ type: "facts", facts });
    try {
      send({ browser: browserName(), ...(await microphoneFacts()) });
      send({ worklet: await within(workletWay(), LOCAL_MS, "it did not load within 5 s") });
      send(await soundFacts());
      send(await this.#trips());
      send(await this.#bursts());
    } finally {
      this.channel.expect("nothing");
      this.#running = false;
    }
  }

  async #echo(n: number): Promise<{ ms: number; intact: boolean } | null> {
    const sent = performance.now();
    const bytes = await within(
      new Promise<Uint8Array>((resolve) => {
        this.#echoed = resolve;
        this.channel.send({ type: "echo", n }, PROBE);
      }),
      KERNEL_MS,
      null,
    );
    return bytes && { ms: performance.now() - sent, intact: String(bytes) === String(PROBE) };
  }

  async #trips(): Promise<Facts> {
    const trips: number[] = [];
    let intact: boolean | null = null;
    // The first one waits for what the notebook is just doing.
    for (let n = 0; n <= ECHOES; n++) {
      const echo = await this.#echo(n);
      if (echo === null) break;
      intact = echo.intact && intact !== false;
      if (n > 0) trips.push(echo.ms);
    }
    return { trips, binary: intact };
  }

  async #bursts(): Promise<Facts> {
    this.#burst = { count: 0, first: 0, last: 0 };
    for (let n = 0; n < BURST; n++) this.channel.send({ type: "burst", run: this.#run, n });
    const answered = await this.#echo(ECHOES + 1); // sent after them, so heard after them
    if (answered === null) return {};
    const deadline = performance.now() + KERNEL_MS;
    while (this.#burst.count < BURST && performance.now() < deadline) await pause(50);
    return { burst_up: BURST, burst_down: [this.#burst.count, this.#burst.last - this.#burst.first] };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function within<T, E>(work: Promise<T>, ms: number, otherwise: E): Promise<T | E> {
  return Promise.race([work, pause(ms).then(() => otherwise)]);
}

/** Its name and main version, which is what a bug report needs. */
function browserName(): string {
  for (const [mark, name] of [
    ["Edg", "Edge"],
    ["Firefox", "Firefox"],
    ["Chrome", "Chromium"],
    ["Version", "Safari"],
  ]) {
    const found = new RegExp(`${mark}/(\\d+)`).exec(navigator.userAgent);
    if (found) return `${name} ${found[1]}`;
  }
  return "";
}

/** Permission and number of devices, neither of which asks the person anything. */
async function microphoneFacts(): Promise<Facts> {
  const permission = navigator.permissions
    ?.query({ name: "microphone" as PermissionName })
    .then((status) => status.state)
    .catch(() => null);
  const devices = (navigator.mediaDevices as MediaDevices | undefined)
    ?.enumerateDevices()
    .then((all) => all.filter((device) => device.kind === "audioinput").length)
    .catch(() => null);
  return {
    permission: await within(permission ?? Promise.resolve(null), LOCAL_MS, null),
    devices: await within(devices ?? Promise.resolve(null), LOCAL_MS, null),
  };
}

const HALVES = `registerProcessor("snb-doctor", class extends AudioWorkletProcessor {
  process(_in, [out]) { out[0].fill(0.5); return true; }
});`;

/** Load a worklet and let it render: that needs no click, no device and no sound. */
async function workletWay(): Promise<string> {
  try {
    const context = new OfflineAudioContext(1, 256, 44_100);
    const way = await loadWorklet(context, HALVES);
    new AudioWorkletNode(context, "snb-doctor", { numberOfInputs: 0 }).connect(context.destination);
    const rendered = (await context.startRendering()).getChannelData(0);
    return rendered.at(-1) === 0.5 ? way : "it was loaded, but did not run";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function soundFacts(): Promise<Facts> {
  let context: AudioContext;
  try {
    context = new AudioContext();
  } catch (error) {
    return { autoplay: error instanceof Error ? error.message : String(error), rate: null };
  }
  try {
    const until = performance.now() + AUTOPLAY_MS;
    while (context.state !== "running" && performance.now() < until) await pause(25);
    return { autoplay: context.state, rate: context.sampleRate };
  } finally {
    await context.close();
  }
}
