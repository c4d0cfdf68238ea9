/** The other ways to a microphone, offered if this page cannot have one, and the way back. */
import { h } from "../dom";
import { recall, remember } from "../memory";

export interface SourceState {
  sources: string[];
  active: string;
  url: string;
  connected: boolean;
  /** A tab or the kernel's own device records. */
  recording: boolean;
}

const OFFERS: Record<string, [string, string]> = {
  page: ["Use this page's microphone", ""],
  tab: ["Use a separate tab", "If the notebook runs on this computer."],
  kernel: ["Use the kernel's microphone", "The microphone of the computer that runs the notebook's kernel."],
  file: ["Use a file", "Transcribe a recording instead."],
};
const HINTS: Record<string, string> = {
  tab: "The microphone is in a separate tab; press Transcribe there, or here while it is open.",
  kernel: "The microphone is that of the computer that runs the kernel.",
};
const SOURCE = "microphone";

/** What was chosen in this browser for this host, or null. */
export const remembered = (): string | null => recall(SOURCE);

export function sourceStateOf(value: unknown): SourceState {
  return {
    sources: [],
    active: "page",
    url: "",
    connected: false,
    recording: false,
    ...(value as object | null),
  };
}

export function mountSources(choose: (name: string) => void): {
  element: HTMLElement;
  paint: (state: SourceState, blocked: boolean) => void;
} {
  const element = h("div", { class: "snb-mic-sources", role: "group", "aria-label": "Other microphones" });
  element.hidden = true;
  let shown = "";
  const paint = (state: SourceState, blocked: boolean) => {
    const hidden = !blocked && state.active === "page";
    const key = hidden ? "" : JSON.stringify([state, blocked]);
    if (key === shown) return;
    shown = key;
    element.hidden = hidden;
    if (hidden) return; // what it would offer is made when it is shown
    const parts: HTMLElement[] = [];
    if (HINTS[state.active]) parts.push(h("span", {}, HINTS[state.active] ?? ""));
    if (state.active === "tab" && state.url && !state.connected) {
      const open = { class: "snb-button snb-primary", href: state.url, target: "_blank", rel: "noopener" };
      parts.push(h("a", open, "Open the microphone tab"));
    }
    for (const name of state.sources) {
      const offer = OFFERS[name];
      const lost = name === "tab" && !state.connected; // a tab that was closed, a link that was used: another one
      if (!offer || (name === state.active && !lost)) continue;
      const button = h("button", {
        class: "snb-button",
        type: "button",
        click: () => {
          if (name !== "file") remember(SOURCE, name);
          choose(name);
        },
      });
      button.textContent = offer[0];
      button.title = offer[1];
      button.dataset.source = name;
      parts.push(button);
    }
    element.replaceChildren(...parts);
  };
  return { element, paint };
}
