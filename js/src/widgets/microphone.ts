/** The Microphone's face: one device however many views; chunks are numbered, kept until the kernel has them. */
import "./microphone.css";
import { Capture, type Chunk, type Granted, microphones, NoSuchDevice } from "../audio/capture";
import { meter } from "../audio/level";
import { Channel, type Model } from "../channel";
import { clock, h, icon, keepKeys } from "../dom";
import { capabilities, microphoneProblem } from "../host";
import { widget } from "../lifecycle";
import { nameControls } from "../name-controls";
import { followTheme } from "../theme";
import { SendWindow } from "./send-window";

const DRAIN_MS = 60_000;

type State = "idle" | "starting" | "recording" | "stopping";

class MicrophoneModel {
  readonly channel: Channel;
  readonly views = new Set<() => void>();
  state: State = "idle";
  problem: string | null = null;
  level = 0;
  clipped = false;
  startedAt = 0;
  granted: Granted | null = null;
  devices: string[] = [];
  #capture: Capture | null = null;
  #window: SendWindow;
  #attempt = 0;

  constructor(
    readonly model: Model,
    signal: AbortSignal,
  ) {
    this.channel = new Channel(model, capabilities, signal);
    this.#window = new SendWindow((chunk) =>
      this.channel.send(
        {
          type: "mic-chunk",
          n: chunk.n,
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
    this.channel.on("mic-stop", () => void this.stop());
    this.channel.on("owner", () => {
      if (!this.channel.isOwner) void this.stop(); // another page was pressed
    });
    this.channel.onWelcome(() => this.changed());
    window.addEventListener("pagehide", () => this.#leave(), { signal });
    signal.addEventListener("abort", () => this.#leave());
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

  press(): void {
    if (this.model.get("virtual") || this.feeding) {
      this.channel.send({ type: "press", action: this.feeding ? "stop" : "start" });
    } else if (this.state === "recording") void this.stop();
    else void this.start();
  }

  async start(): Promise<void> {
    if (this.state !== "idle") return;
    const attempt = ++this.#attempt;
    this.problem = null;
    const state = capabilities().microphone;
    if (state !== "ask") {
      this.#fail(microphoneProblem(null));
      return;
    }
    this.#set("starting");
    this.#window.reset();
    try {
      const capture = await Capture.create({
        device: String(this.model.get("device") ?? ""),
        sampleRate: Number(this.model.get("sample_rate")),
        chunkMs: Number(this.model.get("chunk_ms")),
        echoCancellation: Boolean(this.model.get("echo_cancellation")),
        noiseSuppression: Boolean(this.model.get("noise_suppression")),
        autoGainControl: Boolean(this.model.get("auto_gain_control")),
        onChunk: (chunk) => this.#chunk(chunk),
        onLost: () => {
          this.#fail("The microphone was disconnected while recording. Plug it in and press again.");
          void this.stop();
        },
      });
      if (attempt !== this.#attempt) {
        await capture.stop();
        return;
      }
      this.#capture = capture;
      this.granted = capture.granted;
      this.startedAt = performance.now();
      this.#set("recording"); // before anything is awaited: chunks are on their way
      this.devices = (await microphones()).map((device) => device.label);
    } catch (error) {
      if (attempt === this.#attempt)
        this.#fail(error instanceof NoSuchDevice ? error.message : microphoneProblem(error));
    }
  }

  /** Set what both sides know; it counts from the next recording on. */
  choose(name: string, value: string | boolean): void {
    this.model.set(name, value);
    this.model.save_changes();
  }

  async stop(): Promise<void> {
    this.#attempt += 1;
    const capture = this.#capture;
    this.#capture = null;
    if (!capture) {
      if (this.state === "starting") this.#set("idle");
      return;
    }
    this.#set("stopping");
    await capture.stop();
    this.level = 0;
    await this.#window.drained(DRAIN_MS); // a busy kernel gets every word before it hears that this is over
    this.#set("idle");
  }

  /** The page goes away: there is no time for more than closing the device and saying so. */
  #leave(): void {
    this.#attempt += 1;
    void this.#capture?.stop();
    this.#capture = null;
    if (this.state !== "idle") this.#set("idle");
  }

  changed(): void {
    for (const view of this.views) view();
  }

  #chunk(chunk: Chunk): void {
    this.level = chunk.rms;
    this.clipped = chunk.peak >= 0.999;
    this.#window.push(chunk);
    this.changed();
  }

  #fail(problem: string): void {
    this.problem = problem;
    this.#set("idle");
  }

  #set(state: State): void {
    this.state = state;
    this.channel.expect(state !== "idle");
    this.channel.send({
      type: "mic-state",
      state,
      error: this.problem,
      rate: this.#capture?.deviceRate ?? 0,
      dropped: this.#window.dropped,
      granted: this.#capture?.granted ?? null,
    });
    this.changed();
  }
}

const TEXT: Record<State, string> = {
  idle: "",
  starting: "Asking the browser for the microphone…",
  recording: "",
  stopping: "Handing over the last words…",
};

const SWITCHES = [
  ["echo_cancellation", "Echo cancellation"],
  ["noise_suppression", "Noise suppression"],
  ["auto_gain_control", "Gain control"],
] as const;

/** Which microphone, and what the browser may do to its sound; what it really does is shown beside. */
function mountSettings(mic: MicrophoneModel): { element: HTMLElement; paint: () => void } {
  const device = h("select", { class: "snb-mic-device", "aria-label": "Microphone" });
  device.addEventListener("change", () => mic.choose("device", device.value));
  const boxes = SWITCHES.map(([name, text]) => {
    const box = h("input", { type: "checkbox" });
    box.addEventListener("change", () => mic.choose(name, box.checked));
    const granted = h("span", { class: "snb-mic-granted" });
    return { name, box, granted, label: h("label", { class: "snb-mic-switch" }, box, text, granted) };
  });
  const element = h(
    "details",
    { class: "snb-mic-settings" },
    h("summary", {}, "Microphone settings"),
    device,
  );
  element.append(...boxes.map(({ label }) => label));
  let listed = "";
  const paint = () => {
    const chosen = String(mic.model.get("device") ?? "");
    const names = [...new Set(["", chosen, ...mic.devices])];
    if (names.join("|") !== listed) {
      listed = names.join("|");
      device.replaceChildren(
        ...names.map((name) => h("option", { value: name }, name || "The browser's default")),
      );
    }
    device.value = chosen;
    const fixed = mic.state !== "idle";
    device.toggleAttribute("disabled", fixed);
    for (const { name, box, granted } of boxes) {
      box.checked = Boolean(mic.model.get(name));
      box.toggleAttribute("disabled", fixed);
      const told = mic.granted?.[name];
      granted.textContent =
        told === undefined || told === box.checked ? "" : ` (the browser says ${told ? "on" : "off"})`;
    }
  };
  return { element, paint };
}

function mountView(mic: MicrophoneModel, el: HTMLElement, signal: AbortSignal): void {
  nameControls(el, signal);
  const label = h("span");
  const glyph = h("span", { style: "display:inline-flex" });
  const button = h(
    "button",
    { class: "snb-button snb-primary", type: "button", click: () => mic.press() },
    glyph,
    label,
  );
  const bar = h("div", { class: "snb-mic-level" });
  const levels = h("div", { class: "snb-mic-meter", role: "img", "aria-label": "Microphone level" }, bar);
  const time = h("span", { class: "snb-mic-time" });
  const status = h("div", { class: "snb-status", "aria-live": "polite" });
  const error = h("div", { class: "snb-error", role: "alert" });
  const notice = h("div", { class: "snb-notice" });
  const row = h("div", { class: "snb-mic-row" }, button, levels, time);
  const settings = mountSettings(mic);
  const root = h("div", { class: "snb snb-card snb-mic" }, notice, row, status, error, settings.element);
  keepKeys(root);
  let shown = "";
  const paint = () => {
    const recording = mic.state === "recording" || mic.feeding;
    const name = recording ? "Stop" : String(mic.model.get("label"));
    if (name !== shown) {
      shown = name;
      label.textContent = name;
      glyph.replaceChildren(icon(recording ? "stop" : "mic"));
      button.setAttribute("aria-pressed", String(recording));
    }
    root.dataset.state = mic.state;
    root.dataset.ready = String(mic.channel.ready);
    button.toggleAttribute("disabled", mic.state === "starting" || mic.state === "stopping");
    bar.style.transform = `scaleX(${meter(mic.level).toFixed(3)})`;
    bar.dataset.clipped = String(mic.clipped);
    time.textContent =
      mic.state === "recording"
        ? clock((performance.now() - mic.startedAt) / 1000)
        : mic.feeding
          ? "a clip"
          : "";
    const waiting =
      mic.waitingSecs > 0.5 ? `The kernel is busy: ${mic.waitingSecs.toFixed(1)} s of sound wait.` : "";
    const lost = mic.dropped ? ` ${mic.dropped} chunks were dropped.` : "";
    status.textContent = waiting + lost || TEXT[mic.state] || String(mic.model.get("status") ?? "");
    error.textContent = mic.problem ?? mic.channel.problem ?? String(mic.model.get("error") ?? "");
    notice.textContent = String(mic.model.get("notice") ?? "");
    settings.paint();
  };
  followTheme(root, signal, paint);
  mic.views.add(paint);
  const names = [
    "label",
    "status",
    "error",
    "notice",
    "device",
    "feeding",
    ...SWITCHES.map(([name]) => name),
  ];
  for (const name of names) mic.model.on(`change:${name}`, paint);
  signal.addEventListener("abort", () => {
    mic.views.delete(paint);
    for (const name of names) mic.model.off(`change:${name}`, paint);
    root.remove();
    if (mic.views.size === 0) void mic.stop();
  });
  el.append(root);
  paint();
}

export default widget((model, signal) => new MicrophoneModel(model, signal), mountView);
