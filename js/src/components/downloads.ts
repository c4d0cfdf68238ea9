/** The transcript as text on the clipboard and as files, and its sound as a file: buttons, and what opens below them. */
import { copy } from "../clipboard";
import { h, setText } from "../dom";
import type { RecordingEngine } from "./recording-bar";
import type { TranscriptEngine } from "./transcript-view";

const TEXTS: [string, string, string][] = [
  ["txt", "Text", ""],
  ["srt", "SRT", "Subtitles"],
  ["vtt", "WebVTT", "Subtitles for the web"],
  ["json", "JSON", "Everything, to be loaded again"],
  ["csv", "CSV", "A table"],
  ["TextGrid", "TextGrid", "Praat"],
  ["eaf", "EAF", "ELAN"],
  ["rttm", "RTTM", "Who spoke when"],
  ["ctm", "CTM", "Words with their times"],
  ["stm", "STM", "Segments with their times, for scoring"],
];
const SOUNDS: [string, string, string][] = [
  ["wav", "WAV", "As it was recorded"],
  ["flac", "FLAC", "As it was recorded, half the size"],
  ["mp3", "MP3", "Small"],
];
/** What each of these needs; the sentence says how to get it. */
const NEEDS_SPEAKERS = new Set(["rttm"]);
const NO_SPEAKERS = "Needs speakers: tick Speakers in the settings before you record";
const COPIED_MS = 2000;

export interface Downloads {
  copy: HTMLButtonElement;
  open: HTMLButtonElement;
  panel: HTMLElement;
  paint(): void;
}

let count = 0;

/** `say` tells a screen reader. */
export function makeDownloads(
  transcript: TranscriptEngine,
  recording: RecordingEngine | null,
  say: (text: string) => void,
  signal: AbortSignal,
): Downloads {
  const id = `snb-downloads-${++count}`;
  const copyButton = h("button", { class: "snb-link", type: "button" }, "Copy");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = (text: string) => {
    setText(copyButton, text);
    say(text);
    clearTimeout(timer);
    timer = setTimeout(() => setText(copyButton, "Copy"), COPIED_MS);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  copyButton.addEventListener("click", () => {
    const text = transcript.text;
    const source = h("pre", { class: "snb-spoken" }, text);
    copyButton.after(source); // where there is no clipboard, what is selected is copied
    copy(text, source)
      .then(
        () => tell("Copied"),
        () => tell("Not copied"),
      )
      .finally(() => source.remove());
  });
  const button = ([format, name, about]: [string, string, string], press: () => void) =>
    h(
      "button",
      { class: "snb-button", type: "button", "data-format": format, title: about, click: press },
      name,
    );
  const texts = TEXTS.map((row) => button(row, () => transcript.act("save", { text: row[0] })));
  const sounds = SOUNDS.map((row) => button(row, () => recording?.save(row[0])));
  const coming = h("span", { class: "snb-downloads-coming" });
  const group = (label: string, buttons: HTMLElement[]) =>
    h(
      "div",
      { class: "snb-downloads-group", role: "group", "aria-label": label },
      h("span", { class: "snb-downloads-label" }, label),
      ...buttons,
    );
  const soundGroup = group("Sound", sounds);
  soundGroup.append(coming);
  const panel = h("div", { class: "snb-downloads", id, hidden: true }, group("Transcript", texts));
  if (recording) panel.append(soundGroup);
  const open = h(
    "button",
    { class: "snb-link", type: "button", "aria-expanded": "false", "aria-controls": id },
    "Download ▾",
  );
  open.addEventListener("click", () => {
    panel.hidden = !panel.hidden;
    open.setAttribute("aria-expanded", String(!panel.hidden));
    paint();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    panel.hidden = true;
    open.setAttribute("aria-expanded", "false");
    open.focus();
  });
  const paint = () => {
    const hasText = [...transcript.lines.values()].some((line) => line.final);
    copyButton.toggleAttribute("disabled", !hasText);
    if (panel.hidden) return;
    const speakers = [...transcript.lines.values()].some((line) => line.final && line.speaker !== null);
    for (const one of texts) {
      const needs = NEEDS_SPEAKERS.has(one.dataset.format ?? "") && !speakers;
      one.toggleAttribute("disabled", !hasText || needs);
      const about = TEXTS.find(([format]) => format === one.dataset.format)?.[2] ?? "";
      one.title = needs && hasText ? NO_SPEAKERS : about;
    }
    for (const one of sounds) one.toggleAttribute("disabled", !recording?.hasSound);
    const saving = recording?.saving ?? null;
    setText(coming, saving === null ? "" : `${Math.round(100 * saving)} %`);
  };
  return { copy: copyButton, open, panel, paint };
}
