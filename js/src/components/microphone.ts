/** The Microphone in the page: one device however many views; chunks are numbered, kept until the kernel has them. */
import "./microphone.css";
import {
  Capture,
  type Chunk,
  type Granted,
  type Interruption,
  microphones,
  NoSuchDevice,
} from "../audio/capture";
import { meter } from "../audio/level";
import type { Model, PartChannel } from "../channel";
import { clock, h, icon, setAttribute, setData, setText } from "../dom";
import { asking, capabilities, microphoneProblem } from "../host";
import { observe } from "../lifecycle";
import { followTheme } from "../theme";
import { Announcer } from "./announcer";
import { mountSettings, SWITCHES } from "./microphone-settings";
import { mountSources, remembered, sourceStateOf } from "./microphone-sources";
import { mountMicrophoneTest } from "./microphone-test";
import { SendWindow } from "./send-window";

const DRAIN_MS = 60_000;
/** A press on Record waits so long for a kernel that has not answered yet; a later start would be a surprise. */
const KERNEL_MS = 20_000;
/** A recording that gives nothing for so long ends by itself. */
const INTERRUPTED_MS = 60_000;

type State = "idle" | "starting" | "recording" | "paused" | "stopping";

export class MicrophoneEngine {
  readonly views = new Set<() => void>();
  state: State = "idle";
  /** Why there was no sound, in words, or null. */
  problem: string | null = null;
  /** Why nothing comes from the open device at the moment, or null. */
  interruption: Interruption | null = null;
  level = 0;
  clipped = false;
  recordedSecs = 0;
  granted: Granted | null = null;
  devices: string[] = [];
  /** Whether this page's device is the problem, so that other ways to a microphone are offered. */
  #deviceFailed = false;
  /** The recording was begun by push to talk, and ends with it. */
  #talking = false;
  #capture: Capture | null = null;
  #window: SendWindow;
  #attempt = 0;
  /** The attempt whose sound is sent: the latest, and one that was recording until it has handed over the rest. */
  #sending = 0;
  /** Gives up the start that is under way. */
  #starting: AbortController | null = null;
  #interrupted: ReturnType<typeof setTimeout> | undefined;
  /** The page as which the last state was sent. */
  #sentAs = "";
  #kernelCame: (() => void) | null = null;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    this.#window = new SendWindow((chunk, n, oldest) =>
      this.channel.send(
        {
          type: "mic-chunk",
          n,
          oldest,
          t: this.channel.clock.toKernel(chunk.t),
          level: chunk.rms,
          clipped: chunk.peak >= 0.999,
          last: chunk.last,
        },
        new Uint8Array(chunk.pcm),
      ),
    );
    this.channel.on("mic-ack", (m) => {
      this.#window.acknowledge(m.n);
      this.changed();
    });
    this.channel.on("mic-start", () => {
      if (this.channel.isOwner || !this.channel.ready) void this.start();
    });
    this.channel.on("mic-stop", () => void this.stop());
    observe(model, ["paused"], signal, () => this.hold(Boolean(model.get("paused"))));
    this.channel.on("owner", () => {
      if (this.channel.isOwner) return;
      void this.stop(); // another page was pressed
      this.#window.abandon(); // and what comes from here is not listened to
    });
    this.channel.onWelcome(() => {
      if (this.state !== "idle" && this.#sentAs && this.#sentAs !== this.channel.channel.page) {
        this.#sendState(); // for the kernel it is another page that records
        this.#window.sendAgain();
      }
      const name = remembered();
      if (this.blocked && name && name !== "page" && this.sources.active === "page") this.chooseSource(name);
      this.changed();
    });
    this.channel.onTrouble(() => this.channel.reachable && this.#kernelCame?.(), signal);
    this.channel.onGone(() => this.#leave()); // the kernel no longer listens
    this.channel.onHidden(() => this.stop());
    this.channel.onEnd(() => this.#leave());
    const wake = () => this.interruption === "suspended" && this.#capture?.wake();
    for (const press of ["pointerdown", "keydown"])
      window.addEventListener(press, wake, { capture: true, signal });
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.listDevices(), { signal });
  }

  /** Follow the devices of the computer; their names are known once the browser lets this page listen. */
  async listDevices(): Promise<void> {
    this.devices = (await microphones().catch(() => [])).map((device) => device.label);
    this.changed();
  }

  /** Seconds of sound that wait for a busy kernel. */
  get waitingSecs(): number {
    return (this.#window.waiting * Number(this.model.get("chunk_ms"))) / 1000;
  }

  get dropped(): number {
    return this.#window.dropped;
  }

  /** A clip in the kernel plays the microphone's part. */
  get feeding(): boolean {
    return Boolean(this.model.get("feeding"));
  }

  get sources() {
    return sourceStateOf(this.model.get("source_state"));
  }

  /** Whether this page is not allowed a microphone, or has just been refused one. */
  get blocked(): boolean {
    return this.#deviceFailed || capabilities().microphone !== "ask";
  }

  /** Take another way to a microphone. */
  chooseSource(name: string): void {
    this.problem = null;
    this.#deviceFailed = false;
    this.channel.send({ type: "press", action: `by-${name}` });
  }

  /** Whether another page or the kernel's own device records for this one. */
  get elsewhere(): boolean {
    const { active, connected } = this.sources;
    return active === "kernel" || (active === "tab" && connected);
  }

  /** Do what the button said: what begins or ends at the moment of the press does not turn it round. */
  press(stop: boolean): void {
    this.#talking = false;
    if (this.model.get("virtual") || this.feeding || this.elsewhere) {
      const end = this.elsewhere ? "halt" : "stop"; // the page that records stays the one that counts until it is done
      this.channel.send({ type: "press", action: stop ? end : "start" });
    } else if (stop) void this.stop();
    else void this.start();
  }

  /** Nothing is heard while it is held; the device and the session stay open, so that going on costs no time. */
  hold(on: boolean): void {
    if (this.state !== (on ? "recording" : "paused")) return;
    this.#capture?.mute(on);
    this.level = 0;
    this.#set(on ? "paused" : "recording");
    if (Boolean(this.model.get("paused")) !== on) this.choose("paused", on);
  }

  /** Push to talk: it listens while a key or the button is down. A recording that was begun so ends with the release. */
  talk(on: boolean): void {
    if (on && this.state === "idle") {
      this.#talking = true;
      void this.start();
    } else if (!this.#talking) this.hold(!on);
    else if (!on) void this.stop();
  }

  async start(): Promise<void> {
    if (this.state !== "idle") return;
    const attempt = ++this.#attempt;
    this.problem = null;
    this.#deviceFailed = false;
    if (this.model.get("paused")) this.choose("paused", false);
    if (capabilities().microphone !== "ask") {
      this.#fail(microphoneProblem(null), true);
      return;
    }
    const starting = new AbortController();
    this.#starting = starting;
    this.#window.reset();
    this.interruption = null;
    try {
      this.#set("starting");
      if (this.channel.lost) throw new KernelAway("Nothing is recorded while the kernel is away.");
      if (!this.channel.reachable) await this.#kernelAnswered(starting.signal);
      if (attempt !== this.#attempt) return;
      this.#sending = attempt;
      const capture = await Capture.create(
        {
          device: String(this.model.get("device") ?? ""),
          sampleRate: Number(this.model.get("sample_rate")),
          chunkMs: Number(this.model.get("chunk_ms")),
          echoCancellation: Boolean(this.model.get("echo_cancellation")),
          noiseSuppression: Boolean(this.model.get("noise_suppression")),
          autoGainControl: Boolean(this.model.get("auto_gain_control")),
          onChunk: (chunk) => attempt === this.#sending && this.#chunk(chunk),
          onLost: (reason) => attempt === this.#attempt && this.#lost(reason),
          onInterrupted: (why) => attempt === this.#attempt && this.#interrupt(why),
        },
        starting.signal,
      );
      if (attempt !== this.#attempt) {
        await capture.stop();
        return;
      }
      this.#capture = capture;
      this.granted = capture.granted;
      this.recordedSecs = 0;
      this.#set("recording"); // before anything is awaited: chunks are on their way
      await this.listDevices();
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error instanceof KernelAway) this.#fail(error.message, false);
      else this.#fail(error instanceof NoSuchDevice ? error.message : microphoneProblem(error), true);
    }
  }

  /** Wait, for a while, for a kernel that has not answered yet. */
  async #kernelAnswered(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new KernelAway("Nothing was recorded: the kernel did not answer.")),
        KERNEL_MS,
      );
      const over = () => clearTimeout(limit);
      this.#kernelCame = () => {
        over();
        resolve();
      };
      signal.addEventListener("abort", () => {
        over();
        reject(signal.reason);
      });
    });
  }

  /** The device is gone: hand over what waits here, and say why. */
  #lost(reason: string): void {
    this.problem = reason;
    this.#deviceFailed = true;
    void this.stop();
  }

  #interrupt(why: Interruption | null): void {
    clearTimeout(this.#interrupted);
    this.interruption = why;
    this.level = 0;
    if (why)
      this.#interrupted = setTimeout(() => {
        this.problem = `The recording was ended: ${why === "muted" ? "the microphone was muted" : "the browser held its sound back"} for a minute.`;
        void this.stop();
      }, INTERRUPTED_MS);
    this.changed();
  }

  /** Set what both sides know; it counts from the next recording on. */
  choose(name: string, value: string | boolean): void {
    this.model.set(name, value);
    this.model.save_changes();
  }

  async stop(): Promise<void> {
    this.#attempt += 1;
    this.#giveUpStart();
    const capture = this.#capture;
    this.#capture = null;
    if (!capture) {
      if (this.state !== "starting") return;
      this.#sending = 0;
      this.#set("idle");
      return;
    }
    const stopped = this.#sending;
    this.#set("stopping");
    await capture.stop();
    this.level = 0;
    if (this.channel.ready && !this.channel.isOwner) this.#window.abandon();
    await this.#window.drained(DRAIN_MS); // a busy kernel gets every word before it hears that this is over
    if (this.#sending !== stopped) return; // the page went away meanwhile, and may have come back and begun again
    this.#sending = 0;
    this.#set("idle");
  }

  #giveUpStart(): void {
    this.#starting?.abort();
    this.#starting = this.#kernelCame = null;
    this.#talking = false;
    clearTimeout(this.#interrupted);
    this.interruption = null;
  }

  /** The page goes away: there is no time for more than closing the device and saying so. */
  #leave(): void {
    this.#attempt += 1;
    this.#sending = 0;
    this.#giveUpStart();
    this.#window.abandon();
    void this.#capture?.stop();
    this.#capture = null;
    if (this.state !== "idle") this.#set("idle");
  }

  changed(): void {
    for (const view of this.views) view();
  }

  #chunk(chunk: Chunk): void {
    if (this.state === "paused" && !chunk.last) return;
    this.recordedSecs += chunk.pcm.byteLength / 2 / Number(this.model.get("sample_rate"));
    this.level = this.interruption ? 0 : chunk.rms;
    this.clipped = chunk.peak >= 0.999;
    this.#window.push(chunk);
    this.changed();
  }

  #fail(problem: string, device: boolean): void {
    this.#giveUpStart();
    this.problem = problem;
    this.#deviceFailed = device;
    this.#set("idle");
  }

  #sendState(): void {
    this.#sentAs = this.channel.channel.page;
    this.channel.send({
      type: "mic-state",
      state: this.state,
      error: this.problem,
      rate: this.#capture?.deviceRate ?? 0,
      dropped: this.#window.dropped,
      granted: this.#capture?.granted ?? null,
    });
  }

  #set(state: State): void {
    this.state = state;
    this.channel.expect(state === "idle" ? "nothing" : "something");
    this.#sendState();
    // A pause ends with its recording, no matter which page makes the next one; another page's is its own affair.
    if (state === "idle" && this.channel.isOwner && this.model.get("paused")) this.choose("paused", false);
    this.changed();
  }
}

