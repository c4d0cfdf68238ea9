/** The list of takes: hear, star, note, compare, delete; all of it by keyboard too. */
import "./takes.css";
import type { Model, PartChannel } from "../channel";
import { h, icon } from "../dom";
import { observe } from "../lifecycle";

interface Row {
  number: number;
  title: string;
  text: string;
  figures: string;
  starred: boolean;
  note: string;
  /** The loudest of each of some equal stretches, 0 to 99. */
  peaks: number[];
}

export class TakesEngine {
  readonly views = new Set<() => void>();
  /** The take that waits for another one to be compared with. */
  marked: number | null = null;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    this.channel.onWelcome(() => this.changed());
    observe(model, ["rows", "current", "remark"], signal, () => this.changed());
  }

  get rows(): Row[] {
    return (this.model.get("rows") ?? []) as Row[];
  }

  act(action: string, number: number, text = ""): void {
    this.channel.send({ type: "take", action, number, text });
  }

  compare(number: number): void {
    if (this.marked === null) this.marked = number;
    else {
      if (this.marked !== number) this.act("compare", this.marked, String(number));
      this.marked = null;
    }
    this.changed();
  }

  changed(): void {
    for (const view of this.views) view();
  }
}

function outline(peaks: number[]): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${peaks.length * 3} 24`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("preserveAspectRatio", "none");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const bars = peaks.map((peak, i) => {
    const size = Math.max(1, (peak / 99) * 22);
    return `M${i * 3} ${(24 - size) / 2}h2v${size}h-2z`;
  });
  path.setAttribute("d", bars.join(""));
  svg.append(path);
  return svg;
}

function button(sign: string, text: string, press: () => void, pressed?: boolean): HTMLButtonElement {
  const element = h("button", {
    class: "snb-button snb-icon",
    type: "button",
    tabindex: "-1",
    "aria-label": text,
    click: press,
  });
  element.title = text;
  if (pressed !== undefined) element.setAttribute("aria-pressed", String(pressed));
  element.append(sign === "A/B" ? sign : icon(sign));
  return element;
}

function rowElement(takes: TakesEngine, row: Row): HTMLLIElement {
  const note = h("input", {
    class: "snb-field snb-take-note",
    type: "text",
    placeholder: "Note",
    "aria-label": `Note on take ${row.number}`,
    maxlength: "500",
    tabindex: "-1",
  });
  note.value = row.note;
  note.addEventListener("change", () => takes.act("note", row.number, note.value));
  const compared = takes.marked === row.number;
  const item = h(
    "li",
    { class: "snb-take", tabindex: "-1", "aria-label": `Take ${row.number}: ${row.title}. ${row.figures}` },
    button("play", `Play take ${row.number}`, () => takes.act("play", row.number)),
    h(
      "div",
      { class: "snb-take-about" },
      h("div", { class: "snb-take-title" }, `${row.number} · ${row.title}`),
      h("div", { class: "snb-take-text", dir: "auto" }, row.text),
      h("div", { class: "snb-take-figures" }, row.figures),
    ),
    outline(row.peaks),
    note,
    h(
      "div",
      { class: "snb-take-buttons" },
      button(
        "star",
        row.starred ? "Unstar" : "Star: keep it when memory runs short",
        () => takes.act("star", row.number, row.starred ? "" : "on"),
        row.starred,
      ),
      button("A/B", "Compare with another take", () => takes.compare(row.number), compared),
      button("trash", `Delete take ${row.number}`, () => takes.act("delete", row.number)),
    ),
  );
  item.dataset.number = String(row.number);
  return item;
}

const CONTROLS = "button, input";

/** Where in the list the person is, with a half-written note, so that drawing the list again changes neither. */
class Place {
  private constructor(
    readonly number: string,
    readonly at: number,
    readonly control: number,
    readonly note: { text: string; from: number | null; to: number | null } | null,
  ) {}

  static of(list: HTMLElement): Place | null {
    const active = document.activeElement;
    const item = active?.closest("li");
    if (!active || !item || !list.contains(item)) return null;
    const control = [...item.querySelectorAll(CONTROLS)].indexOf(active);
    const note =
      active instanceof HTMLInputElement
        ? { text: active.value, from: active.selectionStart, to: active.selectionEnd }
        : null;
    return new Place(item.dataset.number ?? "", [...list.children].indexOf(item), control, note);
  }

  #item(items: HTMLLIElement[]): HTMLLIElement | undefined {
    const same = items.find((item) => item.dataset.number === this.number);
    return same ?? items[Math.min(this.at, items.length - 1)];
  }

  nearest(items: HTMLLIElement[]): number | null {
    const item = this.#item(items);
    return item ? Number(item.dataset.number) : null;
  }

  restore(items: HTMLLIElement[]): void {
    const item = this.#item(items);
    if (!item) return;
    const same = item.dataset.number === this.number;
    const control = same ? item.querySelectorAll<HTMLElement>(CONTROLS)[this.control] : undefined;
    if (control instanceof HTMLInputElement && this.note) {
      control.value = this.note.text;
      control.focus();
      control.setSelectionRange(this.note.from, this.note.to);
    } else (control ?? item).focus();
  }
}

export function mountTakes(takes: TakesEngine, el: HTMLElement, signal: AbortSignal): void {
  const list = h("ul", { class: "snb-takes", "aria-label": "Takes, the latest first" });
  const status = h("div", { class: "snb-status", "aria-live": "polite" });
  const help = "Arrow keys move, Space or Enter plays, S stars, C compares, Delete deletes.";
  const root = h(
    "div",
    { class: "snb-takes-box" },
    list,
    status,
    h("small", { class: "snb-take-help" }, help),
  );
  let focused: number | null = null;
  const items = () => [...list.querySelectorAll<HTMLLIElement>("li")];
  const focus = (number: number | null, move: boolean) => {
    const all = items();
    const found = all.find((item) => item.dataset.number === String(number)) ?? all[0];
    for (const item of all) {
      item.tabIndex = item === found ? 0 : -1;
      for (const control of item.querySelectorAll<HTMLElement>("button, input"))
        control.tabIndex = item === found ? 0 : -1;
    }
    focused = found ? Number(found.dataset.number) : null;
    if (move) found?.focus();
  };
  list.addEventListener("focusin", (event) => {
    const item = (event.target as HTMLElement).closest("li");
    if (item && Number(item.dataset.number) !== focused) focus(Number(item.dataset.number), false);
  });
  list.addEventListener("keydown", (event) => {
    if (!(event.target instanceof HTMLLIElement) || focused === null) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return; // copying and saving stay the host's
    const all = items();
    const at = all.indexOf(event.target);
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -at, End: all.length - 1 - at }[event.key];
    const key = event.key.toLowerCase();
    const row = takes.rows.find((r) => r.number === focused);
    if (step !== undefined) {
      const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
      focus(Number(next?.dataset.number), true);
    } else if (key === " " || key === "enter") takes.act("play", focused);
    else if (key === "s") takes.act("star", focused, row?.starred ? "" : "on");
    else if (key === "c") takes.compare(focused);
    else if (key === "delete") {
      if (!event.repeat) takes.act("delete", focused);
    } else return;
    event.preventDefault();
  });
  let shown = "";
  const paint = () => {
    const rows = takes.rows;
    const current = Number(takes.model.get("current") ?? 0);
    const state = JSON.stringify([rows, takes.marked]);
    if (state !== shown) {
      shown = state;
      const place = Place.of(list);
      list.replaceChildren(...rows.map((row) => rowElement(takes, row)));
      focus(place?.nearest(items()) ?? focused, false);
      place?.restore(items());
    }
    for (const item of items()) item.toggleAttribute("data-current", item.dataset.number === String(current));
    const hint =
      takes.marked !== null ? `Take ${takes.marked} will be compared with the next take you choose.` : "";
    const text =
      hint || String(takes.model.get("remark") ?? "") || (rows.length === 0 ? "No takes yet." : "");
    if (status.textContent !== text) status.textContent = text;
    root.querySelector<HTMLElement>(".snb-take-help")?.toggleAttribute("hidden", rows.length === 0);
    root.dataset.ready = String(takes.channel.ready);
  };
  takes.views.add(paint);
  signal.addEventListener("abort", () => {
    takes.views.delete(paint);
    root.remove();
  });
  el.append(root);
  paint();
}
