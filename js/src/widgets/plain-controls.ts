/** ipywidgets' own controls, drawn by us where the host draws none: each is bound to its model both ways. */
import type { Model } from "../channel";
import { h, keepKeys } from "../dom";
import { observe } from "../lifecycle";

export type Draw = (model: Model, signal: AbortSignal) => HTMLElement;

const text = (model: Model, name: string) => String(model.get(name) ?? "");

/** Call now and whenever one of these changes. */
export function follow(model: Model, signal: AbortSignal, names: string[], paint: () => void): void {
  observe(model, names, signal, paint);
  paint();
}

function setTrait(model: Model, name: string, value: unknown): void {
  model.set(name, value);
  model.save_changes();
}

function named(control: HTMLElement, label: HTMLElement | null): HTMLElement {
  keepKeys(control);
  if (!label) return control;
  return h("label", { class: "snb-plain-labelled" }, control, label);
}

const words: Draw = (model, signal) => {
  const place = h("div", { class: "widget-label" });
  follow(model, signal, ["value"], () => {
    place.textContent = text(model, "value");
  });
  return place;
};

/** As ipywidgets does: what the kernel sends is markup of ours, with everything foreign in it escaped. */
const markup: Draw = (model, signal) => {
  const place = h("div");
  follow(model, signal, ["value"], () => {
    place.innerHTML = text(model, "value");
  });
  return place;
};

function field(tag: "input" | "textarea"): Draw {
  return (model, signal) => {
    const box = h(tag, { class: "snb-field snb-plain-field", ...(tag === "input" ? { type: "text" } : {}) });
    if (box instanceof HTMLTextAreaElement) box.rows = Number(model.get("rows") ?? 2);
    follow(model, signal, ["value", "placeholder", "disabled"], () => {
      if (box.value !== text(model, "value")) box.value = text(model, "value");
      box.placeholder = text(model, "placeholder");
      box.disabled = Boolean(model.get("disabled"));
    });
    box.setAttribute("aria-label", text(model, "description") || box.placeholder);
    box.addEventListener(model.get("continuous_update") ? "input" : "change", () =>
      setTrait(model, "value", box.value),
    );
    return named(box, null);
  };
}

const tick: Draw = (model, signal) => {
  const box = h("input", { type: "checkbox" });
  const label = h("span");
  box.addEventListener("change", () => setTrait(model, "value", box.checked));
  follow(model, signal, ["value", "description", "disabled"], () => {
    box.checked = Boolean(model.get("value"));
    box.disabled = Boolean(model.get("disabled"));
    label.textContent = text(model, "description");
  });
  return named(box, label);
};

const press: Draw = (model, signal) => {
  const button = h("button", {
    class: "snb-button snb-plain-button",
    type: "button",
    click: () => model.send({ event: "click" }, undefined, []),
  });
  follow(model, signal, ["description", "tooltip", "disabled"], () => {
    button.textContent = text(model, "description");
    button.title = text(model, "tooltip");
    button.disabled = Boolean(model.get("disabled"));
  });
  return named(button, null);
};

function slider(digits: number): Draw {
  return (model, signal) => {
    const bar = h("input", { type: "range" });
    const shown = h("output");
    const read = () => {
      shown.textContent = Number(bar.value).toFixed(digits);
    };
    bar.addEventListener("input", read);
    bar.addEventListener("change", () => setTrait(model, "value", Number(bar.value)));
    follow(model, signal, ["min", "max", "step", "value", "disabled"], () => {
      for (const name of ["min", "max", "step"] as const) bar[name] = text(model, name);
      bar.value = text(model, "value");
      bar.disabled = Boolean(model.get("disabled"));
      read();
    });
    return named(bar, shown);
  };
}

/** A choice knows its options by their places only. */
const choice: Draw = (model, signal) => {
  const list = h("select", { class: "snb-field snb-plain-field" });
  const rows = Number(model.get("rows") ?? 1);
  if (text(model, "_model_name") === "SelectModel") list.size = rows;
  list.addEventListener("change", () => setTrait(model, "index", list.selectedIndex));
  follow(model, signal, ["_options_labels", "index", "disabled"], () => {
    const labels = (model.get("_options_labels") ?? []) as string[];
    if (labels.join("\n") !== [...list.options].map((option) => option.text).join("\n"))
      list.replaceChildren(...labels.map((label) => h("option", {}, label)));
    list.selectedIndex = Number(model.get("index") ?? -1);
    list.disabled = Boolean(model.get("disabled"));
  });
  return named(list, null);
};

const upload: Draw = (model, signal) => {
  const picker = h("input", { type: "file", accept: text(model, "accept") });
  picker.addEventListener("change", async () => {
    const files = [...(picker.files ?? [])].map(async (file) => ({
      name: file.name,
      type: file.type,
      size: file.size,
      last_modified: file.lastModified,
      content: new DataView(await file.arrayBuffer()),
    }));
    setTrait(model, "value", await Promise.all(files));
    picker.value = "";
  });
  const label = h("span");
  follow(model, signal, ["description"], () => {
    label.textContent = text(model, "description");
  });
  return named(picker, label);
};

export const CONTROLS: Record<string, Draw> = {
  LabelModel: words,
  HTMLModel: markup,
  TextModel: field("input"),
  TextareaModel: field("textarea"),
  CheckboxModel: tick,
  ButtonModel: press,
  FloatSliderModel: slider(2),
  IntSliderModel: slider(0),
  DropdownModel: choice,
  SelectModel: choice,
  FileUploadModel: upload,
};
