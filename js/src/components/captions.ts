/** Captions for a projector: the last lines in large type on black; finals only are read out, and not over each other. */
import { h } from "../dom";
import type { Line } from "../protocol";
import { marked, type NameOf } from "./transcript-line";

const LINES = 3;
/** A screen reader is given new words at most this often. */
const SPOKEN_MS = 2000;

export class Captions {
  readonly #lines = h("div", { class: "snb-captions-lines" });
  readonly #spoken = h("div", {
    class: "snb-captions-spoken",
    role: "log",
    "aria-live": "polite",
    "aria-label": "Captions",
  });
  readonly element: HTMLElement;
  #last = -1;
  #waiting: HTMLElement[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly nameOf: NameOf,
    signal: AbortSignal,
  ) {
    const full = h(
      "button",
      { class: "snb-button", type: "button", click: () => this.#fill() },
      "Full screen",
    );
    this.element = h("div", { class: "snb-captions", hidden: true }, this.#lines, this.#spoken, full);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  get on(): boolean {
    return !this.element.hidden;
  }

  show(on: boolean, lines: Map<number, Line>): void {
    this.element.toggleAttribute("hidden", !on);
    if (!on && document.fullscreenElement === this.element) void document.exitFullscreen();
    const old = [...lines.values()].findLast((line) => line.final); // what was there before is not read out
    this.#last = old?.i ?? -1;
    this.update(lines);
  }

  update(lines: Map<number, Line>): void {
    if (!this.on) return;
    const latest = [...lines.values()].slice(-LINES);
    this.#lines.replaceChildren(
      ...latest.map((line) => {
        const name = line.speaker === null ? "" : `${this.nameOf(line.speaker)}: `;
        return h("p", { "data-final": String(line.final), dir: "auto" }, name, ...marked(line.text));
      }),
    );
    if (lines.size === 0) this.#last = -1;
    for (const line of lines.values()) {
      if (!line.final || line.i <= this.#last) continue;
      this.#last = line.i;
      this.#waiting.push(h("p", { dir: "auto" }, ...marked(line.text)));
    }
    if (this.#timer === undefined) this.#read();
  }

  #read(): void {
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    this.#spoken.append(...this.#waiting.splice(0));
    while (this.#spoken.childElementCount > LINES) this.#spoken.firstElementChild?.remove();
    this.#timer = setTimeout(() => this.#read(), SPOKEN_MS);
  }

  #fill(): void {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void this.element.requestFullscreen().catch(() => {}); // hosts may forbid it; it is large all the same
  }
}
