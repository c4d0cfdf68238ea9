/** What is said about the API key, and a field for one that is missing or was refused. */
import type { Model, PartChannel } from "../channel";
import { h, setText } from "../dom";
import { observe } from "../lifecycle";

const OFFERS: Record<string, string> = { missing: "Add a key", refused: "Enter another key" };

/** Draw the notice into an element, and the field below it into another one. */
export function mountKeyEntry(
  model: Model,
  channel: PartChannel,
  bar: HTMLElement,
  below: HTMLElement,
  signal: AbortSignal,
): void {
  const text = h("span", {});
  const offer = h("button", { class: "snb-link snb-key-offer", type: "button", "aria-expanded": "false" });
  const notice = h("span", { class: "snb-notice" }, text, offer);
  const field = h("input", {
    class: "snb-field",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "sk_…",
    "aria-label": "API key",
  });
  const problem = h("div", { class: "snb-error", role: "alert" });
  const form = h(
    "form",
    { class: "snb-key-form", hidden: true },
    field,
    h("button", { class: "snb-button", type: "submit" }, "Use this key"),
    h("button", { class: "snb-button", type: "button", click: () => open(false) }, "Cancel"),
    h("small", {}, "It is kept in this kernel only, and shown nowhere."),
    problem,
  );
  const open = (opened: boolean) => {
    form.hidden = !opened;
    offer.setAttribute("aria-expanded", String(opened));
    field.value = "";
    if (opened) field.focus();
  };
  offer.addEventListener("click", () => open(Boolean(form.hidden)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = field.value.trim();
    field.value = "";
    if (key) channel.send({ type: "key" }, new TextEncoder().encode(key));
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") open(false);
  });
  const paint = () => {
    const state = String(model.get("key_state") ?? "");
    setText(text, String(model.get("notice") ?? ""));
    setText(offer, OFFERS[state] ?? "");
    setText(problem, String(model.get("key_problem") ?? ""));
    offer.toggleAttribute("hidden", !state);
    notice.toggleAttribute("hidden", !text.textContent);
    if (!state && !form.hidden) open(false);
  };
  observe(model, ["notice", "key_state", "key_problem"], signal, paint);
  bar.append(notice);
  below.append(form);
  paint();
}
