/** What a screen reader reads out: the latest sentence only, each once, and not more often than it can be read out. */
import { h } from "../dom";

const PAUSE_MS = 2000;

export class Announcer {
  readonly element = h("div", { class: "snb-spoken", role: "status", "aria-live": "polite" });
  #next: string | null = null;
  #last = "";
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => clearTimeout(this.#quiet));
  }

  /** Have a sentence read out; "" once it is no longer true, so that the same one is read out when it is again. */
  say(text: string): void {
    if (text === (this.#next ?? this.#last)) return;
    this.#next = text;
    if (this.#quiet === undefined) this.#write();
  }

  #write(): void {
    this.#quiet = undefined;
    const next = this.#next;
    this.#next = null;
    if (next === null || next === this.#last) return; // it was something else for a moment only
    this.#last = next;
    this.element.textContent = this.#last;
    this.#quiet = setTimeout(() => this.#write(), PAUSE_MS);
  }
}
