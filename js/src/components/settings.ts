/** The controls of a service's settings, drawn from the settings' own metadata. */
import "./settings.css";
import type { Model, PartChannel } from "../channel";
import { h, iconButton, rememberOpen, setData, setText } from "../dom";
import { observe } from "../lifecycle";
import { followTheme } from "../theme";

type Value = string | number | boolean | null;

/** One setting, as the kernel describes it. */
interface Control {
  name: string;
  kind: "float" | "int" | "bool" | "choice" | "str" | "keywords" | "names";
  label: string;
  help: string;
  minimum: number | null;
  maximum: number | null;
  step: number | null;
  choices: [string, string][];
  /** What is set at first; null leaves it to the API. */
  initial: Value;
  /** What holds then. */
  default: Value;
  /** It can be left to the API. */
  optional: boolean;
  folded: boolean;
}

const EXAMPLES: Partial<Record<Control["kind"], string>> = {
  keywords: "such as Priya:5, Waves",
  names: "ids, separated by commas",
  str: "for example hi",
};

/** The kernel has answered by then, or has something else to say. */
const CONFIRMED_MS = 1500;

let count = 0;

export class SettingsEngine {
  readonly views = new Set<() => void>();
  /** Draws a setting's control in place of ours. */
  readonly custom = new Map<string, (signal: AbortSignal) => HTMLElement>();
  /** What a person has chosen and the kernel has not confirmed yet: its answers come late, and one after the other. */
  readonly #chosen = new Map<string, Value>();
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    observe(model, ["values", "reasons", "unavailable", "hints", "voices", "error"], signal, () => {
      for (const [name, value] of this.#chosen) if (this.#held(name) === value) this.#chosen.delete(name);
      if (this.model.get("error")) this.#chosen.clear();
      this.changed();
    });
    signal.addEventListener("abort", () => clearTimeout(this.#waiting));
    channel.onWelcome(() => this.changed());
  }

  get controls(): Control[] {
    return (this.model.get("controls") ?? []) as Control[];
  }

  /** What is set, or will be in a moment. */
  value(name: string): Value {
    return this.#chosen.has(name) ? (this.#chosen.get(name) ?? null) : this.#held(name);
  }

  #held(name: string): Value {
    return ((this.model.get("values") ?? {}) as Record<string, Value>)[name] ?? null;
  }

  reason(name: string): string {
    return ((this.model.get("reasons") ?? {}) as Record<string, string>)[name] ?? "";
  }

  hint(name: string): string {
    return ((this.model.get("hints") ?? {}) as Record<string, string>)[name] ?? "";
  }

  choices(control: Control): [string, string][] {
    if (control.name !== "voice") return control.choices;
    const voices = (this.model.get("voices") ?? []) as [string, string][];
    return voices.map(([id, about]) => [id, `${id} · ${about}`]);
  }

  choose(name: string, value: Value): void {
    this.#chosen.set(name, value);
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => {
      this.#chosen.clear(); // then what the kernel says holds, whatever it made of it
      this.changed();
    }, CONFIRMED_MS);
    this.changed();
    this.channel.send({ type: "setting", name, value });
  }

  changed(): void {
    for (const view of this.views) view();
  }
}

/** A control bound to its setting: `show` writes what holds into it, unless a person is at work in it. */
interface Bound {
  element: HTMLElement;
  show(value: Value): void;
  disable(disabled: boolean): void;
}

function slider(settings: SettingsEngine, control: Control, label: string): Bound {
  const range = { min: String(control.minimum), max: String(control.maximum), step: String(control.step) };
  const bar = h("input", { type: "range", ...range, "aria-labelledby": label });
  const field = h("input", {
    type: "number",
    class: "snb-field snb-setting-number",
    ...range,
    "aria-labelledby": label,
  });
  const digits = control.kind === "float" ? 2 : 0;
  const span = (control.maximum ?? 1) - (control.minimum ?? 0);
  const mark = h("i", { class: "snb-slider-default", "aria-hidden": "true" });
  const part = (Number(control.default) - (control.minimum ?? 0)) / (span || 1);
  mark.style.setProperty("--snb-at", String(part));
  bar.addEventListener("input", () => {
    field.value = Number(bar.value).toFixed(digits);
  });
  bar.addEventListener("change", () => settings.choose(control.name, Number(bar.value)));
  field.addEventListener("change", () => {
    if (field.value !== "") settings.choose(control.name, Number(field.value));
    else settings.changed();
  });
  return {
    element: h(
      "span",
      { class: "snb-setting-slider" },
      h("span", { class: "snb-slider-track" }, mark, bar),
      field,
    ),
    show(value) {
      const shown = Number(value ?? control.default);
      if (document.activeElement !== field) field.value = shown.toFixed(digits);
      bar.value = String(shown);
    },
    disable(disabled) {
      bar.toggleAttribute("disabled", disabled);
      field.toggleAttribute("disabled", disabled);
    },
  };
}

function choice(settings: SettingsEngine, control: Control, label: string): Bound {
  const list = h("select", { class: "snb-field", "aria-labelledby": label });
  list.addEventListener("change", () => settings.choose(control.name, list.value));
  let listed = "";
  return {
    element: list,
    show(value) {
      const known = settings.choices(control);
      const shown = String(value ?? "");
      const all = known.some(([id]) => id === shown) ? known : [...known, [shown, shown] as [string, string]];
      const key = JSON.stringify(all);
      if (key !== listed) {
        listed = key;
        list.replaceChildren(...all.map(([id, text]) => h("option", { value: id }, text)));
      }
      list.value = shown;
    },
    disable(disabled) {
      list.toggleAttribute("disabled", disabled);
    },
  };
}

