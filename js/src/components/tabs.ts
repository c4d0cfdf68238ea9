/** Tabs, each with its panel: arrow keys move among them, as everywhere. */
import { h, setAttribute, setText } from "../dom";

export class Tabs {
  readonly element = h("div", { class: "snb-tabs", role: "tablist", "aria-label": "Sections" });
  chosen: string;
  readonly #tabs = new Map<string, HTMLButtonElement>();
  readonly #panels: Record<string, HTMLElement>;

  /** `panels` by name; several names may share one. */
  constructor(
    panels: Record<string, HTMLElement>,
    chosen: string,
    readonly choose: (name: string) => void,
  ) {
    this.#panels = panels;
    this.chosen = chosen in panels ? chosen : (Object.keys(panels)[0] ?? "");
    const names = Object.keys(panels);
    for (const name of names) {
      const tab = h("button", { class: "snb-tab", type: "button", role: "tab", "data-tab": name });
      tab.addEventListener("click", () => choose(name));
      tab.addEventListener("keydown", (event) => {
        const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        const at = names.indexOf(name) + by;
        const to =
          event.key === "Home" ? names[0] : event.key === "End" ? names.at(-1) : names.at(at % names.length);
        if (!to || to === name) return;
        event.preventDefault();
        choose(to);
        this.#tabs.get(to)?.focus();
      });
      this.#tabs.set(name, tab);
      this.element.append(tab);
    }
    for (const panel of new Set(Object.values(panels))) panel.setAttribute("role", "tabpanel");
  }

  paint(chosen: string, texts: Record<string, string>): void {
    this.chosen = chosen;
    const shown = this.#panels[chosen];
    for (const [name, tab] of this.#tabs) {
      setText(tab, texts[name] ?? name);
      setAttribute(tab, "aria-selected", String(name === chosen));
      tab.tabIndex = name === chosen ? 0 : -1;
    }
    for (const panel of new Set(Object.values(this.#panels)))
      panel.toggleAttribute("hidden", panel !== shown);
    shown?.setAttribute("aria-label", texts[chosen] ?? chosen);
  }
}
