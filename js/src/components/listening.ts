/** A listening test in the page: one engine per model, any number of views. */
import "./listening.css";
import { SwitchedPlayback } from "../audio/switched-playback";
import { Take } from "../audio/take";
import { clock, h, icon, setText } from "../dom";
import { followTheme } from "../theme";
import type { TrialSource, TrialState } from "./trial-source";

const TICK_MS = 50;
const CATEGORIES = ["Bad", "Poor", "Fair", "Good", "Excellent"];
const QUESTIONS: Record<TrialState["kind"], string> = {
  ab: "Which one do you prefer?",
  abx: "Is X the same as A, or the same as B?",
  mos: "How natural does it sound?",
  mushra: "How good is each one, compared with the reference?",
};
const INSTRUCTIONS: Record<TrialState["kind"], string> = {
  ab: "You hear two sounds, A and B, that say the same. Switch between them as often as you like, then say which one you prefer. If you cannot decide, follow your first impression.",
  abx: "You hear A, B and X. X is one of the two. Switch between them as often as you like, then say which one it is. If you cannot hear a difference, guess.",
  mos: "You hear one sound at a time. Rate how natural it is, from 1 (bad) to 5 (excellent).",
  mushra:
    "You hear a reference and several other sounds. Rate each from 0 to 100 by how close it is to the reference. One of them is the reference itself: it should get 100.",
};

/** What a person does in one trial, shared by all views. */
export class ListeningEngine {
  readonly playback: SwitchedPlayback;
  readonly views = new Set<() => void>();
  /** The answer so far: the chosen place, or a rating for each; null where there is none yet. */
  values: (number | null)[] = [];
  loading = false;
  /** The answer is on its way. */
  sent = false;
  problem = "";
  #trial = -1;
  #listener = "";
  #loads = 0;
  #since = 0;
  #scheduled = false;

