/** The turns of a conversation, the person's on the right and the voice's on the left; the latest is in sight. */
import { clock, h } from "../dom";

export interface Turn {
  who: "person" | "voice";
  text: string;
  /** What the voice would have said after it was interrupted. */
  unheard: string;
  start: number | null;
  interrupted: boolean;
  /** The place of the cut is estimated: the voice sent no word times. */
  estimated: boolean;
  error: string | null;
}

const NEAR_END_PX = 24;

function about(turn: Turn): string {
  const word = turn.text.split(" ").at(-1) ?? "";
  const cut = turn.text
    ? `interrupted after “${word}”${turn.estimated ? " (estimated)" : ""}`
    : "interrupted before a word";
  return [turn.start === null ? "" : clock(turn.start), turn.interrupted ? cut : "", turn.error ?? ""]
    .filter(Boolean)
    .join(" · ");
}

function bubble(who: Turn["who"], said: (Node | string)[], note: string, provisional = false): HTMLElement {
  const text = h("p", { class: "snb-turn-text", dir: "auto" }, ...said);
  const item = h("li", { class: "snb-turn", "data-who": who }, text, h("small", {}, note));
  item.toggleAttribute("data-provisional", provisional);
  item.setAttribute("aria-label", who === "person" ? "You" : "Voice");
  return item;
}

export class TurnList {
  readonly #list = h("ol", { class: "snb-turn-list" });
  readonly element = h(
    "div",
    { class: "snb-turns", role: "log", "aria-label": "Conversation", tabindex: "0" },
    this.#list,
  );
  #shown = "";
  readonly #interim = bubble("person", [], "", true);
  readonly #answer = bubble("voice", [], "speaking", true);

  show(turns: Turn[], interim: string, answer: string): void {
    const box = this.element;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    const key = JSON.stringify(turns);
    if (key !== this.#shown) {
      this.#shown = key;
      this.#list.replaceChildren(
        ...turns.map((turn) =>
          bubble(
            turn.who,
            [
              turn.text,
              ...(turn.unheard
                ? [" ", h("s", { title: "Said by the voice, but not heard" }, turn.unheard)]
                : []),
            ],
            about(turn),
          ),
        ),
      );
    }
    this.#provisional(this.#interim, interim);
    this.#provisional(this.#answer, answer);
    if (!atEnd) return;
    const showEnd = () => {
      box.scrollTop = box.scrollHeight;
    };
    if (box.isConnected) showEnd();
    else requestAnimationFrame(showEnd); // it has no size before it is in the page
  }

  #provisional(item: HTMLElement, text: string): void {
    const place = item.firstElementChild as HTMLElement;
    if (place.textContent !== text) place.textContent = text;
    if (!text) item.remove();
    else if (!item.parentElement) this.#list.append(item);
  }
}
