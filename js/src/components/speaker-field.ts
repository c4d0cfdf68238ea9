/**
 * The field in which a speaker's name is typed. It lies over the name and not in the line: however often lines are drawn
 * again while results come, the field, its text, its focus and an input method's half-typed word stay.
 */
import { h } from "../dom";
import type { NameOf } from "./transcript-line";

export class SpeakerField {
  #field: HTMLInputElement | null = null;
  #speaker = -1;
  #button: HTMLElement | null = null;

  /** `list`: where the names stand; `over`: its offset parent, which takes the field. */
  constructor(
    readonly list: HTMLElement,
    readonly over: HTMLElement,
    readonly nameOf: NameOf,
    readonly save: (speaker: number, name: string) => void,
    signal: AbortSignal,
  ) {
    list.addEventListener("scroll", () => this.place(), { signal, passive: true });
    signal.addEventListener("abort", () => this.#close());
  }

  open(button: HTMLElement): void {
    this.#end(true);
    this.#speaker = Number(button.dataset.speaker);
    this.#button = button;
    const field = h("input", {
      class: "snb-field snb-speaker-field",
      type: "text",
      dir: "auto",
      maxlength: "80",
      "aria-label": "Name",
    });
    field.value = this.nameOf(this.#speaker);
    field.addEventListener("keydown", (event) => {
      // An input method's own keys: Enter accepts a candidate, Escape leaves it.
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault(); // else the same key presses the button, which has the focus by then
      this.#end(event.key === "Enter", true);
    });
    field.addEventListener("blur", () => document.hasFocus() && this.#end(true));
    this.#field = field;
    this.over.append(field);
    this.place();
    field.select();
  }

  /** Put the field over the name; call it when lines were drawn again. */
  place(): void {
    const field = this.#field;
    if (!field) return;
    const buttons = [...this.list.querySelectorAll<HTMLElement>(`[data-speaker="${this.#speaker}"]`)];
    const line = this.#button?.closest<HTMLElement>("[data-i]")?.dataset.i;
    const same = buttons.find((one) => one.closest<HTMLElement>("[data-i]")?.dataset.i === line);
    this.#button = same ?? buttons[0] ?? this.#button;
    if (!this.#button?.isConnected) return; // the line has gone; the field stays where it was
    const [box, name] = [this.over.getBoundingClientRect(), this.#button.getBoundingClientRect()];
    const scale = box.width / (this.over.offsetWidth || 1) || 1; // CSS `zoom`
    const lowest = this.over.clientHeight - field.offsetHeight;
    const top = (name.top - box.top) / scale - (field.offsetHeight - this.#button.offsetHeight) / 2;
    field.style.top = `${Math.max(0, Math.min(lowest, top))}px`;
    field.style.left = `${Math.max(0, (name.left - box.left) / scale - 6)}px`;
  }

  #end(keep: boolean, byKey = false): void {
    const field = this.#field;
    if (!field) return;
    const [speaker, name, button] = [this.#speaker, field.value.trim(), this.#button];
    this.#close();
    if (byKey) (button?.isConnected ? button : this.list).focus();
    if (keep && name !== this.nameOf(speaker)) this.save(speaker, name);
  }

  #close(): void {
    const field = this.#field;
    this.#field = null; // first: a field that is taken away loses the focus, and that saves nothing
    field?.remove();
  }
}
