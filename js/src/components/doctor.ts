/** The doctor's table: the kernel's lines at once, the page's when they come. */
import "./doctor.css";
import type { Model, PartChannel } from "../channel";
import { copy } from "../clipboard";
import { h, icon, setText } from "../dom";
import { observe } from "../lifecycle";
import { PageChecker } from "../page-facts";
import { followTheme } from "../theme";
import { Announcer } from "./announcer";

interface Row {
  id: string;
  group: string;
  title: string;
  status: "green" | "amber" | "red" | "unknown";
  found: string;
  fix: string;
}

const SIGNS = { green: "✓", amber: "!", red: "✗", unknown: "?" };
const COPIED_MS = 2000;

export class DoctorEngine {
  readonly checker: PageChecker;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
  ) {
    this.checker = new PageChecker(this.channel);
    this.channel.onWelcome(() => this.check());
  }

  check(): void {
    this.checker.run().catch((error) => console.error("[smallest_nb] checking the page failed", error));
  }
}

function line(row: Row): HTMLElement {
  const found = h("td", {}, row.found);
  if (row.fix) found.append(h("div", { class: "snb-doctor-fix" }, row.fix));
  const sign = h(
    "span",
    { class: "snb-doctor-sign", role: "img", "aria-label": row.status },
    SIGNS[row.status],
  );
  return h(
    "tr",
    { "data-check": row.id, "data-status": row.status },
    h("td", {}, sign),
    h("th", { scope: "row" }, row.title),
    found,
  );
}

export function mountDoctor(
  { model, channel, checker }: DoctorEngine,
  el: HTMLElement,
  signal: AbortSignal,
): void {
  const summary = h("strong", { class: "snb-doctor-summary" });
  const announcer = new Announcer(signal); // the summary changes with each check that is done
  const status = h("span", { class: "snb-status", role: "status" });
  const table = h("table", { class: "snb-doctor-table", "aria-label": "Checks" });
  const json = h("pre", { class: "snb-doctor-json", hidden: true });
  const say = (text: string) => {
    status.textContent = text;
    setTimeout(() => {
      status.textContent = "";
    }, COPIED_MS);
  };
  const again = h("button", { class: "snb-button", type: "button" }, icon("again"), "Check again");
  again.addEventListener("click", () => {
    channel.send({ type: "press", action: "again" });
    checker.run().catch((error) => say(String(error)));
    paint();
  });
  const report = h("button", { class: "snb-button", type: "button" }, icon("copy"), "Copy report");
  report.addEventListener("click", () => {
    json.textContent = JSON.stringify({ summary: model.get("status"), checks: model.get("rows") }, null, 1);
    json.hidden = false;
    copy(json.textContent, json)
      .then(
        () => say("Copied, without any key."),
        (error: unknown) =>
          say(
            `Not copied (${error instanceof Error ? error.message : String(error)}): print its .to_json().`,
          ),
      )
      .finally(() => {
        json.hidden = true;
      });
  });
  const root = h(
    "div",
    { class: "snb snb-card snb-doctor" },
    h("div", { class: "snb-doctor-head" }, summary, announcer.element, again, report, status),
    table,
    json,
  );
  const paint = () => {
    const rows = (model.get("rows") ?? []) as Row[];
    const groups = [...new Set(rows.map((row) => row.group))];
    table.replaceChildren(
      ...groups.map((group) =>
        h(
          "tbody",
          {},
          h("tr", {}, h("th", { colspan: "3", scope: "rowgroup", class: "snb-doctor-group" }, group)),
          ...rows.filter((row) => row.group === group).map(line),
        ),
      ),
    );
    setText(summary, String(model.get("status") ?? ""));
    announcer.say(summary.textContent ?? "");
  };
  followTheme(root, signal);
  const names = ["rows", "status"];
  observe(model, names, signal, paint);
  channel.onWelcome(paint);
  signal.addEventListener("abort", () => root.remove());
  el.append(root);
  paint();
}
