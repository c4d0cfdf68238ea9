/** The VoiceTuner: text, player, settings and takes in one frame. */
import "../components/tuner.css";
import type { Model, PartChannel } from "../channel";
import { mountCode } from "../components/code-view";
import { mountKeyEntry } from "../components/key-entry";
import { mountPlayer, PlayerEngine } from "../components/player";
import { mountSettingsPanel, SettingsEngine } from "../components/settings";
import { mountTakes, TakesEngine } from "../components/takes";
import { mountText, TextEngine } from "../components/text";
import { mountVoices, showCurrentVoice, VoicesEngine } from "../components/voices";
import { grouped, h, setData, setText } from "../dom";
import { observe, widget } from "../lifecycle";
import { PartModel } from "../part";
import { followTheme } from "../theme";

const PARTS = ["", "player", "settings", "voices", "takes", "code"] as const;

class TunerEngine {
  readonly player: PlayerEngine;
  readonly settings: SettingsEngine;
  readonly voices: VoicesEngine;
  readonly takes: TakesEngine;
  readonly text: TextEngine;
  readonly code: PartModel;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    const part = (name: (typeof PARTS)[number]) =>
      [new PartModel(model, name), channel.channel.part(name), signal] as const;
    this.player = new PlayerEngine(...part("player"));
    this.settings = new SettingsEngine(...part("settings"));
    this.voices = new VoicesEngine(...part("voices"));
    this.text = new TextEngine(model, channel, this.player, signal);
    this.takes = new TakesEngine(...part("takes"), this.player, () => this.text.text);
    this.text.views.add(() => this.takes.changed());
    this.code = new PartModel(model, "code");
    this.player.comparesElsewhere = true;
    this.voices.language = {
      get: () => String(this.settings.value("language") ?? ""),
      set: (code) => this.settings.choose("language", code),
    };
    this.settings.custom.set("voice", (view) => this.#voiceRow(view));
  }

  /** The voice in use, and the search for another one below it. */
  #voiceRow(signal: AbortSignal): HTMLElement {
    const name = h("b", {});
    const about = h("span", {});
    const summary = h("summary", { class: "snb-field snb-voice-summary" }, name, about);
    const box = h("details", { class: "snb-voice-select" }, summary);
    let mounted = false;
    box.addEventListener("toggle", () => {
      if (!box.open) return;
      if (!mounted) mountVoices(this.voices, box, signal);
      mounted = true;
      showCurrentVoice(box);
    });
    const paint = () => {
      const id = this.voices.current;
      const voice = this.voices.voices.find(([known]) => known === id);
      setText(name, id);
      setText(about, voice ? `${voice[1]}, ${voice[2]}` : "");
    };
    this.voices.views.add(paint);
    signal.addEventListener("abort", () => this.voices.views.delete(paint));
    paint();
    return box;
  }
}

function mount(tuner: TunerEngine, el: HTMLElement, signal: AbortSignal): void {
  const { model, channel } = tuner;
  const used = h("span", { class: "snb-used" });
  const offerText = h("span", {});
  const offerButton = h("button", {
    class: "snb-button",
    type: "button",
    click: () => channel.send({ type: "act", action: "use-model", text: "" }),
  });
  const offer = h("div", { class: "snb-offer" }, offerText, offerButton);
  const auto = h("input", { type: "checkbox" });
  auto.addEventListener("change", () => {
    model.set("auto_play", auto.checked);
    model.save_changes();
  });
  const again = h(
    "button",
    {
      class: "snb-link",
      type: "button",
      title: "Ask the service to speak again, even if nothing has changed.",
      click: () => tuner.text.again(),
    },
    "New take",
  );
  const top = h("div", { class: "snb-frame-bar" });
  const key = h("div", {});
  const text = h("div", { class: "snb-tuner-text" });
  const player = h("div", { class: "snb-tuner-player" });
  const settings = h(
    "section",
    { class: "snb-pane", "aria-label": "Settings" },
    h(
      "header",
      { class: "snb-pane-head" },
      h("h3", {}, "Settings"),
      h("label", { class: "snb-pane-option" }, "Speak when changed", auto),
    ),
  );
  const takes = h(
    "section",
    { class: "snb-pane", "aria-label": "Takes" },
    h("header", { class: "snb-pane-head" }, h("h3", {}, "Takes"), again),
  );
  const code = h("div", { class: "snb-tuner-code" });
  const error = h("div", { class: "snb-error", role: "alert" });
  const root = h(
    "div",
    { class: "snb snb-frame snb-tuner" },
    top,
    key,
    text,
    player,
    offer,
    h("div", { class: "snb-panes" }, settings, takes),
    code,
    error,
  );
  el.append(root);
  mountKeyEntry(model, channel, top, key, signal);
  top.append(used);
  mountText(tuner.text, text, signal);
  mountPlayer(tuner.player, player, signal, true);
  mountSettingsPanel(tuner.settings, settings, signal, true);
  mountTakes(tuner.takes, takes, signal);
  mountCode(tuner.code, channel, code, signal);
  const paint = () => {
    const spent = (model.get("used") ?? {}) as { requests?: number; characters?: number; busy?: number };
    const requests = `${spent.requests} request${spent.requests === 1 ? "" : "s"}`;
    const characters = grouped(spent.characters ?? 0);
    setText(used, spent.requests ? `${requests} · ${characters} characters spoken` : "");
    const offered = (model.get("offer") ?? {}) as { text?: string; button?: string };
    setText(offerText, offered.text ?? "");
    setText(offerButton, offered.button ?? "");
    offerButton.toggleAttribute("hidden", !offered.button);
    offer.toggleAttribute("hidden", !offered.text);
    auto.checked = Boolean(model.get("auto_play"));
    setText(error, String(model.get("error") ?? ""));
    setData(root, "ready", String(channel.ready));
  };
  root.addEventListener("keydown", (event) => {
    const writes = event.target instanceof Element && event.target.matches("input, textarea, select");
    if (event.key.toLowerCase() !== "x" || writes || event.ctrlKey || event.metaKey || event.altKey) return;
    tuner.player.pair.switch();
  });
  followTheme(root, signal, () => tuner.player.changed());
  channel.onWelcome(paint);
  observe(model, ["used", "offer", "auto_play", "error"], signal, paint);
  signal.addEventListener("abort", () => root.remove());
  paint();
}

export default widget((model, channel, signal) => new TunerEngine(model, channel, signal), mount, PARTS);
