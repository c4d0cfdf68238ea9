/** The LiveTranscriber: microphone, transcript, its sound, settings and files in one frame. */
import "../components/transcriber.css";
import type { Model, PartChannel } from "../channel";
import { FilesEngine, mountFiles } from "../components/files";
import { MicrophoneEngine, mountMicrophone } from "../components/microphone";
import { mountPlayer, PlayerEngine } from "../components/player";
import { mountSettingsPanel, SettingsEngine } from "../components/settings";
import { mountTranscript, TranscriptEngine } from "../components/transcript-view";
import { h, setText } from "../dom";
import { observe, widget } from "../lifecycle";
import { recall, remember } from "../memory";
import { PartModel } from "../part";
import { followTheme } from "../theme";

const PARTS = ["", "microphone", "transcript", "player", "settings", "files"] as const;
const TAB = "transcriber-tab";

class TranscriberEngine {
  readonly microphone: MicrophoneEngine;
  readonly transcript: TranscriptEngine;
  readonly player: PlayerEngine;
  readonly settings: SettingsEngine;
  readonly files: FilesEngine;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    const part = (name: (typeof PARTS)[number]) =>
      [new PartModel(model, name), channel.channel.part(name), signal] as const;
    this.microphone = new MicrophoneEngine(...part("microphone"));
    this.transcript = new TranscriptEngine(...part("transcript"));
    this.player = new PlayerEngine(...part("player"));
    this.settings = new SettingsEngine(...part("settings"));
    this.files = new FilesEngine(...part("files"));
  }

  press(action: string): void {
    this.channel.send({ type: "press", action });
  }

  set(name: string, value: boolean): void {
    this.model.set(name, value);
    this.model.save_changes();
  }

  /** How many settings are not at their default. */
  get changedSettings(): number {
    return this.settings.controls.filter((control) => {
      const value = this.settings.value(control.name);
      return control.optional ? value !== null : value !== control.default;
    }).length;
  }
}

function option(transcriber: TranscriberEngine, name: string, text: string): [HTMLElement, () => void] {
  const box = h("input", { type: "checkbox" });
  box.addEventListener("change", () => transcriber.set(name, box.checked));
  const paint = () => {
    box.checked = Boolean(transcriber.model.get(name));
  };
  return [h("label", { class: "snb-setting-tick" }, box, h("span", {}, text)), paint];
}

function mount(transcriber: TranscriberEngine, el: HTMLElement, signal: AbortSignal): void {
  const { model, channel } = transcriber;
  const notice = h("span", { class: "snb-notice" });
  const connection = h("span", { class: "snb-used" });
  const microphone = h("div", { class: "snb-transcriber-mic" });
  const transcript = h("div", { class: "snb-transcriber-text" });
  const player = h("div", { class: "snb-transcriber-player" });
  const settings = h("div", { class: "snb-pane" });
  const files = h("div", { class: "snb-pane" });
  const panels: Record<string, HTMLElement> = { transcript, settings, files };
  const [keep, paintKeep] = option(
    transcriber,
    "keep_audio",
    "Keep the sound with the text, in this kernel only",
  );
  const [mute, paintMute] = option(
    transcriber,
    "mute_while_playing",
    "Do not listen while a player in this notebook is playing",
  );
  settings.append(h("div", { class: "snb-transcriber-options" }, keep, mute));
  const names: Record<string, string> = { transcript: "Transcript", settings: "Settings", files: "Files" };
  let chosen = recall(TAB) ?? "transcript";
  const tabs = Object.keys(panels).map((name) => {
    const tab = h("button", { class: "snb-tab", type: "button", "data-tab": name });
    tab.addEventListener("click", () => show(name));
    return tab;
  });
  const finalize = h(
    "button",
    {
      class: "snb-link",
      type: "button",
      title: "Get the final text of what was said so far",
      click: () => transcriber.press("finalize"),
    },
    "Finalize",
  );
  const clear = h(
    "button",
    {
      class: "snb-link",
      type: "button",
      title: "Delete the transcript and its sound",
      click: () => transcriber.press("clear"),
    },
    "Clear",
  );
  const foot = h(
    "div",
    { class: "snb-frame-foot" },
    h("div", { class: "snb-tabs", role: "group", "aria-label": "Sections" }, ...tabs),
    h("span", { class: "snb-frame-foot-end" }, finalize, clear),
  );
  const error = h("div", { class: "snb-error", role: "alert" });
  const root = h(
    "div",
    { class: "snb snb-frame snb-transcriber" },
    h("div", { class: "snb-frame-bar" }, notice, connection),
    microphone,
    transcript,
    settings,
    files,
    player,
    foot,
    error,
  );
  el.append(root);
  mountMicrophone(transcriber.microphone, microphone, signal, true);
  mountTranscript(transcriber.transcript, transcript, signal, true);
  mountPlayer(transcriber.player, player, signal, true);
  mountSettingsPanel(transcriber.settings, settings, signal, true);
  mountFiles(transcriber.files, files, root, signal);
  const show = (name: string) => {
    chosen = name in panels ? name : "transcript";
    remember(TAB, chosen);
    paint();
  };
  const paint = () => {
    setText(notice, String(model.get("notice") ?? ""));
    for (const [name, panel] of Object.entries(panels))
      panel.hidden = name !== chosen && !(name === "transcript");
    const changed = transcriber.changedSettings;
    for (const tab of tabs) {
      const name = tab.dataset.tab ?? "";
      setText(
        tab,
        name === "settings" && changed ? `${names[name]} · ${changed} changed` : (names[name] ?? ""),
      );
      tab.setAttribute("aria-pressed", String(name === chosen));
    }
    paintKeep();
    paintMute();
    setText(error, String(model.get("error") ?? ""));
    player.hidden = !transcriber.player.playback.take;
    root.dataset.ready = String(channel.ready);
  };
  transcriber.settings.views.add(paint);
  transcriber.player.views.add(paint);
  const { model: chosenFiles } = transcriber.files;
  const openFiles = () => {
    if (chosenFiles.get("status")) show("files");
  };
  observe(chosenFiles, ["status"], signal, openFiles);
  followTheme(root, signal, () => transcriber.player.changed());
  channel.onWelcome(paint);
  observe(model, ["notice", "keep_audio", "mute_while_playing", "error"], signal, paint);
  signal.addEventListener("abort", () => {
    transcriber.settings.views.delete(paint);
    transcriber.player.views.delete(paint);
    root.remove();
  });
  paint();
}

export default widget(
  (model, channel, signal) => new TranscriberEngine(model, channel, signal),
  mount,
  PARTS,
);
