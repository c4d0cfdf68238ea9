/** The Player in the page: one engine per model, any number of views. */
import "./player.css";
import { Playback } from "../audio/playback";
import { Take } from "../audio/take";
import type { Model, PartChannel } from "../channel";
import { clock, h, icon, iconButton, onWidth, setAttribute, setData, setText } from "../dom";
import { observe } from "../lifecycle";
import { followTheme } from "../theme";
import { Announcer } from "./announcer";
import { CompareRow, Pair } from "./compare-row";
import { SpectrumView } from "./spectrum-view";
import { Waterfall } from "./waterfall";
import { drawWave } from "./waveform";
import { type TimedWords, WordsLine } from "./words-line";

const REPORT_MS = 200;
const STOP_FADE_MS = 15;
/** From a press until the kernel says that it is busy. */
const PRESSED_MS = 1500;
/** While a seek waits for its sound, the kernel hears of what has come each time this much has. */
const FETCHED_SECS = 4;
const AGAIN_MS = 2000;

/** Before another attempt: why it is made, how long it is waited for, its number and that of the last one. */
interface Waiting {
  why: string;
  seconds: number;
  attempt: number;
  of: number;
}

/** What a widget around the player adds to its button. */
export interface PlayerButton {
  /** Called before the kernel is asked to play: what it needs to know first. */
  beforePlay?: () => void;
  /** Whether a press begins something else than what sounds, so that the button does not say Stop. */
  plays?: () => boolean;
  /** What the button says in place of its label, or null. */
  label?: () => string | null;
}

