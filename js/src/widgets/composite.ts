/**
 * A box of ipywidgets for hosts that know anywidgets only (marimo): walks the tree of models, draws ipywidgets' boxes and
 * controls itself and asks the host for the anywidgets among them.
 */
import "./composite.css";
import type { Model } from "../channel";
import { h } from "../dom";
import { Lifecycle, observe } from "../lifecycle";
import { followTheme } from "../theme";
import { CONTROLS, follow } from "./plain-controls";

interface Host {
  getModel(reference: string): Promise<Model>;
  getWidget(
    reference: string,
  ): Promise<{ render(into: { el: HTMLElement; signal?: AbortSignal }): Promise<void> }>;
}

const LAYOUT = [
  "display",
  "width",
  "max_width",
  "min_width",
  "flex",
  "flex_flow",
  "align_items",
  "justify_content",
  "grid_gap",
];

const reference = (value: unknown) => `anywidget:${String(value).replace(/^IPY_MODEL_/, "")}`;
const references = (model: Model) => ((model.get("children") ?? []) as unknown[]).map(reference);

async function lay(host: Host, model: Model, el: HTMLElement, signal: AbortSignal): Promise<void> {
  const layout = await host.getModel(reference(model.get("layout")));
  follow(layout, signal, LAYOUT, () => {
    for (const name of LAYOUT)
      el.style.setProperty(name.replaceAll("_", "-"), String(layout.get(name) ?? ""));
  });
}

/** Draw the children into a box, now and when there are others. */
function fill(
  model: Model,
  signal: AbortSignal,
  draw: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  let drawn = new Lifecycle(signal);
  const again = () => {
    drawn.end();
    drawn = new Lifecycle(signal);
    void draw(drawn.signal);
  };
  observe(model, ["children"], signal, again);
  return draw(drawn.signal);
}

/** Draw a box's children into it; each finds its place at once, however long it takes. */
async function children(host: Host, model: Model, el: HTMLElement, signal: AbortSignal): Promise<void> {
  const slots = references(model).map(() => h("div"));
  el.replaceChildren(...slots);
  await Promise.all(references(model).map((child, n) => tree(host, child, slots[n] as HTMLElement, signal)));
}

async function folds(host: Host, model: Model, el: HTMLElement, signal: AbortSignal): Promise<void> {
  const slots = references(model).map(() => h("div"));
  const made = slots.map((slot, place) => {
    const title = h("summary");
    const fold = h("details", { class: "snb-plain-fold" }, title, slot);
    fold.addEventListener("toggle", () => {
      if (fold.open === (model.get("selected_index") === place)) return;
      model.set("selected_index", fold.open ? place : null);
      model.save_changes();
    });
    follow(model, signal, ["titles", "selected_index"], () => {
      title.textContent = ((model.get("titles") ?? []) as string[])[place] ?? "";
      fold.open = model.get("selected_index") === place;
    });
    return fold;
  });
  el.replaceChildren(...made);
  await Promise.all(references(model).map((child, n) => tree(host, child, slots[n] as HTMLElement, signal)));
}

/** Draw a model in place of an element that is in the page: hosts put an anywidget's styles where it is drawn. */
async function tree(host: Host, of: string, slot: HTMLElement, signal: AbortSignal): Promise<void> {
  const model = await host.getModel(of);
  if (signal.aborted) return;
  const name = String(model.get("_model_name"));
  const control = CONTROLS[name];
  const el = control ? control(model, signal) : h("div");
  slot.replaceWith(el);
  for (const named of (model.get("_dom_classes") ?? []) as string[]) el.classList.add(named);
  await lay(host, model, el, signal);
  if (control) return;
  if (name === "AnyModel") await (await host.getWidget(of)).render({ el, signal });
  else if (name === "AccordionModel") await fill(model, signal, (drawn) => folds(host, model, el, drawn));
  else if (model.get("children")) {
    el.classList.add(name === "HBoxModel" ? "widget-hbox" : "widget-vbox");
    await fill(model, signal, (drawn) => children(host, model, el, drawn));
  } else {
    el.textContent = `This host cannot draw a ${name}.`;
    console.warn(`[smallest_nb] no control for ${name}`);
  }
}

export default {
  async render({
    model,
    el,
    host,
    signal,
  }: {
    model: Model;
    el: HTMLElement;
    host?: Host;
    signal?: AbortSignal;
  }) {
    const life = new Lifecycle(signal);
    const root = h("div", { class: "snb snb-plain" });
    el.append(root);
    followTheme(root, life.signal);
    const slot = h("div");
    root.append(slot);
    if (host) await tree(host, reference(model.get("root")), slot, life.signal);
    else
      slot.append(
        "This notebook host cannot show boxes of widgets: show their parts instead, such as tuner.player.",
      );
    return () => {
      life.end();
      root.remove();
    };
  },
};