  constructor(
    readonly source: TrialSource,
    signal: AbortSignal,
  ) {
    this.playback = new SwitchedPlayback(() => this.changed());
    source.onChange(() => this.#changedOutside());
    source.onSilence(() => this.playback.stop());
    const timer = setInterval(() => {
      if (!this.playback.playing) return;
      this.playback.note();
      this.changed();
    }, TICK_MS);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      void this.playback.close();
    });
    this.#changedOutside();
  }

  get state(): TrialState | null {
    return this.source.state;
  }

  get asking(): boolean {
    return this.state?.phase === "training" || this.state?.phase === "test";
  }

  get allHeard(): boolean {
    return this.playback.coverage.length > 0 && this.playback.coverage.every((one) => one.whole);
  }

  get complete(): boolean {
    return this.allHeard && this.values.length > 0 && this.values.every((value) => value !== null);
  }

  hear(place: number): void {
    if (!this.asking || this.loading) return;
    if (!this.playback.playing) this.source.sounds();
    void this.playback.hear(place);
  }

  /** Stop, or go on with the sound that was heard last. */
  toggle(): void {
    if (this.playback.playing) this.playback.stop();
    else this.hear(Math.max(0, this.playback.active));
  }

  choose(index: number, value: number): void {
    if (!this.allHeard || this.sent) return;
    this.values[index] = value;
    this.changed();
  }

  next(): void {
    const state = this.state;
    if (!state || !this.complete || this.sent) return;
    this.playback.stop();
    this.sent = true;
    this.source.answer({
      trial: state.trial,
      values: this.values.map(Number),
      heard: this.playback.coverage.map((one) => one.whole),
      seconds: (performance.now() - this.#since) / 1000,
      switches: this.playback.switches,
    });
    this.changed();
  }

  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const paint = () => {
      this.#scheduled = false;
      for (const view of this.views) view();
    };
    if (document.hidden) setTimeout(paint, 100);
    else requestAnimationFrame(paint);
  }

  #changedOutside(): void {
    const state = this.state;
    if (this.source.error) this.sent = false;
    const asked = state && this.asking ? state.trial : -1;
    if (asked !== this.#trial || (state?.listener ?? "") !== this.#listener) {
      this.#trial = asked;
      this.#listener = state?.listener ?? "";
      this.sent = false;
      this.problem = "";
      this.playback.load([]);
      this.values = [];
      if (state && asked >= 0) void this.#load(state);
    }
    this.changed();
  }

  /** Get the sounds one after the other: together they may be too large for the kernel's buffer of messages. */
  async #load(state: TrialState): Promise<void> {
    const mine = ++this.#loads;
    this.loading = true;
    try {
      const takes: Take[] = [];
      for (const place of state.places.keys()) {
        const sound = await this.source.sound(state.trial, place);
        if (mine !== this.#loads) return;
        const take = new Take(`${state.trial}/${place}`, sound.sampleRate);
        take.write(sound.bytes);
        take.total = take.samples;
        takes.push(take);
      }
      this.playback.load(takes);
      const rated = state.kind === "mushra" ? state.places.length - 1 : 1;
      this.values = new Array(rated).fill(null);
      this.#since = performance.now();
    } catch (error) {
      if (mine === this.#loads) this.problem = error instanceof Error ? error.message : String(error);
    } finally {
      if (mine === this.#loads) this.loading = false;
      this.changed();
    }
  }
}

/** Draw the test into an element. */
export function mountListening(test: ListeningEngine, el: HTMLElement, signal: AbortSignal): void {
  const { playback, source } = test;
  const heading = h("b", { class: "snb-listen-question" });
  const progress = h("progress", { class: "snb-listen-progress", max: "1", value: "0" });
  const count = h("span", { class: "snb-used", "aria-live": "polite" });
  const body = h("div", { class: "snb-listen-body" });
  const keys = h("span", { class: "snb-listen-keys" });
  const next = h("button", { class: "snb-button snb-primary", type: "button", click: () => press() });
  const foot = h("div", { class: "snb-frame-foot" }, keys, h("span", { class: "snb-frame-foot-end" }, next));
  const error = h("div", { class: "snb-error", role: "alert" });
  const root = h(
    "div",
    { class: "snb snb-frame snb-listen" },
    h("div", { class: "snb-frame-bar" }, heading, progress, count),
    body,
    foot,
    error,
  );
  let refresh = () => {};
  let shown = "";

  const press = () => {
    root.focus({ preventScroll: true }); // the button is disabled next, and would lose the keyboard to the page
    const phase = test.state?.phase;
    if (phase === "start") source.begin();
    else if (phase === "done") source.next();
    else test.next();
  };

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.toUpperCase();
    const slider = event.target instanceof HTMLInputElement;
    const inButton = event.target instanceof HTMLButtonElement;
    const state = test.state;
    if (key === "ENTER" && !next.disabled && !next.hidden) press();
    else if (!state || !test.asking) return;
    else if (key === " " && !inButton) test.toggle();
    else if (/^[A-Z]$/.test(key) && placeOf(state, key) >= 0) test.hear(placeOf(state, key));
    else if (/^[1-5]$/.test(key) && !slider) chooseByKey(test, state, Number(key));
    else return;
    event.preventDefault();
  });

  const paint = () => {
    const state = test.state;
    root.dataset.ready = String(source.ready);
    root.dataset.phase = state?.phase ?? "";
    root.dataset.trial = String(state?.trial ?? "");
    root.dataset.loaded = String(!test.loading && playback.coverage.length > 0);
    const drawn = state ? `${state.phase} ${state.trial} ${state.listener} ${state.next ?? ""}` : "";
    const outcome = JSON.stringify(source.outcome);
    if (state && `${drawn} ${outcome}` !== shown) {
      shown = `${drawn} ${outcome}`;
      refresh = draw(test, state, body);
    }
    if (state) {
      const practice = state.phase === "training";
      const all = practice ? state.training : state.total;
      setText(heading, test.asking ? QUESTIONS[state.kind] : "Listening test");
      const trials = `${practice ? "Practice" : "Trial"} ${state.place} of ${all}`;
      const who = state.listener && state.phase !== "done" ? `${state.listener} · ` : "";
      setText(count, test.asking ? who + trials : state.phase === "start" ? state.listener : "");
      progress.value = state.phase === "done" ? 1 : test.asking && !practice ? (state.place - 1) / all : 0;
      progress.hidden = state.phase === "start";
    }
    setText(keys, test.asking && state ? keyHelp(state) : "");
    const name = { start: "Begin", done: `Next: ${state?.next ?? ""}`, training: "Next", test: "Next" };
    setText(next, state ? name[state.phase] : "Begin");
    next.hidden = !state || (state.phase === "done" && !state.next);
    next.disabled = test.asking && (!test.complete || test.sent);
    next.title = test.asking && !test.allHeard ? "Hear every sound to its end first." : "";
    foot.hidden = next.hidden && !keys.textContent;
    setText(error, playback.problem ?? (test.problem || source.error));
    refresh();
  };
  followTheme(root, signal);
  test.views.add(paint);
  signal.addEventListener("abort", () => {
    test.views.delete(paint);
    root.remove();
  });
  el.append(root);
  paint();
}