/** A start that was refused because no kernel would take the sound. */
class KernelAway extends Error {}

const TEXT: Record<State, string> = {
  idle: "",
  starting: "",
  recording: "",
  paused: "Paused: nothing is recorded.",
  stopping: "Sending the last words…",
};

const INTERRUPTED: Record<Interruption, string> = {
  muted:
    "The microphone is muted, by its own switch, the system or the browser. Nothing is recorded until you unmute it.",
  suspended: "The browser holds the microphone's sound back: press a key, or click anywhere, to let it in.",
};

function statusText(mic: MicrophoneEngine): string {
  if (mic.interruption) return INTERRUPTED[mic.interruption];
  const lost = mic.dropped ? ` ${mic.dropped} chunks were dropped.` : "";
  if (mic.waitingSecs > 0.5) {
    const why = mic.channel.disconnected ? "The connection is lost" : "The kernel is busy";
    const secs = 2 * Math.ceil(mic.waitingSecs / 2);
    return `${why}: up to ${secs} s of sound wait here.${lost}`;
  }
  if (lost) return lost.trim();
  if (mic.state === "starting" && !mic.channel.reachable)
    return "Waiting for the kernel; nothing is recorded yet.";
  if (mic.state === "starting") return asking();
  return TEXT[mic.state] || String(mic.model.get("status") ?? "");
}

