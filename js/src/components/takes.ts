/** The list of takes: hear, star, note, compare, use again, save, delete and bring back; all of it by keyboard too. */
import "./takes.css";
import type { Model, PartChannel } from "../channel";
import { h, icon, setAttribute, setData, setText } from "../dom";
import { download } from "../download";
import { observe } from "../lifecycle";
import { CompareRow, type Slot } from "./compare-row";
import type { PlayerEngine } from "./player";

interface Row {
  number: number;
  title: string;
  text: string;
  figures: string;
  details: string;
  starred: boolean;
  note: string;
  /** The loudest of each of some equal stretches, 0 to 99. */
  peaks: number[];
}

const FORMATS: [string, string][] = [
  ["wav", "WAV"],
  ["flac", "FLAC"],
  ["mp3", "MP3"],
];

export class TakesEngine {
  readonly views = new Set<() => void>();
  /** The takes that are compared, or are to be once both are chosen. */
  readonly chosen: Partial<Record<Slot, number>> = {};
  /** What is heard first when both have come; only where it was chosen. */
  #next: Slot | null = null;

  /** `text`: returns what stands in the text field, which a take need not repeat. */
  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
    readonly player: PlayerEngine,
    readonly text: () => string,
  ) {
    this.channel.onWelcome(() => this.changed());
    this.channel.on("file", (m, bytes) => download(m.name, m.mime, bytes));
    player.pair.arrived = () => {
      if (this.#next) player.pair.play(this.#next);
      this.#next = null;
    };
    observe(model, ["rows", "current", "remark", "undo"], signal, () => this.changed());
    observe(model, ["remark"], signal, () => {
      if (this.#next && model.get("remark")) this.endComparing(); // it cannot be done, for the reason that is shown
    });
    observe(model, ["pair"], signal, () => this.#follow());
    this.#follow();
  }

  get rows(): Row[] {
    return (this.model.get("rows") ?? []) as Row[];
  }

  act(action: string, number: number, text = ""): void {
    this.channel.send({ type: "take", action, number, text });
  }

  slot(number: number): Slot | null {
    return this.chosen.a === number ? "a" : this.chosen.b === number ? "b" : null;
  }

  /** Let a take be A or B; what is chosen already is so no more. */
  choose(slot: Slot, number: number): void {
    const other = slot === "a" ? "b" : "a";
    if (this.chosen[other] === number) delete this.chosen[other];
    if (this.chosen[slot] === number) delete this.chosen[slot];
    else this.chosen[slot] = number;
    this.player.pair.clear();
    const { a, b } = this.chosen;
    if (a !== undefined && b !== undefined) {
      void this.player.playback.unlock();
      this.#next = slot;
      this.act("compare", a, String(b));
    }
    this.changed();
  }

  endComparing(): void {
    delete this.chosen.a;
    delete this.chosen.b;
    this.#next = null;
    this.player.pair.clear();
    this.player.changed();
    this.changed();
  }

  #follow(): void {
    const [a, b] = (this.model.get("pair") ?? []) as number[];
    if (a !== undefined && b !== undefined) Object.assign(this.chosen, { a, b });
    else if (this.chosen.a !== undefined && this.chosen.b !== undefined) this.endComparing();
    this.changed();
  }

  changed(): void {
    for (const view of this.views) view();
  }
}

const SVG = "http://www.w3.org/2000/svg";

function outline(peaks: number[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${peaks.length * 3} 24`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("preserveAspectRatio", "none");
  const path = document.createElementNS(SVG, "path");
  const bars = peaks.map((peak, i) => {
    const size = Math.max(1, (peak / 99) * 22);
    return `M${i * 3} ${(24 - size) / 2}h2v${size}h-2z`;
  });
  path.setAttribute("d", bars.join(""));
  svg.append(path);
  return svg;
}

/** A take in the list. It is made once and then changed in place: what a person types in it stays as it is. */
class TakeRow {
  readonly element: HTMLLIElement;
  readonly #title = h("div", { class: "snb-take-title" });
  readonly #figures = h("div", { class: "snb-take-figures" });
  readonly #text = h("div", { class: "snb-take-text", dir: "auto" });
  readonly #details = h("div", { class: "snb-take-details" });
  readonly #star: HTMLButtonElement;
  readonly #slots: Record<Slot, HTMLButtonElement>;
  readonly #note = h("input", {
    class: "snb-field snb-take-note",
    type: "text",
    dir: "auto",
    placeholder: "Note",
    maxlength: "500",
  });
  readonly #more: HTMLDivElement;
  readonly #menu: HTMLButtonElement;
  #row: Row;
  #shown = "";

  constructor(
    readonly takes: TakesEngine,
    row: Row,
  ) {
    this.#row = row;
    const { number } = row;
    const play = this.#button(icon("play"), `Play take ${number}`, () => takes.act("play", number));
    play.classList.add("snb-take-play");
    const slot = (name: Slot) => {
      const letter = name.toUpperCase();
      return this.#button(letter, `Compare take ${number} as ${letter}`, () => takes.choose(name, number));
    };
    this.#slots = { a: slot("a"), b: slot("b") };
    for (const name of ["a", "b"] as const) this.#slots[name].dataset.slot = name;
    this.#star = this.#button(icon("star"), "", () => this.star());
    this.#menu = this.#button("⋯", `More about take ${number}`, () => this.open(!this.isOpen));
    this.#note.setAttribute("aria-label", `Note on take ${number}`);
    this.#note.addEventListener("change", () => takes.act("note", number, this.#note.value));
    this.#note.addEventListener("keydown", (event) => {
      if (event.isComposing) return; // Enter and Escape are the input method's
      if (event.key === "Escape") this.#note.value = this.#row.note;
      if (event.key === "Escape" || event.key === "Enter") this.element.focus();
    });
    const link = (text: string, label: string, press: () => void) => {
      const button = h(
        "button",
        { class: "snb-link", type: "button", "aria-label": label, click: press },
        text,
      );
      return button;
    };
    this.#more = h(
      "div",
      { class: "snb-take-more", hidden: true },
      this.#note,
      h(
        "div",
        { class: "snb-take-links" },
        link("Use these settings", `Use the settings of take ${number}`, () => takes.act("use", number)),
        h("span", {}, "Download"),
        ...FORMATS.map(([id, name]) =>
          link(name, `Download take ${number} as ${name}`, () => takes.act("save", number, id)),
        ),
        link("Delete", `Delete take ${number}`, () => takes.act("delete", number)),
      ),
      this.#details,
    );
    this.element = h(
      "li",
      { class: "snb-take", tabindex: "-1", "data-number": String(number) },
      play,
      h("div", { class: "snb-take-about" }, this.#title, this.#text, this.#figures),
      outline(row.peaks),
      h("div", { class: "snb-take-buttons" }, this.#slots.a, this.#slots.b, this.#star, this.#menu),
      this.#more,
    );
    this.update(row);
    this.reach(false);
  }

  get number(): number {
    return this.#row.number;
  }

  get isOpen(): boolean {
    return !this.#more.hidden;
  }

  update(row: Row): void {
    const { takes } = this;
    const differs = row.text !== takes.text();
    const slot = takes.slot(row.number);
    const current = Number(takes.model.get("current")) === row.number;
    if (row === this.#row && this.#shown === `${differs} ${slot} ${current}`) return; // at each key that is typed
    this.#shown = `${differs} ${slot} ${current}`;
    this.#row = row;
    this.#title.replaceChildren(h("b", {}, String(row.number)), ` ${row.title}`);
    const note = row.note ? ` · “${row.note}”` : "";
    setText(this.#figures, row.figures + note);
    setText(this.#text, differs ? row.text : "");
    setText(this.#details, row.details);
    const starring = row.starred ? "Unstar" : "Star: starred takes are kept longest";
    setAttribute(this.#star, "aria-label", starring);
    this.#star.title = starring;
    setAttribute(this.#star, "aria-pressed", String(row.starred));
    for (const name of ["a", "b"] as const)
      setAttribute(this.#slots[name], "aria-pressed", String(slot === name));
    if (!this.#note.matches(":focus")) this.#note.value = row.note;
    setAttribute(this.element, "aria-label", `Take ${row.number}: ${row.title}. ${row.figures}`);
    this.element.toggleAttribute("data-current", current);
  }

  star(): void {
    this.takes.act("star", this.number, this.#row.starred ? "" : "on");
  }

  open(open: boolean): void {
    this.#more.toggleAttribute("hidden", !open);
    setAttribute(this.#menu, "aria-expanded", String(open));
  }

  /** Open what is folded away, and begin to write. */
  write(): void {
    this.open(true);
    this.#note.focus();
  }

  /** Let Tab go through this row, or past it. */
  reach(reached: boolean): void {
    const index = reached ? 0 : -1;
    this.element.tabIndex = index;
    for (const control of this.element.querySelectorAll<HTMLElement>("button, input"))
      control.tabIndex = index;
  }

  #button(sign: Node | string, text: string, press: () => void): HTMLButtonElement {
    const button = h("button", { class: "snb-button snb-icon", type: "button", click: press }, sign);
    if (text) button.setAttribute("aria-label", text);
    button.title = text;
    if (sign === "⋯") button.setAttribute("aria-expanded", "false");
    return button;
  }
}

const HELP =
  "Arrow keys move, Space plays, A and B compare, X switches, S stars, N opens the note, Delete deletes.";

export function mountTakes(takes: TakesEngine, el: HTMLElement, signal: AbortSignal): void {
  const list = h("ul", { class: "snb-takes", "aria-label": "Takes, the latest first" });
  const status = h("div", { class: "snb-status", role: "status" });
  const undone = h("span", {});
  const undo = h(
    "div",
    { class: "snb-take-undo" },
    undone,
    h("button", { class: "snb-link", type: "button", click: () => takes.act("undo", 0) }, "Undo"),
  );
  const compare = new CompareRow(takes.player.pair, () => takes.endComparing());
  const help = h("small", { class: "snb-take-help" }, HELP);
  const root = h("div", { class: "snb-takes-box" }, list, undo, compare.element, status, help);
  const rows = new Map<number, TakeRow>();
  let focused: number | null = null;

  const reach = (number: number | null) => {
    const found = rows.get(number ?? -1) ?? rows.get(takes.rows[0]?.number ?? -1);
    for (const row of rows.values()) row.reach(row === found);
    focused = found?.number ?? null;
    return found;
  };
  list.addEventListener("focusin", (event) => {
    const item = (event.target as HTMLElement).closest<HTMLElement>("li");
    if (item && Number(item.dataset.number) !== focused) reach(Number(item.dataset.number));
  });
  list.addEventListener("keydown", (event) => {
    const row = rows.get(focused ?? -1);
    if (!row || event.target !== row.element) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return; // copying and saving stay the host's
    const at = takes.rows.findIndex((one) => one.number === focused);
    const last = takes.rows.length - 1;
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -at, End: last - at }[event.key];
    const key = event.key.toLowerCase();
    if (step !== undefined)
      reach(takes.rows[Math.max(0, Math.min(last, at + step))]?.number ?? null)?.element.focus();
    else if (key === " " || key === "enter") takes.act("play", row.number);
    else if (key === "s") row.star();
    else if (key === "a" || key === "b") takes.choose(key, row.number);
    else if (key === "n") row.write();
    else if (key === "delete") {
      if (!event.repeat) takes.act("delete", row.number);
    } else return;
    event.preventDefault();
  });

  /** Make the list what it is to be, and leave in place what is there. */
  const arrange = (wanted: Row[]) => {
    const numbers = new Set(wanted.map((row) => row.number));
    const lost = [...rows.values()].find((row) => row.element.matches(":focus-within"));
    const place = lost ? [...list.children].indexOf(lost.element) : -1;
    for (const [number, row] of rows) {
      if (numbers.has(number)) continue;
      row.element.remove();
      rows.delete(number);
    }
    let before: Element | null = list.firstElementChild;
    for (const row of wanted) {
      let item = rows.get(row.number);
      if (!item) {
        item = new TakeRow(takes, row);
        rows.set(row.number, item);
      } else item.update(row);
      if (item.element === before) before = before.nextElementSibling;
      else list.insertBefore(item.element, before);
    }
    if (lost && !rows.has(lost.number)) {
      const next = wanted[Math.min(place, wanted.length - 1)];
      if (next) reach(next.number)?.element.focus();
      else undo.querySelector("button")?.focus();
    } else reach(focused);
  };

  const paint = () => {
    const wanted = takes.rows;
    arrange(wanted);
    const { a, b } = takes.chosen;
    const one = a ?? b;
    const letter = a === undefined ? "A" : "B";
    const half = one !== undefined && (a === undefined || b === undefined);
    const hint = half ? `Press ${letter} on another take to compare it with take ${one}.` : "";
    setText(
      status,
      hint || String(takes.model.get("remark") ?? "") || (wanted.length ? "" : "No takes yet."),
    );
    const deleted = String(takes.model.get("undo") ?? "");
    setText(undone, deleted);
    undo.toggleAttribute("hidden", !deleted);
    help.toggleAttribute("hidden", wanted.length === 0);
    setData(root, "ready", String(takes.channel.ready));
  };
  const paintComparison = () => compare.show(String(takes.player.model.get("difference") ?? ""));
  takes.views.add(paint);
  takes.player.views.add(paintComparison);
  observe(takes.player.model, ["difference"], signal, paintComparison);
  signal.addEventListener("abort", () => {
    takes.views.delete(paint);
    takes.player.views.delete(paintComparison);
    root.remove();
  });
  el.append(root);
  paint();
  paintComparison();
}
