/** The TranscriptView in the page: a transcript as it grows, as captions, and as files. */
import "./transcript-view.css";
import type { Model, PartChannel } from "../channel";
import { h, setAttribute, setData, setText } from "../dom";
import { download } from "../download";
import { observe } from "../lifecycle";
import type { Line } from "../protocol";

import { followTheme } from "../theme";
import { Announcer } from "./announcer";
import { Captions } from "./captions";
import { makeDownloads } from "./downloads";
import { LineList } from "./line-list";
import { SpeakerField } from "./speaker-field";

interface View {
  /** Lines that changed or came; `reset`: the others are gone. */
  lines(changed: Line[], reset: boolean): void;
  now(at: number | null): void;
}

export class TranscriptEngine {
  readonly lines = new Map<number, Line>();
  readonly views = new Set<View>();
  /** Hear what was said from a second on; a widget around this one may know better how. */
  hear = (at: number): void => this.act("hear", { at });

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
      for (const view of this.views) view.lines(m.lines, m.reset);
    });
    this.channel.on("now", (m) => this.mark(m.at));
    this.channel.on("file", (m, bytes) => download(m.name, m.mime, bytes));
    const timer = setInterval(() => this.channel.expect(model.get("live") ? "something" : "nothing"), 500);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  nameOf = (speaker: number): string => {
    const names = (this.model.get("names") ?? {}) as Record<string, string>;
    return names[String(speaker)] || `Speaker ${speaker + 1}`;
  };

  /** The final text, a line for each segment, with the speakers' names. */
  get text(): string {
    const lines = [...this.lines.values()].filter((line) => line.final);
    return lines
      .map((line) => (line.speaker === null ? "" : `${this.nameOf(line.speaker)}: `) + line.text)
      .join("\n");
  }

  /** Mark what is heard at a second. */
  mark(at: number | null): void {
    for (const view of this.views) view.now(at);
  }

  act(action: string, { number = 0, at = 0, text = "" } = {}): void {
    this.channel.send({ type: "transcript", action, number, at, text });
  }
}

/** Draw the transcript into an element; `bare` inside another widget, which has the frame and the tools. */
export function mountTranscript(
  transcript: TranscriptEngine,
  el: HTMLElement,
  signal: AbortSignal,
  bare = false,
): void {
  const { model } = transcript;
  const list = new LineList(transcript.nameOf);
  const captions = new Captions(transcript.nameOf, signal);
  const announcer = new Announcer(signal);
  const empty = h("div", { class: "snb-transcript-empty" });
  const error = h("div", { class: "snb-error", role: "alert" });
  const lines = h("div", { class: "snb-transcript-box" }, empty, list.element);
  const root = h(
    "div",
    { class: bare ? "snb-transcript" : "snb snb-card snb-transcript" },
    lines,
    captions.element,
    error,
    announcer.element,
  );
  const big = h("button", { class: "snb-button", type: "button" }, "Captions");
  big.addEventListener("click", () => {
    model.set("captions", !model.get("captions"));
    model.save_changes();
  });
  const downloads = bare ? null : makeDownloads(transcript, null, (text) => announcer.say(text), signal);
  if (downloads) {
    const tools = h("div", { class: "snb-transcript-tools" }, big, downloads.copy, downloads.open);
    error.before(tools, downloads.panel);
  }
  const field = new SpeakerField(
    list.element,
    lines,
    transcript.nameOf,
    (number, text) => transcript.act("rename", { number, text }),
    signal,
  );

  const hear = (element: HTMLElement | null) => {
    const at = element?.dataset.start;
    if (at !== undefined && model.get("audible")) transcript.hear(Number(at));
  };
  list.element.addEventListener("click", (event) => {
    const target = event.target as HTMLElement;
    const speaker = target.closest<HTMLElement>(".snb-speaker");
    if (speaker) field.open(speaker);
    else hear(target.closest<HTMLElement>(".snb-word") ?? null);
  });
  list.element.addEventListener("keydown", (event) => {
    if (event.target !== list.element) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      list.step(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    } else if (event.key === "Enter") hear(list.current);
  });

  /** The columns are as wide as they need to be, and those that would be empty are not there. */
  let widest = 0;
  let times = false;
  const columns = (changed: Line[], afresh: boolean) => {
    if (afresh) [widest, times] = [0, false];
    for (const { speaker, start } of changed) {
      if (speaker !== null) widest = Math.max(widest, transcript.nameOf(speaker).length);
      times ||= start !== null;
    }
    setData(root, "times", String(times));
    setData(root, "speakers", String(widest > 0));
    root.style.setProperty("--snb-names", `${Math.min(widest, 16) + 1}ch`);
  };
  const view: View = {
    lines(changed, reset) {
      list.put(changed, reset);
      columns(changed, reset);
      setText(empty, list.size === 0 ? String(model.get("placeholder")) : "");
      empty.toggleAttribute("hidden", list.size > 0);
      captions.update(transcript.lines);
      downloads?.paint();
      field.place();
    },
    now: (at) => list.mark(at),
  };
  const paint = () => {
    const on = Boolean(model.get("captions"));
    if (on !== captions.on) captions.show(on, transcript.lines);
    lines.toggleAttribute("hidden", on);
    setAttribute(big, "aria-pressed", String(on));
    setData(root, "audible", String(Boolean(model.get("audible"))));
    setText(error, String(model.get("error") ?? ""));
    list.rename();
    columns(list.lines, true);
    field.place();
  };
  observe(model, ["captions", "names", "audible", "error", "placeholder"], signal, paint);
  if (!bare) followTheme(root, signal);
  transcript.views.add(view);
  signal.addEventListener("abort", () => {
    transcript.views.delete(view);
    root.remove();
  });
  el.append(root);
  view.lines([...transcript.lines.values()], true);
  paint();
  if (transcript.lines.size) requestAnimationFrame(() => list.showEnd()); // it has no size before it is in the page
}
