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

  say(text: string): void {
    if (!text || text === (this.#next ?? this.#last)) return;
    this.#next = text;
    if (this.#quiet === undefined) this.#write();
  }

  #write(): void {
    this.#quiet = undefined;
    if (this.#next === null) return;
    this.#last = this.#next;
    this.#next = null;
    this.element.textContent = this.#last;
    this.#quiet = setTimeout(() => this.#write(), PAUSE_MS);
  }
}
