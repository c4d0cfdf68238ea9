/** One line for a whole widget: that its kernel is gone, or what a press waits for. */
import "./connection.css";
import type { Channel } from "../channel";
import { h, setData, setText } from "../dom";
import { Announcer } from "./announcer";

/** Put the line on top of a widget that was drawn into an element. */
export function mountConnection(channel: Channel, el: HTMLElement, signal: AbortSignal): void {
  const line = h("div", { class: "snb-connection", hidden: true });
  const announcer = new Announcer(signal);
  const paint = () => {
    const trouble = channel.trouble;
    setText(line, trouble?.text ?? "");
    line.toggleAttribute("hidden", trouble === null);
    setData(line, "urgent", String(trouble?.urgent ?? false));
    announcer.say(trouble?.spoken ?? "");
  };
  (el.querySelector(".snb") ?? el).prepend(line, announcer.element);
  channel.onTrouble(paint, signal);
  signal.addEventListener("abort", () => {
    line.remove();
    announcer.element.remove();
  });
  paint();
}
