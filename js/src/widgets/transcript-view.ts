/** The TranscriptView's face: a line per segment; each update touches only the lines that changed. */
import "./transcript-view.css";
import { Channel, type Model } from "../channel";
import { clock, h } from "../dom";
import { capabilities } from "../host";
import { widget } from "../lifecycle";
import type { Line } from "../protocol";
import { followTheme } from "../theme";

class TranscriptModel {
  readonly lines = new Map<number, Line>();
  readonly views = new Set<(changed: Line[] | null) => void>();
  readonly channel: Channel;

  constructor(
    readonly model: Model,
    signal: AbortSignal,
  ) {
    this.channel = new Channel(model, capabilities, signal);
    this.channel.on("lines", (m) => {
      if (m.reset) this.lines.clear();
      for (const line of m.lines) {
        if (line.text) this.lines.set(line.i, line);
        else this.lines.delete(line.i);
      }
      for (const view of this.views) view(m.reset ? null : m.lines);
    });
    const timer = setInterval(() => this.channel.expect(Boolean(model.get("live"))), 500);
    signal.addEventListener("abort", () => clearInterval(timer));
  }
}

function lineElement(line: Line): HTMLLIElement {
  const speaker =
    line.speaker === null
      ? null
      : h("span", { class: "snb-transcript-speaker" }, `Speaker ${line.speaker + 1}: `);
  return h(
    "li",
    { class: "snb-transcript-line", "data-final": String(line.final), "data-i": String(line.i) },
    h("span", { class: "snb-transcript-at" }, line.start === null ? "" : clock(line.start)),
    h("span", {}, speaker, h("span", { class: "snb-transcript-text" }, line.text)),
  );
}

function mountView(transcript: TranscriptModel, el: HTMLElement, signal: AbortSignal): void {
  const list = h("ol", { class: "snb-transcript-lines", "aria-label": "Transcript", tabindex: "0" });
  const empty = h("div", { class: "snb-transcript-empty" });
  const root = h("div", { class: "snb snb-transcript" }, list, empty);
  const shown = new Map<number, HTMLLIElement>();
  const put = (line: Line) => {
    const old = shown.get(line.i);
    if (!line.text) {
      old?.remove();
      shown.delete(line.i);
      return;
    }
    const element = lineElement(line);
    if (old) old.replaceWith(element);
    else list.append(element);
    shown.set(line.i, element);
  };
  const update = (changed: Line[] | null) => {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
    if (changed === null) {
      list.replaceChildren();
      shown.clear();
    }
    for (const line of changed ?? transcript.lines.values()) put(line);
    empty.textContent = shown.size === 0 ? String(transcript.model.get("placeholder")) : "";
    empty.hidden = shown.size > 0;
    if (atEnd) list.scrollTop = list.scrollHeight;
  };
  followTheme(root, signal);
  transcript.views.add(update);
  signal.addEventListener("abort", () => {
    transcript.views.delete(update);
    root.remove();
  });
  el.append(root);
  update(null);
}

export default widget((model, signal) => new TranscriptModel(model, signal), mountView);
