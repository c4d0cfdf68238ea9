/** Where the milliseconds of a take went, as bars one after the other. */
import { h } from "../dom";

export class Waterfall {
  readonly element = h("details", { class: "snb-waterfall" });
  readonly #rows = h("div", {});
  readonly #total = h("summary", {});
  #shown: unknown = null;

  constructor() {
    this.element.append(this.#total, this.#rows);
  }

  show(steps: Record<string, number>): void {
    if (steps === this.#shown) return;
    this.#shown = steps;
    const entries = Object.entries(steps);
    this.element.hidden = entries.length === 0;
    const total = entries.reduce((sum, [, ms]) => sum + ms, 0);
    this.#total.textContent = `${Math.round(total)} ms from the request to the ear`;
    let before = 0;
    this.#rows.replaceChildren(
      ...entries.map(([name, ms]) => {
        const bar = h("span", { class: "snb-waterfall-bar" });
        bar.style.marginInlineStart = `${(100 * before) / (total || 1)}%`;
        bar.style.width = `max(2px, ${(100 * ms) / (total || 1)}%)`;
        before += ms;
        return h(
          "div",
          { class: "snb-waterfall-row" },
          h("span", {}, name),
          h("span", { class: "snb-waterfall-track" }, bar),
          h("span", { class: "snb-waterfall-ms" }, `${Math.round(ms)} ms`),
        );
      }),
    );
  }
}
