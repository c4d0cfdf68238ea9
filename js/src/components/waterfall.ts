/** Where the milliseconds of a take went, as bars one after the other; closed, it is one line about the take. */
import { h, setText } from "../dom";

/** The kernel's names of the steps, in words for a page. */
const NAMES: Record<string, string> = {
  connect: "Connecting",
  "request to first byte": "The service's first sound",
  "kernel to page": "To this page",
  "prebuffer and output": "To the loudspeaker",
};
/** Until the service has sent something. */
const OF_SERVICE = ["connect", "request to first byte"];

export class Waterfall {
  readonly element = h("details", { class: "snb-waterfall" });
  readonly #rows = h("div", { class: "snb-waterfall-rows" });
  readonly #total = h("summary", {});
  #shown = "";

  constructor() {
    this.element.append(this.#total, this.#rows);
  }

  /** Show the steps; `what` is what they are of, and `remarks` what else is to be said of it. */
  show(steps: Record<string, number>, what: string, remarks: string[]): void {
    const entries = Object.entries(steps);
    this.element.toggleAttribute("hidden", entries.length === 0);
    const sum = (names: [string, number][]) => Math.round(names.reduce((all, [, ms]) => all + ms, 0));
    const first = entries.filter(([name]) => OF_SERVICE.includes(name));
    const said = [
      what,
      first.length ? `first sound after ${sum(first)} ms` : "",
      entries.length > first.length ? `heard after ${sum(entries)} ms` : "",
      ...remarks,
    ];
    setText(this.#total, said.filter(Boolean).join(" · "));
    const key = JSON.stringify(steps);
    if (key === this.#shown) return;
    this.#shown = key;
    const total = entries.reduce((all, [, ms]) => all + ms, 0);
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
          h("span", {}, NAMES[name] ?? name),
          h("span", { class: "snb-waterfall-track" }, bar),
          h("span", { class: "snb-waterfall-ms" }, `${Math.round(ms)} ms`),
        );
      }),
    );
  }
}
