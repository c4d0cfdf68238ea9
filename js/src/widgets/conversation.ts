/** The Conversation: both sides as they speak, who speaks now, and where the time went. */
import "../components/conversation.css";
import type { Model, PartChannel } from "../channel";
import { Announcer } from "../components/announcer";
import { MicrophoneEngine, mountMicrophone } from "../components/microphone";
import { mountPlayer, PlayerEngine } from "../components/player";
import { type Turn, TurnList } from "../components/turn-list";
import { h, setData, setText } from "../dom";
import { observe, widget } from "../lifecycle";
import { PartModel } from "../part";
import { followTheme } from "../theme";

const PARTS = ["", "microphone", "player"] as const;
/** The steps from the person's last sound to the first of the answer, in order. */
const STEPS: [string, string][] = [
  ["end_of_turn_s", "end of turn"],
  ["transcript_s", "transcript"],
  ["reply_s", "reply"],
  ["voice_s", "voice"],
  ["sound_s", "page"],
];
const STATES: Record<string, string> = {
  idle: "",
  listening: "Listening",
  hearing: "Hearing you",
  waiting: "Waiting for the transcript",
  thinking: "Thinking",
  speaking: "Speaking: speak over it to interrupt",
  paused: "Paused while you speak",
  ended: "",
};

class ConversationEngine {
  readonly microphone: MicrophoneEngine;
  readonly player: PlayerEngine;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    const part = (name: (typeof PARTS)[number]) =>
      [new PartModel(model, name), channel.channel.part(name), signal] as const;
    this.microphone = new MicrophoneEngine(...part("microphone"));
    this.player = new PlayerEngine(...part("player"));
  }

  get turns(): Turn[] {
    return (this.model.get("turns") ?? []) as Turn[];
  }

  text(name: string): string {
    return String(this.model.get(name) ?? "");
  }
}

function steps(figures: Record<string, number>): HTMLElement[] {
  const total = STEPS.reduce((sum, [name]) => sum + (figures[name] ?? 0), 0) || 1;
  return STEPS.filter(([name]) => figures[name] !== undefined).map(([name, label]) => {
    const seconds = figures[name] ?? 0;
    const bar = h("i", { class: "snb-step-bar", "aria-hidden": "true" });
    bar.style.width = `${Math.max(2, (60 * seconds) / total)}px`;
    return h("span", { class: "snb-step" }, `${seconds.toFixed(2)} s ${label}`, bar);
  });
}

function mount(talk: ConversationEngine, el: HTMLElement, signal: AbortSignal): void {
  const { model, channel } = talk;
  const notice = h("span", { class: "snb-notice" });
  const now = h("span", { class: "snb-used" });
  const announcer = new Announcer(signal);
  const list = new TurnList();
  const microphone = h("div", { class: "snb-conversation-mic" });
  const player = h("div", { class: "snb-conversation-player" });
  const figures = h("span", { class: "snb-steps" });
  const clear = h(
    "button",
    { class: "snb-link", type: "button", click: () => channel.send({ type: "press", action: "clear" }) },
    "Clear",
  );
  const error = h("div", { class: "snb-error", role: "alert" });
  const root = h(
    "div",
    { class: "snb snb-frame snb-conversation" },
    h("div", { class: "snb-frame-bar" }, notice, now, announcer.element),
    list.element,
    h("div", { class: "snb-conversation-row" }, microphone, player),
    h("div", { class: "snb-frame-foot" }, figures, h("span", { class: "snb-frame-foot-end" }, clear)),
    error,
  );
  el.append(root);
  mountMicrophone(talk.microphone, microphone, signal, true);
  mountPlayer(talk.player, player, signal, true);
  let shown: unknown = null;
  const paint = () => {
    setText(notice, talk.text("notice"));
    const known = (model.get("figures") ?? {}) as Record<string, number>;
    const state = STATES[talk.text("state")] ?? talk.text("state");
    const heard =
      known.total_s === undefined ? "" : `answer heard ${known.total_s.toFixed(2)} s after you stopped`;
    setText(now, [state, heard].filter(Boolean).join(" · "));
    announcer.say(now.textContent ?? "");
    list.show(talk.turns, talk.text("interim"), talk.text("answer"));
    if (shown !== known) {
      shown = known;
      figures.replaceChildren(...steps(known));
    }
    setText(error, talk.text("error"));
    setData(root, "state", talk.text("state"));
    setData(root, "ready", String(channel.ready));
  };
  followTheme(root, signal, () => talk.player.changed());
  channel.onWelcome(paint);
  observe(model, ["notice", "turns", "interim", "answer", "state", "figures", "error"], signal, paint);
  signal.addEventListener("abort", () => root.remove());
  paint();
}

export default widget(
  (model, channel, signal) => new ConversationEngine(model, channel, signal),
  mount,
  PARTS,
);
