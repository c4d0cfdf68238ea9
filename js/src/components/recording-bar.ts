/** The sound beside a transcript: a picture of all of it, heard from any place on, saved as a file. */
import "./recording-bar.css";
import type { Model, PartChannel } from "../channel";
import { clock, h, icon, setAttribute, setData, setText } from "../dom";
import { receiveFiles } from "../download";
import { observe } from "../lifecycle";

import type { PlayerEngine } from "./player";

/** Of the picture; the kernel's RecordingPeaks has the same. */
const PEAKS_PER_SEC = 25;
const BAR_PX = 4;
const STEP_SECS = 5;
const FAR_SECS = 30;

export class RecordingEngine {
  readonly views = new Set<() => void>();
  /** Seconds on the transcript's clock: where the sound that is kept begins, and where it ends. */
  keptFrom = 0;
  seconds = 0;
  /** The second that is heard, or was heard last. */
  place = 0;
  /** A file that comes: the fraction that is here. */
  saving: number | null = null;
  /** Counts what changes the picture. */
  revision = 0;
  #peaks = new Uint8Array(4096);
  #first = 0;
  #count = 0;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    readonly player: PlayerEngine,
    signal: AbortSignal,
  ) {
    channel.on("peaks", (m, bytes) => {
      if (m.reset) {
        this.#first = m.first;
        this.#count = 0;
      }
      this.#put(m.first - this.#first, bytes);
      this.revision += 1;
      this.keptFrom = m.kept_from;
      this.seconds = m.seconds;
      if (m.reset && m.seconds === 0) this.place = 0;
      this.changed();
    });
    receiveFiles(channel, (done) => {
      this.saving = done;
      channel.expect(done === null ? "nothing" : "something");
      this.changed();
    });
    const moved = () => {
      const { take } = player.playback;
      if (take && this.isOurs) this.place = this.#from + take.position / take.sampleRate;
      this.changed();
    };
    player.views.add(moved);
    signal.addEventListener("abort", () => player.views.delete(moved));
    observe(model, ["playing", "error"], signal, () => {
      this.saving = null;
      this.changed();
    });
  }

  get hasSound(): boolean {
    return this.seconds > this.keptFrom;
  }

  /** Whether what the player has is this recording, and not a sound that a program plays. */
  get isOurs(): boolean {
    const { take } = this.player.playback;
    return take !== null && take.id === this.#playing.stream;
  }

  get sounds(): boolean {
    const { state } = this.player.playback;
    return this.isOurs && (state === "playing" || state === "waiting");
  }

  /** Play from a second on. */
  hear(at: number): void {
    const { playback } = this.player;
    void playback.unlock().catch((error: unknown) => {
      playback.problem = error instanceof Error ? error.message : String(error);
      this.changed();
    });
    this.place = Math.min(this.seconds, Math.max(this.keptFrom, at));
    this.player.channel.expect("sound");
    this.channel.send({ type: "transcript", action: "hear", number: 0, at: this.place, text: "" });
    this.changed();
  }

  /** Play, pause, or go on. */
  press(): void {
    const { playback } = this.player;
    if (playback.state === "blocked") void playback.unlock();
    else if (this.sounds) playback.pause();
    else if (this.isOurs && playback.state === "paused") playback.resume();
    else this.hear(this.place > this.seconds - 0.2 ? this.keptFrom : this.place);
  }

  save(format: string): void {
    this.channel.expect("something");
    this.channel.send({ type: "act", action: "save", text: format });
  }

  /** The loudest sample of each of `count` equal stretches of what is kept, 0 to 1. */
  peaks(count: number): Float32Array {
    const out = new Float32Array(count);
    const from = Math.max(0, this.keptFrom * PEAKS_PER_SEC - this.#first);
    const span = this.#count - from;
    if (span <= 0) return out;
    const value = (k: number) => (this.#peaks[Math.min(k, this.#count - 1)] ?? 0) / 255;
    for (let i = 0; i < count; i++) {
      const at = from + (i / count) * span;
      if (span < count) {
        const part = at % 1; // fewer values than bars: bars between two values stand between them
        out[i] = (1 - part) * value(Math.floor(at)) + part * value(Math.floor(at) + 1);
        continue;
      }
      const end = Math.max(Math.floor(at) + 1, Math.floor(from + ((i + 1) / count) * span));
      for (let k = Math.floor(at); k < Math.min(end, this.#count); k++)
        out[i] = Math.max(out[i] ?? 0, value(k));
    }
    return out;
  }

  changed(): void {
    for (const view of this.views) view();
  }

  get #playing(): { stream?: string; from?: number } {
    return (this.model.get("playing") ?? {}) as { stream?: string; from?: number };
  }

  get #from(): number {
    return this.#playing.from ?? 0;
  }

  #put(at: number, bytes: Uint8Array): void {
    if (at < 0) return;
    if (at + bytes.length > this.#peaks.length) {
      const larger = new Uint8Array(2 * (at + bytes.length));
      larger.set(this.#peaks.subarray(0, this.#count));
      this.#peaks = larger;
    }
    this.#peaks.set(bytes, at);
    this.#count = Math.max(this.#count, at + bytes.length);
  }
}

/** Draw bars, those that were heard in the accent colour, sharp on high-density screens. */
function draw(canvas: HTMLCanvasElement, recording: RecordingEngine, heard: number): void {
  const density = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * density);
  const height = Math.round(canvas.clientHeight * density);
  const paint = canvas.getContext("2d");
  if (!width || !height || !paint) return;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  paint.clearRect(0, 0, width, height);
  const step = BAR_PX * density;
  const count = Math.floor(width / step);
  const peaks = recording.peaks(count);
  const loudest = peaks.reduce((a, b) => Math.max(a, b), 0.05);
  const style = getComputedStyle(canvas);
  const [played, rest] = ["--snb-accent", "--snb-wave"].map((name) => style.getPropertyValue(name).trim());
  for (let i = 0; i < count; i++) {
    paint.fillStyle = (i < heard * count ? played : rest) || "gray";
    const size = Math.max(2 * density, ((peaks[i] ?? 0) / loudest) * (height - 4 * density));
    paint.beginPath();
    paint.roundRect(i * step, (height - size) / 2, step - 1.5 * density, size, density);
    paint.fill();
  }
}

