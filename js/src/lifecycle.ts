/** One AbortController per model and per view; works with and without the host's own `signal` (anywidget 0.9.21 has none). */

import { Channel, type Model, type PartChannel } from "./channel";
import { mountConnection } from "./components/connection";
import { keepKeys } from "./dom";
import { capabilities } from "./host";
import { type Factory, offer } from "./modules";

export class Lifecycle {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;

  constructor(host?: AbortSignal) {
    host?.addEventListener("abort", () => this.end());
  }

  end = (): void => {
    this.#controller.abort();
  };
}

/** Call `changed` whenever one of these traits changes, until the signal. */
export function observe(
  model: Model,
  names: readonly string[],
  signal: AbortSignal,
  changed: () => void,
): void {
  for (const name of names) model.on(`change:${name}`, changed);
  signal.addEventListener("abort", () => {
    for (const name of names) model.off(`change:${name}`, changed);
  });
}

/** The default export of every widget: one engine per model, made in `initialize`; any number of views of it. */
export function widget<Engine>(
  make: (model: Model, channel: PartChannel, signal: AbortSignal) => Engine,
  mount: (engine: Engine, el: HTMLElement, signal: AbortSignal) => void,
  parts: readonly string[] | ((model: Model) => readonly string[]) = [""],
) {
  const factory = () => {
    let engine: Engine | undefined;
    let channel: Channel | undefined;
    return {
      initialize({ model, signal }: { model: Model; signal?: AbortSignal }) {
        const life = new Lifecycle(signal);
        const drawn = typeof parts === "function" ? parts(model) : parts;
        channel = new Channel(model, capabilities, life.signal, drawn);
        engine = make(model, channel.part(), life.signal);
        return life.end;
      },
      render({ el, signal }: { el: HTMLElement; signal?: AbortSignal }) {
        const life = new Lifecycle(signal);
        channel?.addView(life.signal); // first: the kernel answers while the page draws
        // Drawn outside of the page: each size that is asked for while it grows would be a layout of the whole notebook.
        const box = document.createElement("div");
        if (engine) mount(engine, box, life.signal);
        if (channel) mountConnection(channel, box, life.signal);
        el.append(...box.childNodes);
        keepKeys(el, life.signal);
        return life.end;
      },
    };
  };
  offer(__WIDGET__, factory as Factory);
  return factory;
}