function placeOf(state: TrialState, letter: string): number {
  return state.places.findIndex((name) => name[0] === letter);
}

function chooseByKey(test: ListeningEngine, state: TrialState, digit: number): void {
  if (state.kind === "mos") test.choose(0, digit);
  else if (state.kind !== "mushra" && digit <= 2) test.choose(0, digit - 1);
}

function keyHelp(state: TrialState): string {
  const letters = state.places.map((name) => name[0]);
  const last = letters.length > 3 ? `${letters[0]}, A to ${letters.at(-1)}` : letters.join(", ");
  if (state.kind === "mos") return "Keys: Space plays, 1 to 5 rate, Enter goes on";
  const choose = { ab: "1 and 2 choose", abx: "1 and 2 choose", mushra: "arrows rate" }[state.kind];
  return `Keys: ${last} play, Space stops, ${choose}, Enter goes on`;
}

/** Draw what a phase shows, and return what keeps it true. */
function draw(test: ListeningEngine, state: TrialState, body: HTMLElement): () => void {
  body.replaceChildren();
  if (state.phase === "start") {
    const trials = `${state.total} ${state.total === 1 ? "trial" : "trials"}${state.training ? `, after ${state.training} for practice` : ""}.`;
    body.append(
      h("p", {}, INSTRUCTIONS[state.kind]),
      h(
        "p",
        {},
        `Use headphones in a quiet room, and do not change the volume once you have begun. ${trials}`,
      ),
    );
    return () => {};
  }
  if (state.phase === "done") {
    drawOutcome(test, state, body);
    return () => {};
  }
  return drawTrial(test, state, body);
}

function drawTrial(test: ListeningEngine, state: TrialState, body: HTMLElement): () => void {
  const { playback } = test;
  const plays = state.places.map((name, place) => {
    const label = h("span", {}, name);
    const heard = h("span", { class: "snb-listen-heard" });
    const button = h(
      "button",
      { class: "snb-button snb-listen-play", type: "button", click: () => test.hear(place) },
      icon("play"),
      label,
      heard,
    );
    return { button, heard, name };
  });
  const line = h("div", { class: "snb-listen-line" });
  const time = h("span", { class: "snb-player-time" });
  const stop = h(
    "button",
    { class: "snb-button snb-listen-stop", type: "button", click: () => test.toggle() },
    "Stop",
  );
  const transport = h(
    "div",
    { class: "snb-listen-transport" },
    stop,
    h("div", { class: "snb-listen-track" }, line),
    time,
  );
  const hint = h("div", { class: "snb-status" });
  const answers = state.kind === "mushra" ? sliders(test, state, plays) : choices(test, state, plays, body);
  if (state.kind === "mushra") body.append(answers.element);
  body.append(transport);
  if (state.kind !== "mushra") body.append(answers.element);
  body.append(hint);
  return () => {
    for (const [place, { button, heard, name }] of plays.entries()) {
      const coverage = playback.coverage[place];
      const sounding = playback.playing && playback.active === place;
      button.disabled = test.loading || !coverage;
      button.setAttribute("aria-pressed", String(sounding));
      button.style.setProperty("--snb-heard", String(coverage?.share ?? 0));
      setText(heard, coverage?.whole ? "✓" : "");
      button.setAttribute("aria-label", `${name}${coverage?.whole ? ", heard" : ""}`);
    }
    setText(stop, playback.playing ? "Stop" : "Play");
    stop.disabled = test.loading || playback.coverage.length === 0;
    line.style.inlineSize = `${playback.duration ? (100 * playback.position) / playback.duration : 0}%`;
    setText(time, playback.duration ? `${clock(playback.position)} / ${clock(playback.duration)}` : "");
    setText(
      hint,
      test.loading ? "Loading the sounds…" : test.allHeard ? "" : "Hear every sound to its end; then answer.",
    );
    answers.refresh();
  };
}

