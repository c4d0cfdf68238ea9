/** Captions for a projector: the last lines in large type on black; finals only are read out, and not over each other. */
import { h } from "../dom";
import type { Line } from "../protocol";
import { marked, type NameOf } from "./transcript-line";

const LINES = 3;

export class Captions {
  readonly #lines = h("div", { class: "snb-captions-lines", dir: "auto" });
  readonly #spoken = h("div", {
    class: "snb-captions-spoken",
    role: "log",
    "aria-live": "polite",
    "aria-label": "Captions",
  });
  readonly element: HTMLElement;
  #last = -1;

  constructor(readonly nameOf: NameOf) {
    const full = h(
      "button",
      { class: "snb-button", type: "button", click: () => this.#fill() },
      "Full screen",
    );
    this.element = h("div", { class: "snb-captions", hidden: true }, this.#lines, this.#spoken, full);
  }

  get on(): boolean {
    return !this.element.hidden;
  }

  show(on: boolean, lines: Map<number, Line>): void {
    this.element.hidden = !on;
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
        return h("p", { "data-final": String(line.final) }, name, ...marked(line.text));
      }),
    );
    for (const line of latest) {
      if (!line.final || line.i <= this.#last) continue;
      this.#last = line.i;
      this.#spoken.append(h("p", {}, ...marked(line.text)));
      while (this.#spoken.childElementCount > LINES) this.#spoken.firstElementChild?.remove();
    }
  }

  #fill(): void {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void this.element.requestFullscreen().catch(() => {}); // hosts may forbid it; it is large all the same
  }
}
