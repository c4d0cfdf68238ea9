/**
 * A list of lines that costs the same however long it is: lines stand in blocks, and the browser lays out only those
 * blocks that are in sight (`content-visibility`). An update touches one line of one block.
 */
import { h } from "../dom";
import type { Line } from "../protocol";
import { lineElement, type NameOf, paintSpeaker } from "./transcript-line";

const BLOCK = 50;
const NEAR_END_PX = 24;

interface Shown {
  line: Line;
  element: HTMLElement;
  /** Whether it says its language. */
  badge: boolean;
}

export class LineList {
  readonly element = h("div", {
    class: "snb-transcript-lines",
    role: "log",
    "aria-live": "off",
    tabindex: "0",
  });
  readonly #lines = new Map<number, Shown>();
  readonly #blocks = new Map<number, HTMLElement>();
  #now: Element | null = null;

  constructor(readonly nameOf: NameOf) {
    this.element.setAttribute("aria-label", "Transcript");
  }

  get size(): number {
    return this.#lines.size;
  }

  get lines(): Line[] {
    return [...this.#lines.values()].map(({ line }) => line);
  }

  /** Take lines that changed or came; `reset`: the others are gone. A line that is the same is not drawn again. */
  put(lines: Iterable<Line>, reset = false): void {
    const box = this.element;
    const all = [...lines];
    if (!all.length && !this.#lines.size) return; // sizes are not asked for where nothing is
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    if (reset) {
      const stay = new Set(all.map((line) => line.i));
      for (const i of [...this.#lines.keys()]) if (!stay.has(i)) this.#remove(i);
    }
    for (const line of all) this.#put(line);
    for (const line of all) this.#badge(line.i + 1);
    if (atEnd) this.showEnd();
  }

  showEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
  }

  #put(line: Line): void {
    const old = this.#lines.get(line.i);
    if (!line.text) {
      this.#remove(line.i);
      return;
    }
    const badge = this.#hasBadge(line);
    if (old && old.badge === badge && JSON.stringify(old.line) === JSON.stringify(line)) return;
    const element = lineElement(line, this.nameOf, badge);
    if (old) {
      if (old.element.hasAttribute("data-current")) element.setAttribute("data-current", "");
      old.element.replaceWith(element);
    } else this.#block(line.i).append(element);
    this.#lines.set(line.i, { line, element, badge });
  }

  #remove(i: number): void {
    this.#lines.get(i)?.element.remove();
    this.#lines.delete(i);
  }

  #hasBadge(line: Line): boolean {
    const before = this.#lines.get(line.i - 1)?.line.language;
    return Boolean(line.final && before && line.language && line.language !== before);
  }

  /** The line before has changed. */
  #badge(i: number): void {
    const shown = this.#lines.get(i);
    if (shown && shown.badge !== this.#hasBadge(shown.line)) this.#put(shown.line);
  }

  #block(i: number): HTMLElement {
    const number = Math.floor(i / BLOCK);
    let block = this.#blocks.get(number);
    if (!block) {
      block = h("div", { class: "snb-transcript-block" });
      this.#blocks.set(number, block);
      this.element.append(block);
    }
    return block;
  }

  rename(): void {
    for (const button of this.element.querySelectorAll<HTMLElement>(".snb-speaker[data-speaker]"))
      paintSpeaker(button, Number(button.dataset.speaker), this.nameOf);
  }

  /** Mark what is heard at a second: the word, else its line. */
  mark(at: number | null): void {
    const found = at === null ? null : this.#at(at);
    if (found === this.#now) return;
    this.#now?.removeAttribute("data-now");
    found?.setAttribute("data-now", "");
    this.#now = found;
    found?.scrollIntoView({ block: "nearest" });
  }

  /** Lines are in order of time: halve. */
  #at(second: number): Element | null {
    const lines = this.#elements;
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (Number(lines[middle]?.dataset.start ?? 0) <= second) low = middle;
      else high = middle - 1;
    }
    const line = lines[low];
    if (!line || second > Number(line.dataset.end ?? Number.POSITIVE_INFINITY) + 0.5) return null;
    const words = [...line.querySelectorAll<HTMLElement>(".snb-word")];
    const word = words.findLast((w) => Number(w.dataset.start) <= second);
    return word ?? (words.length ? null : line);
  }

  get #elements(): HTMLElement[] {
    return [...this.#lines.values()].map(({ element }) => element);
  }

  /** The line that the keyboard is at, moved by so many. */
  step(by: number): void {
    const lines = this.#elements;
    const current = lines.findIndex((line) => line.hasAttribute("data-current"));
    const next =
      lines[Math.min(lines.length - 1, Math.max(0, current < 0 ? lines.length - 1 : current + by))];
    lines[current]?.removeAttribute("data-current");
    next?.setAttribute("data-current", "");
    next?.scrollIntoView({ block: "nearest" });
  }

  get current(): HTMLElement | null {
    return this.element.querySelector("[data-current]");
  }
}
