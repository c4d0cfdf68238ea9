/** Code with a choice of where it is for, and a button that copies it. */
import "./code-view.css";
import type { Model } from "../channel";
import { copy } from "../clipboard";
import { h, icon, keepKeys } from "../dom";
import { observe, widget } from "../lifecycle";
import { followTheme } from "../theme";

const COPIED_MS = 2000;

function mountView(model: Model, el: HTMLElement, signal: AbortSignal): void {
  const choice = h("select", { class: "snb-field snb-code-target", "aria-label": "Where the code is for" });
  choice.addEventListener("change", () => {
    model.set("target", choice.value);
    model.save_changes();
  });
  const status = h("span", { class: "snb-status", role: "status" });
  const say = (text: string) => {
    status.textContent = text;
    setTimeout(() => {
      status.textContent = "";
    }, COPIED_MS);
  };
  const code = h("pre", { class: "snb-code", tabindex: "0", "aria-label": "Code" });
  const button = h("button", { class: "snb-button", type: "button" }, icon("copy"), "Copy");
  button.addEventListener("click", () => {
    copy(String(model.get("code") ?? ""), code).then(
      () => say("Copied."),
      (error: unknown) => say(`Not copied: ${error instanceof Error ? error.message : String(error)}`),
    );
  });
  const root = h(
    "div",
    { class: "snb snb-card" },
    h("div", { class: "snb-code-row" }, choice, button, status),
    code,
  );
  keepKeys(root);
  const paint = () => {
    const targets = (model.get("targets") ?? []) as [string, string][];
    if (choice.options.length !== targets.length)
      choice.replaceChildren(...targets.map(([value, name]) => h("option", { value }, name)));
    choice.value = String(model.get("target") ?? "");
    code.textContent = String(model.get("code") ?? "");
  };
  followTheme(root, signal);
  const names = ["targets", "target", "code"];
  observe(model, names, signal, paint);
  signal.addEventListener("abort", () => root.remove());
  el.append(root);
  paint();
}

export default widget((model) => model, mountView);
