/** Two takes side by side: one press switches from the one to the other at the same instant. */
import type { Playback } from "../audio/playback";
import { Take } from "../audio/take";
import { h, icon, setAttribute, setData, setText } from "../dom";

export type Slot = "a" | "b";

const FADE_MS = 15;

/** The two takes of a model; any number of views show them. */
export class Pair {
  readonly takes: Partial<Record<Slot, Take>> = {};
  readonly labels: Partial<Record<Slot, string>> = {};
  /** Called when both have come. */
  arrived: (() => void) | null = null;

  constructor(readonly playback: Playback) {}

  get whole(): boolean {
    return Boolean(this.takes.a && this.takes.b);
  }

  put(slot: string, label: string, sampleRate: number, bytes: Uint8Array): void {
    if (slot !== "a" && slot !== "b") return;
    const take = new Take(`compare-${slot}`, sampleRate);
    take.write(bytes);
    take.total = take.samples;
    this.takes[slot] = take;
    this.labels[slot] = label;
    if (slot === "b" && this.whole) this.arrived?.();
  }

  clear(): void {
    delete this.takes.a;
    delete this.takes.b;
  }

  /** The one that sounds, or sounded last. */
  get current(): Slot | null {
    const { take } = this.playback;
    if (!take) return null;
    return take === this.takes.a ? "a" : take === this.takes.b ? "b" : null;
  }

  get sounds(): boolean {
    return this.current !== null && ["playing", "waiting", "paused"].includes(this.playback.state);
  }

  /** Play the other one, at the same instant. */
  switch(): void {
    if (this.whole) this.play(this.current === "a" ? "b" : "a");
  }

  /** Play one of them: from where the other one is just now, else from its start. */
  play(slot: Slot): void {
    const wanted = this.takes[slot];
    const other = this.takes[slot === "a" ? "b" : "a"];
    const { take, state } = this.playback;
    if (!wanted) return;
    const sounding = state === "playing" || state === "paused" || state === "waiting";
    const switching = take === other || take === wanted;
    const at = sounding && take && switching ? take.position / take.sampleRate : 0;
    void this.playback.unlock();
    // As a press on Stop would, so that the kernel sends no more of what will not be played.
    if (!switching || this.playback.incoming) this.playback.stop(FADE_MS);
    this.playback.playFrom(wanted, at < wanted.duration ? at : 0);
  }
}

const NAMES = { play: "Compare", stop: "Stop" };

export class CompareRow {
  readonly element = h("div", { class: "snb-compare", role: "group", "aria-label": "Compare two takes" });
  readonly #buttons: Record<Slot, HTMLButtonElement>;
  readonly #difference = h("span", { class: "snb-compare-difference" });
  readonly #glyph = h("span", { style: "display:inline-flex" });
  readonly #name = h("span");

  constructor(
    readonly pair: Pair,
    close: () => void,
  ) {
    const button = (slot: Slot) =>
      h("button", { class: "snb-button", type: "button", click: () => this.pair.play(slot) });
    this.#buttons = { a: button("a"), b: button("b") };
    const play = h(
      "button",
      { class: "snb-button snb-compare-play", type: "button" },
      this.#glyph,
      this.#name,
    );
    play.addEventListener("click", () => {
      if (this.pair.sounds) this.pair.playback.stop(FADE_MS);
      else this.pair.play(this.pair.current ?? "a");
    });
    const end = h(
      "button",
      { class: "snb-button snb-icon", type: "button", "aria-label": "Stop comparing" },
      "×",
    );
    end.addEventListener("click", close);
    const both = h("span", { class: "snb-compare-both" }, this.#buttons.a, this.#buttons.b);
    this.element.append(play, both, end, this.#difference);
  }

  show(difference: string): void {
    this.element.toggleAttribute("hidden", !this.pair.whole);
    if (this.element.hidden) return;
    const sign = this.pair.sounds ? "stop" : "play";
    if (this.element.dataset.sign !== sign) {
      setData(this.element, "sign", sign);
      this.#glyph.replaceChildren(icon(sign));
      setText(this.#name, NAMES[sign]);
    }
    setText(this.#difference, `X switches. ${difference}`);
    for (const slot of ["a", "b"] as const) {
      const button = this.#buttons[slot];
      const name = `${slot.toUpperCase()} · ${this.pair.labels[slot] ?? ""}`;
      setText(button, name);
      setAttribute(button, "aria-pressed", String(this.pair.current === slot));
    }
  }
}
