/** The settings as code, for a library that a person chooses, to be copied; and settings to be pasted. */
import "./code-view.css";
import type { Model, PartChannel } from "../channel";
import { copy } from "../clipboard";
import { h, setAttribute, setText } from "../dom";
import { observe } from "../lifecycle";
import { recall, remember } from "../memory";

const COPIED_MS = 2000;
const OPEN = "open.code";

/** Draw the tabs and the code into an element; `whole` is the channel of the widget, which takes pasted settings. */
export function mountCode(model: Model, whole: PartChannel, el: HTMLElement, signal: AbortSignal): void {
  const tabs = h("div", { class: "snb-tabs", role: "group", "aria-label": "Code for" });
  const status = h("span", { class: "snb-status", role: "status" });
  let clearing: ReturnType<typeof setTimeout> | undefined;
  const say = (text: string) => {
    clearTimeout(clearing);
    status.textContent = text;
    clearing = setTimeout(() => {
      status.textContent = "";
    }, COPIED_MS);
  };
  const code = h("pre", { class: "snb-code", tabindex: "0", "aria-label": "Code" });
  const copying = h("button", { class: "snb-link", type: "button" }, "Copy");
  copying.addEventListener("click", () => {
    copy(String(model.get("code") ?? ""), code).then(
      () => say("Copied."),
      (error: unknown) => say(`Not copied: ${error instanceof Error ? error.message : String(error)}`),
    );
  });
  const pasted = h("textarea", {
    class: "snb-field snb-paste",
    rows: "4",
    dir: "auto",
    spellcheck: "false",
    placeholder: "Code of Pipecat, LiveKit or smallest_nb, a curl command, or JSON",
    "aria-label": "Settings to paste",
  });
  const use = h("button", { class: "snb-button", type: "button" }, "Use these settings");
  use.addEventListener("click", () => whole.send({ type: "act", action: "paste", text: pasted.value }));
  const error = h("div", { class: "snb-error", role: "alert" });
  const paste = h("div", { class: "snb-paste-box", hidden: true }, pasted, use, error);
  const pasting = h(
    "button",
    { class: "snb-link", type: "button", "aria-expanded": "false" },
    "Paste settings…",
  );
  pasting.addEventListener("click", () => {
    paste.hidden = !paste.hidden;
    pasting.setAttribute("aria-expanded", String(!paste.hidden));
    if (!paste.hidden) pasted.focus();
  });
  let open = recall(OPEN) === "yes";
  const press = (target: string) => {
    open = !(open && model.get("target") === target);
    remember(OPEN, open ? "yes" : "no");
    status.textContent = "";
    if (model.get("target") !== target) {
      model.set("target", target);
      model.save_changes();
    }
    paint();
  };
  const foot = h(
    "div",
    { class: "snb-frame-foot" },
    h("b", {}, "Code"),
    tabs,
    status,
    h("span", { class: "snb-frame-foot-end" }, pasting, copying),
  );
  const root = h("div", { class: "snb-code-box" }, foot, code, paste);
  const paint = () => {
    const targets = (model.get("targets") ?? []) as [string, string][];
    const chosen = String(model.get("target") ?? "");
    if (tabs.childElementCount !== targets.length)
      tabs.replaceChildren(
        ...targets.map(([id, name]) =>
          h("button", { class: "snb-tab", type: "button", "data-target": id, click: () => press(id) }, name),
        ),
      );
    for (const tab of tabs.children as HTMLCollectionOf<HTMLElement>)
      setAttribute(tab, "aria-expanded", String(open && tab.dataset.target === chosen));
    setText(code, String(model.get("code") ?? ""));
    code.toggleAttribute("hidden", !open);
    setText(error, String(model.get("error") ?? ""));
  };
  observe(model, ["targets", "target", "code", "error"], signal, paint);
  signal.addEventListener("abort", () => {
    clearTimeout(clearing);
    root.remove();
  });
  el.append(root);
  paint();
}
