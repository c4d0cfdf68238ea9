/** The text to speak: its figures follow typing, and Ctrl+Enter speaks it. */
import type { Model, PartChannel } from "../channel";
import { grouped, h, onWidth, setText } from "../dom";
import { observe } from "../lifecycle";
import type { PlayerEngine } from "./player";

/** Of ordinary speech at the normal speed, for a forecast. */
const CHARACTERS_PER_SECOND = 14;
const TYPED_MS = 200;
const MAX_HEIGHT_PX = 220;
/** The style sheet lets the field grow; else its size is set here, for which the browser lays the page out. */
const GROWS = CSS.supports?.("field-sizing", "content") ?? false;

export class TextEngine {
  readonly views = new Set<() => void>();
  /** What a person sees in the field, ahead of what the kernel knows. */
  text: string;
  /** The text that was asked for, until the kernel says which one is spoken. */
  #asked: string | null = null;
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    readonly player: PlayerEngine,
    signal: AbortSignal,
  ) {
    this.text = String(model.get("text") ?? "");
    observe(model, ["text"], signal, () => {
      clearTimeout(this.#typing);
      this.text = String(model.get("text") ?? "");
      this.changed();
    });
    observe(model, ["speed"], signal, () => this.changed());
    observe(model, ["confirm"], signal, () => player.changed());
    observe(model, ["said"], signal, () => {
      this.#asked = null;
      player.changed();
    });
    player.button = {
      beforePlay: () => this.#send(),
      plays: () => this.#toConfirm > 0 || this.text !== (this.#asked ?? String(model.get("said") ?? "")),
      label: () => (this.#toConfirm ? `Speak ${grouped(this.#toConfirm)} characters` : null),
    };
    signal.addEventListener("abort", () => clearTimeout(this.#typing));
  }

  /** Characters that the next press speaks, if so many that the kernel asks first; else 0. */
  get #toConfirm(): number {
    return Number(this.model.get("confirm") ?? 0);
  }

  type(text: string): void {
    this.text = text;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#save(), TYPED_MS);
    this.changed();
    this.player.changed();
  }

  speak(): void {
    this.player.press(false);
  }

  /** Ask the service again, even if nothing has changed. */
  again(): void {
    this.#send();
    this.channel.send({ type: "act", action: "again", text: "" });
  }

  /** The text goes along with the press: traits and messages of a page have no order among each other. */
  #send(): void {
    this.#save();
    this.#asked = this.text;
    this.channel.send({ type: "act", action: "text", text: this.text });
  }

  #save(): void {
    clearTimeout(this.#typing);
    if (this.model.get("text") === this.text) return;
    this.model.set("text", this.text);
    this.model.save_changes();
  }

  changed(): void {
    for (const view of this.views) view();
  }
}

function forecast(characters: number, speed: number): string {
  const seconds = characters / CHARACTERS_PER_SECOND / speed;
  return seconds < 90 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${(seconds / 60).toFixed(1)} min`;
}

/** Draw the field and its figures into an element. */
export function mountText(engine: TextEngine, el: HTMLElement, signal: AbortSignal): void {
  const field = h("textarea", {
    class: "snb-text",
    rows: "2",
    dir: "auto",
    placeholder: "Type the text to speak.",
    "aria-label": "Text to speak",
  });
  const figures = h("span", { class: "snb-text-figures" });
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const keys = h(
    "span",
    { class: "snb-text-keys" },
    h("kbd", {}, mac ? "⌘" : "Ctrl"),
    " ",
    h("kbd", {}, "Enter"),
    " to speak",
  );
  const under = h("div", { class: "snb-text-under" }, figures, keys);
  const resize = () => {
    if (GROWS || !field.isConnected) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(MAX_HEIGHT_PX, field.scrollHeight + 2)}px`;
  };
  let composing = false;
  field.addEventListener("compositionstart", () => {
    composing = true;
  });
  field.addEventListener("compositionend", () => {
    composing = false;
  });
  const paint = () => {
    if (!composing && field.value !== engine.text) field.value = engine.text;
    const count = [...engine.text].length;
    const speed = Number(engine.model.get("speed") ?? 1) || 1;
    const at = speed === 1 ? "" : ` at speed ${speed}`;
    const long = `${grouped(count)} character${count === 1 ? "" : "s"}`;
    setText(figures, count ? `${long} · about ${forecast(count, speed)}${at}` : long);
    resize();
  };
  field.addEventListener("input", () => engine.type(field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    engine.type(field.value);
    engine.speak();
  });
  engine.views.add(paint);
  signal.addEventListener("abort", () => engine.views.delete(paint));
  el.append(field, under);
  onWidth(el, signal, resize);
  paint();
}