type Plays = { button: HTMLButtonElement }[];

function choices(test: ListeningEngine, state: TrialState, plays: Plays, body: HTMLElement) {
  const options: [string, number][] =
    state.kind === "mos"
      ? CATEGORIES.map((name, n) => [`${n + 1} ${name}`, n + 1])
      : state.kind === "abx"
        ? [["X is A", 0], ["X is B", 1]] // biome-ignore format: short
        : [["I prefer A", 0], ["I prefer B", 1]]; // biome-ignore format: short
  body.append(h("div", { class: "snb-listen-plays" }, ...plays.map(({ button }) => button)));
  const buttons = options.map(([name, value]) => ({
    value,
    button: h("button", { class: "snb-button", type: "button", click: () => test.choose(0, value) }, name),
  }));
  const element = h(
    "div",
    { class: "snb-listen-choices", role: "group", "aria-label": QUESTIONS[state.kind] },
    ...buttons.map(({ button }) => button),
  );
  const refresh = () => {
    for (const { button, value } of buttons) {
      button.disabled = !test.allHeard || test.sent;
      button.setAttribute("aria-pressed", String(test.values[0] === value));
    }
  };
  return { element, refresh };
}

function sliders(test: ListeningEngine, state: TrialState, plays: Plays) {
  const rows = state.places.slice(1).map((name, n) => {
    const value = h("output", { class: "snb-listen-value" });
    const slider = h("input", {
      type: "range",
      min: "0",
      max: "100",
      step: "1",
      "aria-label": `Rating of ${name}`,
    });
    slider.addEventListener("input", () => test.choose(n, Number(slider.value)));
    slider.addEventListener(
      "pointerdown",
      () => test.values[n] === null && test.choose(n, Number(slider.value)),
    );
    return { slider, value, row: h("div", { class: "snb-listen-row" }, plays[n + 1]!.button, slider, value) };
  });
  const scale = h(
    "div",
    { class: "snb-listen-scale", "aria-hidden": "true" },
    ...CATEGORIES.map((c) => h("span", {}, c)),
  );
  const head = h("div", { class: "snb-listen-row" }, plays[0]!.button, scale, h("span", {}));
  const element = h("div", { class: "snb-listen-rows" }, head, ...rows.map(({ row }) => row));
  const refresh = () => {
    for (const [n, { slider, value }] of rows.entries()) {
      const rating = test.values[n] ?? null;
      slider.disabled = !test.allHeard || test.sent;
      slider.classList.toggle("snb-listen-unrated", rating === null);
      if (rating !== null && slider.value !== String(rating)) slider.value = String(rating);
      setText(value, rating === null ? "–" : String(rating));
    }
  };
  return { element, refresh };
}

function drawOutcome(test: ListeningEngine, state: TrialState, body: HTMLElement): void {
  const { lines = [], bars = [], chance = null } = test.source.outcome;
  if (lines.length === 0) {
    const more = state.next ? ` Now hand over to ${state.next}.` : "";
    body.append(h("p", {}, `Thank you, ${state.listener}: all answers are kept.${more}`));
    return;
  }
  for (const line of lines) body.append(h("p", { dir: "auto" }, line));
  const rows = bars.map(({ name, text, at, low, high }) => {
    const dot = h("i", { class: "snb-listen-dot", style: `inset-inline-start:${100 * at}%` });
    const span = low !== null && high !== null ? [100 * low, 100 * (high - low)] : [100 * at, 0];
    const range = h("i", {
      class: "snb-listen-range",
      style: `inset-inline-start:${span[0]}%;inline-size:${span[1]}%`,
    });
    const middle =
      chance === null
        ? null
        : h("i", { class: "snb-listen-chance", style: `inset-inline-start:${100 * chance}%` });
    return h(
      "div",
      { class: "snb-listen-bar" },
      h("bdi", {}, name),
      h("div", { class: "snb-listen-axis" }, middle, range, dot),
      h("span", { class: "snb-listen-value" }, text),
    );
  });
  body.append(h("div", { class: "snb-listen-bars" }, ...rows));
}
