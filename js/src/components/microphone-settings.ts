/** Which microphone, and what the browser may do to its sound; what it really does is shown beside. */
import type { Granted } from "../audio/capture";
import type { Model } from "../channel";
import { h } from "../dom";

/** What is looked at and changed. */
export interface Settable {
  readonly model: Model;
  readonly state: string;
  readonly granted: Granted | null;
  readonly devices: string[];
  choose(name: string, value: string | boolean): void;
  /** Look which devices there are. */
  listDevices(): Promise<void>;
}

export const SWITCHES = [
  ["echo_cancellation", "Echo cancellation"],
  ["noise_suppression", "Noise suppression"],
  ["auto_gain_control", "Gain control"],
] as const;

export function mountSettings(mic: Settable): { element: HTMLElement; paint: () => void } {
  const device = h("select", { class: "snb-field snb-mic-device", "aria-label": "Microphone" });
  device.addEventListener("change", () => mic.choose("device", device.value));
  const boxes = SWITCHES.map(([name, text]) => {
    const box = h("input", { type: "checkbox" });
    box.addEventListener("change", () => mic.choose(name, box.checked));
    const granted = h("span", { class: "snb-mic-granted" });
    return { name, box, granted, label: h("label", { class: "snb-mic-switch" }, box, text, granted) };
  });
  const element = h(
    "details",
    { class: "snb-mic-settings" },
    h("summary", {}, "Microphone settings"),
    device,
  );
  element.addEventListener("toggle", () => element.open && void mic.listDevices());
  element.append(...boxes.map(({ label }) => label));
  let listed: string | null = null;
  const paint = () => {
    const chosen = String(mic.model.get("device") ?? "");
    const names = [...new Set(["", chosen, ...mic.devices])];
    if (names.join("|") !== listed) {
      listed = names.join("|");
      device.replaceChildren(
        ...names.map((name) => h("option", { value: name }, name || "The browser's default")),
      );
    }
    device.value = chosen;
    const fixed = mic.state !== "idle";
    device.toggleAttribute("disabled", fixed);
    for (const { name, box, granted } of boxes) {
      box.checked = Boolean(mic.model.get(name));
      box.toggleAttribute("disabled", fixed);
      const actual = mic.granted?.[name];
      granted.textContent =
        actual === undefined || actual === box.checked ? "" : ` (the browser says ${actual ? "on" : "off"})`;
    }
  };
  return { element, paint };
}
