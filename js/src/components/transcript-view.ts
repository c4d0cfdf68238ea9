/** The TranscriptView in the page: a transcript as it grows, as captions, and as files. */
import "./transcript-view.css";
import type { Model, PartChannel } from "../channel";
import { h, icon, setText } from "../dom";
import { download } from "../download";
import { observe } from "../lifecycle";
import type { Line } from "../protocol";
import { followTheme } from "../theme";
import { Captions } from "./captions";
import { LineList } from "./line-list";

const FORMATS = [
  ["txt", "Text"],
  ["srt", "SRT"],
  ["vtt", "WebVTT"],
  ["json", "JSON"],
  ["csv", "CSV"],
  ["TextGrid", "TextGrid"],
  ["eaf", "ELAN (EAF)"],
  ["rttm", "RTTM"],
  ["ctm", "CTM"],
  ["stm", "STM"],
] as const;

interface View {
  lines(changed: Line[] | null): void;
  now(at: number | null): void;
}

export class TranscriptEngine {
  readonly lines = new Map<number, Line>();
  readonly views = new Set<View>();

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    this.channel.on("lines", (m) => {
      if (m.reset) this.lines.clear();
      for (const line of m.lines) {
        if (line.text) this.lines.set(line.i, line);
        else this.lines.delete(line.i);
      }
      for (const view of this.views) view.lines(m.reset ? null : m.lines);
    });
    this.channel.on("now", (m) => {
      for (const view of this.views) view.now(m.at);
    });
    this.channel.on("file", (m, bytes) => download(m.name, m.mime, bytes));
    const timer = setInterval(() => this.channel.expect(model.get("live") ? "something" : "nothing"), 500);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  nameOf = (speaker: number): string => {
    const names = (this.model.get("names") ?? {}) as Record<string, string>;
    return names[String(speaker)] || `Speaker ${speaker + 1}`;
  };

  act(action: string, { number = 0, at = 0, text = "" } = {}): void {
    this.channel.send({ type: "transcript", action, number, at, text });
  }
}

/** A speaker's name becomes a field; Enter keeps it, Escape does not. */
function rename(transcript: TranscriptEngine, button: HTMLElement): void {
  const speaker = Number(button.dataset.speaker);
  const field = h("input", {
    class: "snb-field snb-speaker-field",
    type: "text",
    maxlength: "80",
    "aria-label": "Name",
  });
  field.value = transcript.nameOf(speaker);
  let over = false;
  const end = (keep: boolean) => {
    if (over) return;
    over = true;
    field.replaceWith(button);
    button.focus();
    if (keep) transcript.act("rename", { number: speaker, text: field.value.trim() });
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault(); // else the same key presses the button, which has the focus by then
    end(event.key === "Enter");
  });
  field.addEventListener("blur", () => end(true));
  button.replaceWith(field);
  field.select();
}

/** Draw the transcript into an element; `bare` inside another widget, which has the frame. */
export function mountTranscript(
  transcript: TranscriptEngine,
  el: HTMLElement,
  signal: AbortSignal,
  bare = false,
): void {
  const { model } = transcript;
  const list = new LineList(transcript.nameOf);
  const captions = new Captions(transcript.nameOf);
  const empty = h("div", { class: "snb-transcript-empty" });
  const big = h("button", {
    class: "snb-button",
    type: "button",
    click: () => {
      model.set("captions", !model.get("captions"));
      model.save_changes();
    },
  });
  big.textContent = "Captions";
  const format = h("select", { class: "snb-field snb-transcript-format", "aria-label": "Format" });
  format.append(...FORMATS.map(([value, text]) => h("option", { value }, text)));
  const save = h(
    "button",
    { class: "snb-button", type: "button", click: () => transcript.act("save", { text: format.value }) },
    icon("save"),
    "Download",
  );
  const error = h("div", { class: "snb-error", role: "alert" });
  const tools = h("div", { class: "snb-transcript-tools" }, big, format, save);
  const root = h(
    "div",
    { class: bare ? "snb-transcript" : "snb snb-card snb-transcript" },
    list.element,
    empty,
    captions.element,
    tools,
    error,
  );

  const hear = (element: HTMLElement | null) => {
    const at = element?.dataset.start;
    if (at !== undefined && model.get("audible")) transcript.act("hear", { at: Number(at) });
  };
  list.element.addEventListener("click", (event) => {
    const target = event.target as HTMLElement;
    const speaker = target.closest<HTMLElement>(".snb-speaker");
    if (speaker) rename(transcript, speaker);
    else hear(target.closest<HTMLElement>(".snb-word") ?? null);
  });
  list.element.addEventListener("keydown", (event) => {
    if (event.target !== list.element) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      list.step(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    } else if (event.key === "Enter") hear(list.current);
  });

  const view: View = {
    lines(changed) {
      if (changed === null) list.clear();
      list.put(changed ?? transcript.lines.values());
      empty.textContent = list.size === 0 ? String(model.get("placeholder")) : "";
      empty.hidden = list.size > 0;
      captions.update(transcript.lines);
    },
    now: (at) => list.mark(at),
  };
  const paint = () => {
    const on = Boolean(model.get("captions"));
    if (on !== captions.on) captions.show(on, transcript.lines);
    list.element.hidden = on;
    big.setAttribute("aria-pressed", String(on));
    root.dataset.audible = String(Boolean(model.get("audible")));
    setText(error, transcript.channel.problem ?? String(model.get("error") ?? ""));
    list.rename();
  };
  const names = ["captions", "names", "audible", "error"];
  observe(model, names, signal, paint);
  if (!bare) followTheme(root, signal);
  transcript.views.add(view);
  signal.addEventListener("abort", () => {
    transcript.views.delete(view);
    root.remove();
  });
  el.append(root);
  view.lines(null);
  paint();
}
