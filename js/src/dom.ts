/** A small element helper; no framework, because every model carries its own copy of the bundle. */
import { recall, remember } from "./memory";

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
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  again: "M8 3V.8L4.300 3.800 8 6.800V4.600a3.800 3.800 0 1 1-3.800 3.800H2.600A5.400 5.400 0 1 0 8 3z",
  loop: "M11 2.200v1.600H5A3.200 3.200 0 0 0 1.800 7v1.200h1.600V7A1.600 1.600 0 0 1 5 5.400h6V7l3-2.400zM12.600 7.800V9a1.600 1.600 0 0 1-1.600 1.600H5V9l-3 2.400 3 2.400v-1.600h6A3.200 3.200 0 0 0 14.200 9V7.800z",
  spectrum: "M2 13V9h2v4zM5 13V4h2v9zM8 13V7h2v6zM11 13V2h2v11z",
  star: "M8 1.500l2 4.300 4.700.600-3.500 3.200.900 4.700L8 12l-4.100 2.300.900-4.700L1.300 6.400 6 5.800z",
  trash: "M6 2h4l.500 1H14v1.300H2V3h3.500zM3.300 5.300h9.400L12 14H4z",
  copy: "M5 1.500h8v9H5zM3 4v8.500h7.500V14H1.500V4z",
  save: "M7.200 1.500h1.600v6.700l2.300-2.300 1.100 1.100L8 11.200 3.800 7l1.100-1.100 2.300 2.300zM2 12.500h12V14H2z",
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

/** A whole number with its thousands apart. `toLocaleString` takes some 20 ms when a page first calls it. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function clock(seconds: number): string {
  const whole = Math.max(0, seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${(whole - minutes * 60).toFixed(1).padStart(4, "0")}`;
}

/**
 * No key that is pressed anywhere in a widget reaches the host, which would take it for a command: `m` turns a cell into
 * Markdown, and the widget is gone. What cannot have the focus passes it to the widget, and not to the notebook's cell.
 */
export function keepKeys(element: HTMLElement, signal: AbortSignal): void {
  element.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const kind of ["keydown", "keyup", "keypress"])
    element.addEventListener(kind, (event) => event.stopPropagation(), { signal });
  const root = element.querySelector<HTMLElement>(".snb");
  if (root) root.tabIndex = -1;
}

/** Write an attribute only if it is another one: for the browser and for its observers each write is a change. */
export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Likewise a data attribute. */
export function setData(element: HTMLElement, name: string, value: string): void {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

/** Write text only if it is another one: a live region is read out at each change. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function iconButton(name: string, text: string, press: () => void): HTMLButtonElement {
  const button = h("button", {
    class: "snb-button snb-icon",
    type: "button",
    "aria-label": text,
    click: press,
  });
  button.title = text;
  button.append(icon(name));
  return button;
}

/** Let a section stay open or closed from one page to the next. */
export function rememberOpen(section: HTMLDetailsElement, name: string): void {
  section.open = recall(`open.${name}`) === "yes";
  section.addEventListener("toggle", () => remember(`open.${name}`, section.open ? "yes" : "no"));
}

/** Call when an element's width has changed. In the next frame: what changes sizes within the observer is an error event of the host's page. */
export function onWidth(element: Element, signal: AbortSignal, changed: () => void): void {
  let width = -1;
  let frame = 0;
  const observer = new ResizeObserver((entries) => {
    const now = entries.at(-1)?.contentRect.width ?? 0;
    if (now === width) return;
    width = now;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(changed);
  });
  observer.observe(element);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  });
}