function tick(settings: SettingsEngine, control: Control, label: string): Bound {
  const box = h("input", { type: "checkbox", "aria-labelledby": label });
  box.addEventListener("change", () => settings.choose(control.name, box.checked));
  return {
    element: h("label", { class: "snb-setting-tick" }, box, h("span", {}, control.help)),
    show(value) {
      box.checked = Boolean(value ?? control.default);
    },
    disable(disabled) {
      box.toggleAttribute("disabled", disabled);
    },
  };
}

function words(settings: SettingsEngine, control: Control, label: string): Bound {
  const field = h("input", {
    type: "text",
    class: "snb-field",
    dir: "auto",
    placeholder: EXAMPLES[control.kind] ?? "",
    "aria-labelledby": label,
  });
  field.addEventListener("change", () =>
    settings.choose(control.name, field.value.trim() || (control.optional ? null : "")),
  );
  return {
    element: field,
    show(value) {
      if (document.activeElement !== field) field.value = String(value ?? "");
    },
    disable(disabled) {
      field.toggleAttribute("disabled", disabled);
    },
  };
}

const KINDS: Record<Control["kind"], (settings: SettingsEngine, control: Control, label: string) => Bound> = {
  float: slider,
  int: slider,
  choice,
  bool: tick,
  str: words,
  keywords: words,
  names: words,
};

/** A setting's row: its label, its control, and the way back to the default. */
class Row {
  readonly element: HTMLElement;
  readonly #bound: Bound | null;
  readonly #reset: HTMLButtonElement;
  readonly #hint = h("div", { class: "snb-setting-hint" });

  constructor(
    readonly settings: SettingsEngine,
    readonly control: Control,
    signal: AbortSignal,
  ) {
    const id = `snb-setting-${++count}`;
    const custom = settings.custom.get(control.name);
    this.#bound = custom ? null : KINDS[control.kind](settings, control, id);
    this.#reset = iconButton("again", `Reset ${control.label} to the default`, () =>
      settings.choose(control.name, control.initial),
    );
    const name = h("span", { class: "snb-setting-label", id }, control.label);
    name.title = control.help;
    this.element = h(
      "div",
      { class: "snb-setting", "data-name": control.name, "data-kind": control.kind },
      name,
      h("div", { class: "snb-setting-control" }, custom?.(signal) ?? this.#bound?.element ?? null),
      this.#reset,
      this.#hint,
    );
  }

  paint(): void {
    const { settings, control } = this;
    const value = settings.value(control.name);
    const reason = settings.reason(control.name);
    const changed = value !== control.initial;
    this.element.toggleAttribute("data-changed", changed);
    this.#reset.toggleAttribute("hidden", !changed || control.kind === "choice");
    this.#bound?.show(value);
    this.#bound?.disable(Boolean(reason));
    const hint = reason || settings.hint(control.name);
    setText(this.#hint, hint);
    this.#hint.toggleAttribute("hidden", !hint);
  }
}

/** Draw the settings into an element; `bare` inside another widget, which has the frame. */
export function mountSettingsPanel(
  settings: SettingsEngine,
  el: HTMLElement,
  signal: AbortSignal,
  bare = false,
): void {
  const rows = settings.controls.map((control) => new Row(settings, control, signal));
  const main = h("div", { class: "snb-settings-rows" });
  const unavailable = h("div", { class: "snb-settings-rows" });
  const more = h("div", { class: "snb-settings-rows" });
  const why = h("summary", {});
  const closed = h("details", { class: "snb-fold" }, why, unavailable);
  const folded = h("details", { class: "snb-fold" }, h("summary", {}, "More settings"), more);
  rememberOpen(folded, "settings-more");
  rememberOpen(closed, "settings-unavailable");
  const error = h("div", { class: "snb-error", role: "alert" });
  const root = h(
    "div",
    { class: bare ? "snb-settings" : "snb snb-card snb-settings" },
    main,
    closed,
    folded,
    error,
  );
  const place = (row: Row): HTMLElement =>
    settings.reason(row.control.name) ? unavailable : row.control.folded ? more : main;
  const paint = () => {
    for (const row of rows) {
      row.paint();
      const box = place(row);
      // Moved only if it has to be, and in order: a control that is moved loses the focus.
      if (row.element.parentElement !== box) {
        const after = rows.find(
          (other) => rows.indexOf(other) > rows.indexOf(row) && other.element.parentElement === box,
        );
        box.insertBefore(row.element, after?.element ?? null);
      }
    }
    setText(why, String(settings.model.get("unavailable") ?? ""));
    closed.toggleAttribute("hidden", !unavailable.childElementCount);
    folded.toggleAttribute("hidden", !more.childElementCount);
    setText(error, String(settings.model.get("error") ?? ""));
    setData(root, "ready", String(settings.channel.ready));
  };
  if (!bare) followTheme(root, signal);
  settings.views.add(paint);
  signal.addEventListener("abort", () => {
    settings.views.delete(paint);
    root.remove();
  });
  el.append(root);
  paint();
}
