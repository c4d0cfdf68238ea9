/** The words of a take in a line; the one that sounds is marked. Decorative: the text is in its field as well. */
import { h } from "../dom";

export interface TimedWords {
  stream?: string;
  estimated?: boolean;
  words?: [string, number, number][];
}

export class WordsLine {
  readonly element = h("div", { class: "snb-words", dir: "auto", "aria-hidden": "true" });
  #shown: TimedWords | null = null;
  #spans: HTMLElement[] = [];
  #marked = -1;

  constructor(readonly seek: (seconds: number) => void) {}

  /** Show the words of the take that plays, and which of them sounds at `seconds`. */
  show(timed: TimedWords, take: string | undefined, seconds: number, playing: boolean): void {
    const fits = take !== undefined && timed.stream === take ? timed : null;
    if (fits !== this.#shown) this.#fill(fits);
    if (!fits) return;
    const words = fits.words ?? [];
    const at = playing ? words.findIndex(([, start, end]) => start <= seconds && seconds < end) : -1;
    if (at === this.#marked) return;
    this.#spans[this.#marked]?.removeAttribute("data-now");
    this.#spans[at]?.setAttribute("data-now", "");
    this.#marked = at;
  }

  #fill(timed: TimedWords | null): void {
    this.#shown = timed;
    this.#marked = -1;
    this.#spans = (timed?.words ?? []).map(([text, start]) =>
      h("span", { click: () => this.seek(start) }, text),
    );
    this.element.replaceChildren(...this.#spans.flatMap((span) => [span, " "]));
  }
}
