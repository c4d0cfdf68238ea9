/** Finds a voice: by its name, language, gender and accent, with a preview that changes nothing. */
import "./voices.css";
import type { Model, PartChannel } from "../channel";
import { h, iconButton, setText } from "../dom";
import { observe } from "../lifecycle";
import { recall, remember } from "../memory";

/** Id, gender, accent, codes of languages, whether it has word times. */
type Voice = [string, string, string, string[], boolean];

const ANY = "";
const STARRED = "voices-starred";

export class VoicesEngine {
  readonly views = new Set<() => void>();
  /** The language that is spoken; a voice that was found by another one brings it along. */
  language: { get(): string; set(code: string): void } | null = null;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    observe(model, ["voices", "current", "status", "languages"], signal, () => this.changed());
  }

  get voices(): Voice[] {
    return (this.model.get("voices") ?? []) as Voice[];
  }

  get current(): string {
    return String(this.model.get("current") ?? "");
  }

  languageName(code: string): string {
    return ((this.model.get("languages") ?? {}) as Record<string, string>)[code] ?? code;
  }

  about([, gender, accent, languages, times]: Voice): string {
    const spoken = languages.map((code) => this.languageName(code)).join(", ");
    return [`${gender}, ${accent}`, spoken, times ? "word times" : ""].filter(Boolean).join(" · ");
  }

  get starred(): Set<string> {
    return new Set((recall(STARRED) ?? "").split(" ").filter(Boolean));
  }

  star(id: string): void {
    const all = this.starred;
    if (!all.delete(id)) all.add(id);
    remember(STARRED, [...all].join(" "));
    this.changed();
  }

  act(action: string, voice = ""): void {
    this.channel.send({ type: "voice", action, voice });
  }

  /** Speak with a voice, in the language by which it was found. */
  choose(id: string, language: string | null): void {
    if (language && this.language && this.language.get() !== language) this.language.set(language);
    this.act("choose", id);
  }

  changed(): void {
    for (const view of this.views) view();
  }
}

function filter(label: string): HTMLSelectElement {
  return h("select", { class: "snb-field", "aria-label": label });
}

function fill(list: HTMLSelectElement, any: string, options: [string, string][]): void {
  const kept = list.value;
  list.replaceChildren(
    h("option", { value: ANY }, any),
    ...options.map(([id, text]) => h("option", { value: id }, text)),
  );
  list.value = options.some(([id]) => id === kept) ? kept : ANY;
}

