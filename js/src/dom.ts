/** A small element helper; no framework, because every model carries its own copy of the bundle. */

type Child = Node | string | null;
type Props = Record<string, string | boolean | ((event: never) => void)>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const PATHS: Record<string, string> = {
  play: "M4 2.5v11l9.5-5.5z",
  stop: "M3.5 3.5h9v9h-9z",
  mic: "M8 1.5a2.2 2.2 0 0 0-2.2 2.2v4a2.2 2.2 0 0 0 4.4 0v-4A2.2 2.2 0 0 0 8 1.5zM3.6 7.2v.6a4.4 4.4 0 0 0 3.8 4.3v1.4H5.3v1.2h5.4v-1.2H8.6v-1.4a4.4 4.4 0 0 0 3.8-4.3v-.6h-1.2v.6a3.2 3.2 0 0 1-6.4 0v-.6z",
  volume:
    "M2 6v4h2.5L8 13V3L4.500 6zM10 5.2a3.600 3.600 0 0 1 0 5.600M11.800 3.200a6.400 6.400 0 0 1 0 9.600",
};

export function icon(name: keyof typeof PATHS | string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name] ?? "");
  svg.append(path);
  return svg;
}

export function clock(seconds: number): string {
  const whole = Math.max(0, seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${(whole - minutes * 60).toFixed(1).padStart(4, "0")}`;
}

/** Keys typed into our controls are not the notebook's commands. */
export function keepKeys(element: HTMLElement): void {
  element.setAttribute("data-lm-suppress-shortcuts", "true");
  element.addEventListener("keydown", (event) => event.stopPropagation());
}
