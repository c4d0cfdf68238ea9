/** A part of a widget: the same traits and messages as a widget of its own, under a name with a dot. */
import type { Model } from "./channel";

/** The model of a part: `get("status")` is the whole widget's `player.status`. Messages go over the part's channel. */
export class PartModel implements Model {
  readonly #prefix: string;

  constructor(
    readonly whole: Model,
    name: string,
  ) {
    this.#prefix = `${name}.`;
  }

  get(name: string): unknown {
    return this.whole.get(this.#prefix + name);
  }

  set(name: string, value: unknown): void {
    this.whole.set(this.#prefix + name, value);
  }

  save_changes(): void {
    this.whole.save_changes();
  }

  on(event: string, callback: (...args: never[]) => void): void {
    this.whole.on(this.#event(event), callback);
  }

  off(event: string, callback: (...args: never[]) => void): void {
    this.whole.off(this.#event(event), callback);
  }

  send(): void {
    throw new Error("A part's messages go over its channel.");
  }

  #event(event: string): string {
    return event.replace(/^change:/, `change:${this.#prefix}`);
  }
}
