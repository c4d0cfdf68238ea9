/** One line of a transcript in columns, time, speaker, text: words that can be heard, doubtful ones paler, redacted ones marked. */
import { clock, h } from "../dom";
import type { Line, TimedWord } from "../protocol";

const PLACEHOLDER = /\[([A-Za-z]+)_(\d+)\]/g;
const COLOURS = 8;
const ENDS = /[.!?…।。！？]["'”’)\]]*$/;

const KINDS: Record<string, string> = {
  FIRSTNAME: "first name",
  LASTNAME: "last name",
  PHONENUMBER: "phone number",
  CREDITCARDNUMBER: "card number",
  CREDITCARDCVV: "card security code",
  ZIPCODE: "postal code",
  ACCOUNTNUMBER: "account number",
};

export type NameOf = (speaker: number) => string;

/** Text with its redacted spans as marks. */
export function marked(text: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let at = 0;
  for (const found of text.matchAll(PLACEHOLDER)) {
    if (found.index > at) parts.push(text.slice(at, found.index));
    const kind = (found[1] ?? "").toUpperCase();
    const name = KINDS[kind] ?? kind.toLowerCase();
    parts.push(
      h("mark", { class: "snb-redacted", title: `Redacted: ${name}` }, `${name} ${Number(found[2])}`),
    );
    at = found.index + found[0].length;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

function wordElement([text, start, end, confidence]: TimedWord): HTMLElement {
  const word = h("span", { class: "snb-word" }, ...marked(text));
  word.dataset.start = String(start);
  word.dataset.end = String(end);
  if (confidence !== null) {
    word.style.setProperty("--snb-sure", confidence.toFixed(2));
    word.title = `${clock(start)} · confidence ${Math.round(confidence * 100)} %`;
  } else word.title = clock(start);
  return word;
}

/** A sentence of a line, or a text that was rewritten (numerals) and is shown as it is. */
interface Sentence {
  start: number | null;
  parts: (Node | string)[];
}

function sentences(line: Line): Sentence[] {
  const same = line.words.length > 0 && line.words.map(([text]) => text).join(" ") === line.text;
  if (!same) return [{ start: line.start, parts: marked(line.text) }];
  const found: Sentence[] = [];
  let open: Sentence | null = null;
  for (const word of line.words) {
    if (open) open.parts.push(" ");
    else {
      open = { start: found.length ? word[1] : line.start, parts: [] };
      found.push(open);
    }
    open.parts.push(wordElement(word));
    if (ENDS.test(word[0])) open = null;
  }
  return found;
}

export function paintSpeaker(button: HTMLElement, speaker: number, nameOf: NameOf): void {
  button.textContent = nameOf(speaker);
  button.dataset.speaker = String(speaker);
  button.dataset.colour = String(speaker % COLOURS);
  button.title = "Name this speaker";
}

/** `badge`: the language is another one than in the line before, and is shown. */
export function lineElement(line: Line, nameOf: NameOf, badge: boolean): HTMLElement {
  let speaker: HTMLElement | null = null;
  if (line.speaker !== null) {
    speaker = h("button", { class: "snb-speaker", type: "button", dir: "auto" });
    paintSpeaker(speaker, line.speaker, nameOf);
  }
  const rows = sentences(line).flatMap(({ start, parts }, n) => [
    h("span", { class: "snb-transcript-at" }, start === null ? "" : clock(start)),
    n ? null : speaker,
    h(
      "div",
      { class: "snb-transcript-said" },
      h("span", { class: "snb-transcript-text", dir: "auto" }, ...parts),
    ),
  ]);
  if (badge) rows.at(-1)?.append(h("small", { class: "snb-language" }, line.language));
  const element = h(
    "div",
    { class: "snb-transcript-line", "data-final": String(line.final), "data-i": String(line.i) },
    line.mark ? h("div", { class: "snb-transcript-mark", dir: "auto" }, line.mark) : null,
    ...rows,
  );
  if (line.start !== null) element.dataset.start = String(line.start);
  if (line.end !== null) element.dataset.end = String(line.end);
  return element;
}