/** Draw the search into an element. */
export function mountVoices(engine: VoicesEngine, el: HTMLElement, signal: AbortSignal): void {
  const search = h("input", {
    type: "search",
    class: "snb-field",
    placeholder: "Name, accent or language",
    "aria-label": "Search voices",
    dir: "auto",
  });
  const language = filter("Language");
  const gender = filter("Gender");
  const accent = filter("Accent");
  const list = h("ul", { class: "snb-voices", "aria-label": "Voices" });
  const summary = h("span", { class: "snb-voices-summary", role: "status" });
  const load = h(
    "button",
    { class: "snb-link", type: "button", click: () => engine.act("load") },
    "Load the service's full list",
  );
  const root = h(
    "div",
    { class: "snb-voices-box" },
    h("div", { class: "snb-voices-filters" }, search, language, gender, accent),
    list,
    h("div", { class: "snb-voices-foot" }, summary, load),
  );
  const row = (voice: Voice): HTMLLIElement => {
    const [id] = voice;
    const choose = h(
      "button",
      { class: "snb-voice-choose", type: "button", "aria-pressed": String(id === engine.current) },
      h("b", {}, id),
      h("span", {}, engine.about(voice)),
    );
    choose.addEventListener("click", () => engine.choose(id, foundBy(voice)));
    const star = iconButton("star", `Favourite ${id}`, () => engine.star(id));
    star.setAttribute("aria-pressed", String(engine.starred.has(id)));
    const item = h(
      "li",
      { class: "snb-voice", "data-voice": id },
      iconButton("play", `Preview ${id}`, () => engine.act("preview", id)),
      choose,
      star,
    );
    item.toggleAttribute("data-current", id === engine.current);
    return item;
  };
  /** The language that a person looked for, if the voice has it. */
  const foundBy = ([, , , languages]: Voice): string | null => {
    if (language.value) return language.value;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return languages.find((code) => words.includes(engine.languageName(code).toLowerCase())) ?? null;
  };
  const matches = (voice: Voice): boolean => {
    const [id, sex, region, languages] = voice;
    const text = [id, sex, region, ...languages.map((code) => engine.languageName(code))]
      .join(" ")
      .toLowerCase();
    return (
      (!gender.value || gender.value === sex) &&
      (!accent.value || accent.value === region) &&
      (!language.value || languages.includes(language.value)) &&
      search.value
        .toLowerCase()
        .split(/\s+/)
        .every((word) => text.includes(word))
    );
  };
  /** Let Tab go through one row only; the arrow keys lead to the others. */
  const reach = (reached: Element | null) => {
    for (const item of list.children)
      for (const control of item.querySelectorAll("button")) control.tabIndex = item === reached ? 0 : -1;
  };
  list.addEventListener("focusin", (event) => reach((event.target as Element).closest("li")));
  let offered = "";
  const paint = () => {
    const voices = engine.voices;
    const key = voices.map(([id]) => id).join(" ");
    if (key !== offered) {
      offered = key;
      const of = (values: string[]) => [...new Set(values)].filter(Boolean).sort();
      const codes = of(voices.flatMap(([, , , languages]) => languages));
      fill(
        language,
        "Language",
        codes.map((code) => [code, engine.languageName(code)]),
      );
      fill(
        gender,
        "Gender",
        of(voices.map(([, sex]) => sex)).map((name) => [name, name]),
      );
      fill(
        accent,
        "Accent",
        of(voices.map(([, , region]) => region)).map((name) => [name, name]),
      );
    }
    const starred = engine.starred;
    const found = voices.filter(matches).sort(([a], [b]) => Number(starred.has(b)) - Number(starred.has(a)));
    const focused = document.activeElement?.closest<HTMLElement>(".snb-voice")?.dataset.voice;
    const control = document.activeElement?.getAttribute("aria-label");
    list.replaceChildren(...found.map(row));
    reach(list.querySelector("[data-current]") ?? list.firstElementChild);
    if (focused && root.contains(list)) {
      const item = list.querySelector<HTMLElement>(`[data-voice="${CSS.escape(focused)}"]`);
      const same = control ? item?.querySelector<HTMLElement>(`[aria-label="${CSS.escape(control)}"]`) : null;
      (same ?? item?.querySelector<HTMLElement>(".snb-voice-choose"))?.focus();
    }
    const note = String(engine.model.get("status") ?? "");
    const count = found.length === voices.length ? `${voices.length}` : `${found.length} of ${voices.length}`;
    setText(summary, found.length ? `${count} voices. ${note}` : "No voice matches: change the search.");
  };
  search.addEventListener("input", paint);
  for (const box of [language, gender, accent]) box.addEventListener("change", paint);
  list.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    const all = [...list.querySelectorAll<HTMLElement>(".snb-voice-choose")];
    const at = all.findIndex((button) => button.closest("li")?.contains(document.activeElement));
    all[Math.max(0, Math.min(all.length - 1, at + step))]?.focus();
    event.preventDefault();
  });
  engine.views.add(paint);
  signal.addEventListener("abort", () => {
    engine.views.delete(paint);
    root.remove();
  });
  el.append(root);
  paint();
}

/** Bring the voice in use into sight. */
export function showCurrentVoice(el: HTMLElement): void {
  const list = el.querySelector<HTMLElement>(".snb-voices");
  const item = list?.querySelector<HTMLElement>("[data-current]");
  // Of the list alone: `scrollIntoView` moves the notebook, too.
  if (list && item)
    list.scrollTop = item.offsetTop - list.offsetTop - (list.clientHeight - item.offsetHeight) / 2;
}