/** Draw the bar into an element inside a widget that has the frame. */
export function mountRecording(recording: RecordingEngine, el: HTMLElement, signal: AbortSignal): void {
  const button = h("button", {
    class: "snb-button snb-icon snb-recording-play",
    type: "button",
    click: () => recording.press(),
  });
  const wave = h("canvas", {
    class: "snb-recording-wave",
    role: "slider",
    tabindex: "0",
    "aria-label": "Position in the recording",
    title: "Press to hear it from there",
  });
  const time = h("span", { class: "snb-recording-time" });
  const error = h("div", { class: "snb-error", role: "alert" });
  const row = h("div", { class: "snb-recording-row" }, button, wave, time);
  const root = h("div", { class: "snb-recording" }, row, error);

  let dragged: number | null = null;
  const secondAt = (event: PointerEvent) => {
    const box = wave.getBoundingClientRect(); // CSS `zoom` changes offsets, but not both of these
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / (box.width || 1)));
    return recording.keptFrom + part * (recording.seconds - recording.keptFrom);
  };
  wave.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !recording.hasSound) return;
    wave.setPointerCapture(event.pointerId);
    dragged = secondAt(event);
    paint();
  });
  wave.addEventListener("pointermove", (event) => {
    if (dragged === null) return;
    dragged = secondAt(event);
    paint();
  });
  wave.addEventListener("pointerup", () => {
    const at = dragged;
    dragged = null;
    if (at !== null) recording.hear(at);
  });
  wave.addEventListener("pointercancel", () => {
    dragged = null;
    paint();
  });
  wave.addEventListener("keydown", (event) => {
    const to: Record<string, number> = {
      ArrowRight: recording.place + STEP_SECS,
      ArrowLeft: recording.place - STEP_SECS,
      PageUp: recording.place + FAR_SECS,
      PageDown: recording.place - FAR_SECS,
      Home: recording.keptFrom,
      End: recording.seconds - STEP_SECS,
    };
    const at = to[event.key];
    if (event.key === " " || event.key === "Enter") recording.press();
    else if (at !== undefined && recording.hasSound) recording.hear(at);
    else return;
    event.preventDefault();
  });

  /** To draw asks for the size of the canvas, for which the browser may have to lay the page out: once in a frame. */
  let drawn = "";
  let frame = 0;
  const redraw = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      const { hasSound, keptFrom, seconds } = recording;
      const at = Math.min(seconds, dragged ?? recording.place);
      draw(wave, recording, hasSound ? (at - keptFrom) / (seconds - keptFrom) : 0);
    });
  };
  let glyph = "";
  const paint = () => {
    const { playback } = recording.player;
    const { hasSound, keptFrom, seconds } = recording;
    const blocked = playback.state === "blocked";
    const name = blocked ? "Enable sound" : recording.sounds ? "Pause" : "Play the recording";
    if (name !== glyph) {
      glyph = name;
      button.replaceChildren(icon(recording.sounds ? "pause" : "play"));
      setAttribute(button, "aria-label", name);
      button.title = name;
    }
    button.toggleAttribute("disabled", !hasSound);
    setAttribute(wave, "aria-disabled", String(!hasSound));
    const at = Math.min(seconds, dragged ?? recording.place);
    setAttribute(wave, "aria-valuemin", keptFrom.toFixed(1));
    setAttribute(wave, "aria-valuemax", seconds.toFixed(1));
    setAttribute(wave, "aria-valuenow", at.toFixed(1));
    setAttribute(wave, "aria-valuetext", hasSound ? `${clock(at)} of ${clock(seconds)}` : "No sound yet");
    setText(time, hasSound ? `${clock(at)} / ${clock(seconds)}` : "0:00.0");
    const theme = root.closest<HTMLElement>("[data-theme]")?.dataset.theme;
    const picture = `${recording.revision} ${at} ${theme}`;
    if (picture !== drawn) redraw();
    drawn = picture;
    setData(root, "state", recording.isOurs ? playback.state : "idle");
    setData(root, "seconds", seconds.toFixed(2));
    const why = blocked ? "The browser blocks the sound: press the button to enable it." : "";
    setText(error, playback.problem ?? (why || String(recording.model.get("error") ?? "")));
  };
  const resized = new ResizeObserver(redraw);
  resized.observe(wave);
  recording.views.add(paint);
  signal.addEventListener("abort", () => {
    recording.views.delete(paint);
    resized.disconnect();
    cancelAnimationFrame(frame);
    root.remove();
  });
  el.append(root);
  paint();
}
