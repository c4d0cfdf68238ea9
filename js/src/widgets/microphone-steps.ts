/** The other ways to a microphone, offered where this page cannot have one, and the way back. */
import { h } from "../dom";

export interface Ladder {
  ways: string[];
  via: string;
  url: string;
  connected: boolean;
  /** The kernel's own device records. */
  active: boolean;
}

const OFFERS: Record<string, [string, string]> = {
  page: ["Use this page's microphone", ""],
  tab: ["Use a tab of its own", "For a notebook that runs on this computer."],
  kernel: ["Use the kernel's microphone", "Of the computer that the notebook's kernel runs on."],
  file: ["Use a file", "A recording in the microphone's place."],
};
const TOLD: Record<string, string> = {
  tab: "The microphone is in a tab of its own; press Transcribe there, or here while it is open.",
  kernel: "The microphone is that of the computer on which the kernel runs.",
};
const KEY = "smallest_nb.microphone";

/** What was chosen in this browser for this host, or null. */
export function remembered(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a sandboxed frame has no memory
  }
}

function remember(way: string): void {
  try {
    localStorage.setItem(KEY, way);
  } catch {
    // the next page asks again
  }
}

export function ladderOf(value: unknown): Ladder {
  return { ways: [], via: "page", url: "", connected: false, active: false, ...(value as object | null) };
}

export function mountSteps(choose: (way: string) => void): {
  element: HTMLElement;
  paint: (ladder: Ladder, blocked: boolean) => void;
} {
  const element = h("div", { class: "snb-mic-steps", role: "group", "aria-label": "Other ways" });
  let shown = "";
  const paint = (ladder: Ladder, blocked: boolean) => {
    const state = JSON.stringify([ladder, blocked]);
    if (state === shown) return;
    shown = state;
    element.hidden = !blocked && ladder.via === "page";
    const parts: HTMLElement[] = [];
    if (TOLD[ladder.via]) parts.push(h("span", {}, TOLD[ladder.via] ?? ""));
    if (ladder.via === "tab" && ladder.url && !ladder.connected) {
      const open = { class: "snb-button snb-primary", href: ladder.url, target: "_blank", rel: "noopener" };
      parts.push(h("a", open, "Open the microphone tab"));
    }
    for (const way of ladder.ways) {
      const offer = OFFERS[way];
      const lost = way === "tab" && !ladder.connected; // a tab that was closed, a link that was used: another one
      if (!offer || (way === ladder.via && !lost)) continue;
      const button = h("button", {
        class: "snb-button",
        type: "button",
        click: () => {
          if (way !== "file") remember(way);
          choose(way);
        },
      });
      button.textContent = offer[0];
      button.title = offer[1];
      button.dataset.way = way;
      parts.push(button);
    }
    element.replaceChildren(...parts);
  };
  return { element, paint };
}