/** Held down by a finger, the mouse or the space bar, it listens. */
function mountTalk(mic: MicrophoneEngine): HTMLElement {
  const talk = h("button", { class: "snb-button snb-talk", type: "button" }, "Hold to talk");
  const down = (on: boolean) => {
    if (on === (talk.getAttribute("aria-pressed") === "true")) return;
    talk.setAttribute("aria-pressed", String(on));
    mic.talk(on);
  };
  talk.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    talk.setPointerCapture(event.pointerId);
    down(true);
  });
  talk.addEventListener("contextmenu", (event) => {
    event.preventDefault(); // a long touch would open the browser's menu
    event.stopPropagation(); // or the host's
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"])
    talk.addEventListener(end, () => down(false));
  const key = (on: boolean) => (event: KeyboardEvent) => {
    if (event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) down(on);
  };
  talk.addEventListener("keydown", key(true));
  talk.addEventListener("keyup", key(false));
  return talk;
}

/** Draw the microphone into an element; `bare` inside another widget, which has the frame and the notice. */
export function mountMicrophone(
  mic: MicrophoneEngine,
  el: HTMLElement,
  signal: AbortSignal,
  bare = false,
): void {
  let recording = false;
  const label = h("span");
  const glyph = h("span", { style: "display:inline-flex" });
  const button = h(
    "button",
    { class: "snb-button snb-primary", type: "button", click: () => mic.press(recording) },
    glyph,
    label,
  );
  const bar = h("div", { class: "snb-mic-level" });
  const levels = h("div", { class: "snb-mic-meter", role: "img", "aria-label": "Microphone level" }, bar);
  const time = h("span", { class: "snb-mic-time" });
  const status = h("div", { class: "snb-status" });
  const error = h("div", { class: "snb-error", role: "alert" });
  const notice = h("div", { class: "snb-notice" });
  const pause = h("button", {
    class: "snb-button",
    type: "button",
    click: () => mic.hold(mic.state === "recording"),
  });
  const talk = mountTalk(mic);
  const row = h("div", { class: "snb-mic-row" }, button, pause, talk, levels, time);
  const spoken = new Announcer(signal);
  const settings = mountSettings(mic);
  const test = mountMicrophoneTest(mic);
  settings.element.append(test.element);
  const sources = mountSources((name) => mic.chooseSource(name));
  const root = h(
    "div",
    { class: bare ? "snb-mic" : "snb snb-card snb-mic" },
    notice,
    row,
    status,
    error,
    sources.element,
    settings.element,
    spoken.element,
  );
  let shown = "";
  let levelShown = 0;
  const paint = () => {
    const starting = mic.state === "starting";
    const open = mic.state === "recording" || mic.state === "paused" || mic.feeding || mic.sources.recording;
    recording = open || starting;
    const name = starting ? "Cancel" : open ? "Stop" : String(mic.model.get("label"));
    if (name !== shown) {
      shown = name;
      label.textContent = name;
      glyph.replaceChildren(icon(recording ? "stop" : "mic"));
      setAttribute(button, "aria-pressed", String(open));
    }
    setData(button, "waiting", String(mic.channel.unanswered || mic.state === "stopping"));
    setData(root, "interrupted", mic.interruption ?? "");
    setData(root, "state", mic.state);
    setData(root, "ready", String(mic.channel.ready));
    button.toggleAttribute("disabled", mic.state === "stopping");
    setText(pause, mic.state === "paused" ? "Resume" : "Pause");
    pause.toggleAttribute("disabled", mic.state !== "recording" && mic.state !== "paused");
    const fixed = mic.feeding || Boolean(mic.model.get("virtual"));
    const plain = fixed || !mic.model.get("controls");
    pause.toggleAttribute("hidden", plain);
    talk.toggleAttribute("hidden", plain || mic.elsewhere); // a message away: too long to hold a key for
    const level = meter(mic.level);
    if (level !== levelShown) bar.style.transform = `scaleX(${level.toFixed(3)})`;
    levelShown = level;
    setData(bar, "clipped", String(mic.clipped));
    const text =
      mic.state === "recording" || mic.state === "paused"
        ? clock(mic.recordedSecs)
        : mic.feeding
          ? `${Math.round(100 * Number(mic.model.get("clip_fraction") ?? 0))} % of the recording`
          : "";
    setText(time, text);
    setText(status, statusText(mic));
    setText(error, mic.problem ?? String(mic.model.get("error") ?? ""));
    setText(notice, String(mic.model.get("notice") ?? ""));
    spoken.say(status.textContent ?? "");
    test.paint();
    settings.paint();
    sources.paint(mic.sources, mic.blocked);
  };
  if (!bare) followTheme(root, signal, paint);
  mic.views.add(paint);
  const names = [
    "label",
    "status",
    "error",
    "notice",
    "device",
    "feeding",
    "clip_fraction",
    "controls",
    "source_state",
    ...SWITCHES.map(([name]) => name),
  ];
  observe(mic.model, names, signal, paint);
  mic.channel.onTrouble(paint, signal);
  signal.addEventListener("abort", () => {
    mic.views.delete(paint);
    root.remove();
  });
  el.append(root);
  paint();
}