export class PlayerEngine {
  readonly playback: Playback;
  readonly pair: Pair;
  button: PlayerButton = {};
  /** Another part of the page shows what is compared. */
  comparesElsewhere = false;
  /** When the attempt that is waited for begins, on the page's clock. */
  #attemptAt = 0;
  readonly views = new Set<() => void>();
  #scheduled = false;
  #lastReport = "";
  /** Samples of the current take that the kernel knows to be here. */
  #reported = 0;
  #pressedAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    this.playback = new Playback(
      () => this.changed(),
      (take) => this.channel.send({ type: "fetch", stream: take.id, first: take.first }),
    );
    this.pair = new Pair(this.playback);
    this.channel.on("stream-open", (m) => {
      this.playback.jitter.bursty = this.channel.pulls;
      if (this.channel.isOwner) this.playback.open(new Take(m.stream, m.sample_rate), m.queued);
    });
    this.channel.on("stream-audio", (m, bytes) => {
      this.playback.write(m.stream, m.first, bytes);
      const take = this.playback.take;
      const fetched = take ? (take.samples - this.#reported) / take.sampleRate : 0;
      if (this.playback.awaited !== null && fetched >= FETCHED_SECS) this.report();
    });
    this.channel.on("stream-end", (m) => {
      this.playback.end(m.stream, m.samples);
      this.report();
    });
    this.channel.on("playback", (m) => {
      if (m.action === "clear") this.#clear();
      else if (this.channel.isOwner) this.#applyCommand(m.action, m.at);
    });
    this.channel.on("compare", (m, bytes) => {
      this.pair.put(m.slot, m.label, m.sample_rate, bytes);
      this.changed();
    });
    this.channel.on("owner", () => {
      if (!this.channel.isOwner) this.playback.stop(STOP_FADE_MS); // another page was pressed: one sounds at a time
    });
    this.channel.on("stop", (m) => this.playback.stop(m.fade_ms));
    this.channel.onWelcome(() => {
      this.#lastReport = ""; // for the kernel it may be another page, that goes on with the rest of a take
      this.changed();
    });
    this.channel.onGone(() => this.playback.stop(STOP_FADE_MS));
    this.channel.onHidden(() => {
      this.playback.stop(STOP_FADE_MS);
      void this.playback.close();
    });
    const settings = () => {
      this.playback.volume = Number(model.get("volume"));
      this.playback.loop = Boolean(model.get("loop"));
      this.changed();
    };
    settings();
    observe(model, ["volume", "loop"], signal, settings);
    const timed = () => {
      this.#attemptAt = performance.now() + 1000 * (this.waiting?.seconds ?? 0);
    };
    timed();
    observe(model, ["waiting"], signal, timed);
    const timer = setInterval(() => {
      this.report();
      if (this.waiting) this.changed();
    }, REPORT_MS);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      void this.playback.close();
    });
  }

  /** Do what the button said when it was pressed: a sound that begins or ends that very moment does not turn it round. */
  press(stop: boolean): void {
    void this.playback.unlock().catch((error: unknown) => {
      this.playback.problem = error instanceof Error ? error.message : String(error);
      this.changed();
    });
    if (this.playback.state === "blocked") return;
    if (stop) {
      this.playback.stop(STOP_FADE_MS);
      this.channel.send({ type: "press", action: "stop" });
    } else if (this.model.get("remote")) {
      this.button.beforePlay?.();
      this.channel.send({ type: "press", action: "play" });
      this.#pressedAt = performance.now();
      this.report();
    } else this.replay();
    this.changed();
  }

  /** What the sound waits for, or null. */
  get waiting(): Waiting | null {
    const found = this.model.get("waiting") as Partial<Waiting> | null;
    return found?.why ? (found as Waiting) : null;
  }

  /** That in words, with the seconds that are left. */
  get waitingText(): string | null {
    const { waiting } = this;
    if (!waiting) return null;
    const left = Math.max(0, Math.ceil((this.#attemptAt - performance.now()) / 1000));
    const next = left ? `next try in ${left} s` : "trying again";
    return `${waiting.why}, ${next} (${waiting.attempt} of ${waiting.of}).`;
  }

  /** Play the take again; the kernel sends what of it has not come. */
  replay(): void {
    this.#claim();
    this.playback.replay();
    this.report();
  }

  pause(): void {
    if (this.playback.state === "paused") this.playback.resume();
    else this.playback.pause();
  }

  seek(seconds: number): void {
    this.#claim();
    this.playback.seek(seconds);
    this.report();
  }

  /** Sound begins here by a press: what another page plays ends. */
  #claim(): void {
    void this.playback.unlock();
    if (!this.channel.isOwner) this.channel.send({ type: "press", action: "replay" });
  }

  /** Forget what was played: it is not to be heard again. */
  #clear(): void {
    this.playback.clear();
    this.pair.clear();
    this.changed();
  }

  /** Set what both sides know. */
  choose(name: "volume" | "loop", value: number | boolean): void {
    this.model.set(name, value);
    this.model.save_changes();
  }

  #applyCommand(action: string, at: number | null): void {
    if (action === "pause") this.playback.pause();
    else if (action === "resume") this.playback.resume();
    else if (action === "replay") this.playback.replay();
    else if (action === "seek") this.playback.seek(at ?? 0);
    this.report();
  }

  report(): void {
    const take = this.playback.take;
    const pressed = this.playback.state === "idle" && performance.now() - this.#pressedAt < PRESSED_MS;
    const coming = this.playback.incoming || this.playback.state === "waiting";
    const comes = this.channel.isOwner && (coming || Boolean(this.model.get("busy")));
    this.channel.expect(pressed || comes ? "sound" : "nothing");
    if (!take || !this.channel.isOwner) return;
    const { position, samples: received, underruns, firstMs } = take;
    const state = this.playback.state;
    const more = this.playback.incomplete;
    // What was asked for and does not come is asked for again.
    const again = more && position >= received ? Math.floor(performance.now() / AGAIN_MS) : 0;
    const report = `${take.id} ${position} ${received} ${state} ${more} ${again}`;
    if (report === this.#lastReport) return;
    this.#lastReport = report;
    this.#reported = received;
    this.channel.send({
      type: "played",
      stream: take.id,
      position,
      received,
      more,
      underruns,
      state,
      first_ms: firstMs,
      arrived: this.channel.clock.toKernel(take.arrivedAt),
      rendered: this.channel.clock.toKernel(take.renderedAt),
      prebuffer_ms: Math.round(take.prebufferSecs * 1000),
      clock_error_ms: this.channel.clock.errorMs,
    });
  }

  changed(): void {
    if (this.playback.state === "idle") this.report();
    if (this.#scheduled) return;
    this.#scheduled = true;
    const paint = () => {
      this.#scheduled = false;
      for (const view of this.views) view();
    };
    if (document.hidden) setTimeout(paint, 100);
    else requestAnimationFrame(paint);
  }
}

function statusText(player: PlayerEngine): string {
  const { state, take } = player.playback;
  if (state === "blocked") return "The browser blocks the sound: press the button once more to enable it.";
  if (player.waitingText) return player.waitingText;
  const awaited = player.playback.awaited;
  if (awaited !== null) return `Waiting for the sound at ${clock(awaited)}…`;
  const status = String(player.model.get("status") ?? "");
  if (state === "waiting" && !take?.reached && !status) return "Waiting for the first sound…";
  if (Object.keys((player.model.get("waterfall") as object | null) ?? {}).length > 0) return ""; // it says it too
  return status ? [status, ...remarks(player)].join(" · ") : "";
}

/** What else is to be said of the take. */
function remarks(player: PlayerEngine): string[] {
  const { take } = player.playback;
  const words = (player.model.get("words") ?? {}) as TimedWords;
  const gaps = take?.underruns ?? 0;
  const found = gaps ? [`${gaps} gap${gaps > 1 ? "s" : ""} in the sound`] : [];
  if (words.estimated && words.stream === take?.id) found.push("word times estimated");
  return found;
}

/** Draw the player into an element; `bare` inside another widget, which has the frame, the notice and the errors. */
export function mountPlayer(player: PlayerEngine, el: HTMLElement, signal: AbortSignal, bare = false): void {
  const { playback, model } = player;
  let stopping = false;
  const label = h("span");
  const glyph = h("span", { style: "display:inline-flex" });
  const button = h(
    "button",
    { class: "snb-button snb-primary", type: "button", click: () => player.press(stopping) },
    glyph,
    label,
  );
  const pause = iconButton("pause", "Pause", () => player.pause());
  const again = iconButton("again", "Play it again, without asking the service", () => player.replay());
  const loop = iconButton("loop", "Repeat", () => player.choose("loop", !model.get("loop")));
  const wave = h("canvas", {
    class: "snb-player-wave",
    role: "slider",
    tabindex: "0",
    "aria-label": "Position",
  });
  wave.addEventListener("click", (event) => {
    if (playback.take) player.seek(placeIn(wave, event) * playback.take.duration);
  });
  wave.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step && playback.take) player.seek(playback.take.position / playback.take.sampleRate + step);
  });
  const time = h("span", { class: "snb-player-time" });
  const volume = h("input", {
    class: "snb-player-volume",
    type: "range",
    min: "0",
    max: "1",
    step: "0.05",
    "aria-label": "Volume",
  });
  volume.addEventListener("input", () => player.choose("volume", Number(volume.value)));
  const words = new WordsLine((seconds) => player.seek(seconds));
  const spectrum = new SpectrumView(h("canvas", { class: "snb-spectrum", role: "img", hidden: true }));
  const picture = iconButton("spectrum", "Spectrogram", () => {
    spectrum.canvas.hidden = !spectrum.canvas.hidden;
    paint();
  });
  const waterfall = new Waterfall();
  const compare = new CompareRow(player.pair, () => {
    player.pair.clear();
    player.changed();
  });
  const status = h("div", { class: "snb-status" });
  const announcer = new Announcer(signal);
  const error = h("div", { class: "snb-error", role: "alert" });
  const notice = h("div", { class: "snb-notice" });
  const root = h(
    "div",
    { class: bare ? "snb-player" : "snb snb-card snb-player" },
    notice,
    h("div", { class: "snb-player-row" }, button, pause, again, wave, time, loop, volume, picture),
    words.element,
    spectrum.canvas,
    compare.element,
    status,
    announcer.element,
    waterfall.element,
    error,
  );
  root.addEventListener("keydown", (event) => {
    const inField = event.target instanceof HTMLElement && event.target.matches("button, input, summary");
    if (event.key !== " " || inField) return;
    event.preventDefault();
    player.press(stopping);
  });
  let shown = "";
  /** Whether seconds are counted since it was said what is waited for. */
  let counting = false;
  let waveShown: string | null = null;
  const paint = () => {
    const { state, take } = playback;
    const sounding = state === "playing" || state === "waiting" || state === "paused";
    stopping = (sounding || (state === "idle" && Boolean(model.get("busy")))) && !player.button.plays?.();
    const idleName = player.button.label?.() ?? String(model.get("label"));
    const name = state === "blocked" ? "Enable sound" : stopping ? "Stop" : idleName;
    if (name !== shown) {
      shown = name;
      label.textContent = name;
      glyph.replaceChildren(icon(stopping ? "stop" : "play"));
    }
    setData(button, "waiting", String(player.channel.unanswered));
    setData(root, "state", state);
    setData(root, "ready", String(player.channel.ready));
    setData(root, "takes", take?.id ?? "");
    setData(root, "underruns", String(take?.underruns ?? 0));
    again.toggleAttribute("disabled", !take?.reached);
    pause.toggleAttribute("disabled", state !== "playing" && state !== "paused");
    setAttribute(pause, "aria-pressed", String(state === "paused"));
    setAttribute(loop, "aria-pressed", String(Boolean(model.get("loop"))));
    volume.value = String(model.get("volume"));
    const at = take ? take.position / take.sampleRate : 0;
    setAttribute(wave, "aria-valuenow", at.toFixed(1));
    setAttribute(wave, "aria-valuemax", (take?.duration ?? 0).toFixed(1));
    wave.setAttribute(
      "aria-valuetext",
      take ? `${at.toFixed(1)} of ${take.duration.toFixed(1)} seconds` : "nothing",
    );
    setText(time, take ? `${clock(at)} / ${clock(take.duration)}${take.total === null ? "+" : ""}` : "");
    const said = statusText(player);
    // Once: of a count of seconds that is read out each second nothing else could be heard.
    if (!player.waiting || !counting) announcer.say(said);
    counting = Boolean(player.waiting && said);
    setText(status, said);
    status.toggleAttribute("hidden", !status.textContent && !waterfall.element.hidden);
    setText(error, player.playback.problem ?? String(model.get("error") ?? ""));
    setText(notice, String(model.get("notice") ?? ""));
    const theme = root.closest<HTMLElement>("[data-theme]")?.dataset.theme;
    const drawn = `${theme} ${take?.id} ${take?.reached} ${take?.total} ${take?.position}`;
    if (drawn !== waveShown) {
      waveShown = drawn; // to draw asks for sizes, for which the browser lays the page out
      drawWave(wave, take);
    }
    words.show((model.get("words") ?? {}) as TimedWords, take?.id, at, sounding);
    picture.toggleAttribute("disabled", !spectrum.has(take));
    setAttribute(picture, "aria-pressed", String(!spectrum.canvas.hidden));
    if (!spectrum.canvas.hidden)
      spectrum.show(take, root.closest<HTMLElement>("[data-theme]")?.dataset.theme ?? "");
    if (player.comparesElsewhere) compare.element.toggleAttribute("hidden", true);
    else compare.show(String(model.get("difference") ?? ""));
    const steps = (model.get("waterfall") ?? {}) as Record<string, number>;
    waterfall.show(steps, String(model.get("status") ?? ""), remarks(player));
  };
  if (!bare) followTheme(root, signal, paint);
  onWidth(wave, signal, () => {
    waveShown = null;
    paint();
  });
  player.views.add(paint);
  const names = ["label", "status", "error", "notice", "busy", "words", "difference", "waterfall", "waiting"];
  observe(model, names, signal, paint);
  player.channel.onTrouble(paint, signal);
  signal.addEventListener("abort", () => {
    player.views.delete(paint);
    root.remove();
  });
  el.append(root);
  paint();
}

/** Where in an element's width an event was, 0 to 1; CSS `zoom` changes offsets, but not both of these. */
function placeIn(element: HTMLElement, event: MouseEvent): number {
  const box = element.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - box.left) / (box.width || 1)));
}
