/** Two takes side by side: one press switches from the one to the other at the same instant. */
import type { Playback } from "../audio/playback";
import { Take } from "../audio/take";
import { h, setText } from "../dom";

type Slot = "a" | "b";

const FADE_MS = 15;

/** The two takes of a model; any number of views show them. */
export class Pair {
  readonly takes: Partial<Record<Slot, Take>> = {};
  readonly labels: Partial<Record<Slot, string>> = {};

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
  }

  clear(): void {
    delete this.takes.a;
    delete this.takes.b;
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

export class CompareRow {
  readonly element = h("div", { class: "snb-compare", role: "group", "aria-label": "Compare two takes" });
  readonly #buttons: Record<Slot, HTMLButtonElement>;
  readonly #difference = h("span", { class: "snb-compare-difference" });

  constructor(
    readonly pair: Pair,
    close: () => void,
  ) {
    const button = (slot: Slot) =>
      h("button", { class: "snb-button", type: "button", click: () => this.pair.play(slot) });
    this.#buttons = { a: button("a"), b: button("b") };
    const end = h(
      "button",
      { class: "snb-button snb-icon", type: "button", "aria-label": "Stop comparing" },
      "×",
    );
    end.addEventListener("click", close);
    this.element.append(this.#buttons.a, this.#buttons.b, this.#difference, end);
  }

  show(difference: string): void {
    this.element.hidden = !this.pair.whole;
    if (this.element.hidden) return;
    setText(this.#difference, difference);
    for (const slot of ["a", "b"] as const) {
      const button = this.#buttons[slot];
      setText(button, `${slot.toUpperCase()} · ${this.pair.labels[slot] ?? ""}`);
      button.setAttribute("aria-pressed", String(this.pair.playback.take === this.pair.takes[slot]));
    }
  }
}
