/** The LiveTranscriber: microphone, transcript, its sound, settings and files in one frame. */
import type { Model, PartChannel } from "../channel";
import { Announcer } from "../components/announcer";
import { makeDownloads } from "../components/downloads";
import { FilesEngine, mountFiles } from "../components/files";
import { mountKeyEntry } from "../components/key-entry";
import { MicrophoneEngine, mountMicrophone } from "../components/microphone";
import { PlayerEngine } from "../components/player";
import { mountRecording, RecordingEngine } from "../components/recording-bar";
import { mountSettingsPanel, SettingsEngine } from "../components/settings";
import { Tabs } from "../components/tabs";
import { mountTranscript, TranscriptEngine } from "../components/transcript-view";
import { h, setData, setText } from "../dom";
import { observe, widget } from "../lifecycle";
import { recall, remember } from "../memory";
import { PartModel } from "../part";
import { followTheme } from "../theme";
// Last, so that its rules come after those of the parts.
import "../components/transcriber.css";

const PARTS = ["", "microphone", "transcript", "player", "recording", "settings", "files"] as const;
const TAB = "transcriber-tab";

class TranscriberEngine {
  readonly microphone: MicrophoneEngine;
  readonly transcript: TranscriptEngine;
  readonly player: PlayerEngine;
  readonly recording: RecordingEngine;
  readonly settings: SettingsEngine;
  readonly files: FilesEngine;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    const { channel: whole } = channel;
    const of = (name: (typeof PARTS)[number]) => [new PartModel(model, name), whole.part(name)] as const;
    this.microphone = new MicrophoneEngine(...of("microphone"), signal);
    this.transcript = new TranscriptEngine(...of("transcript"), signal);
    this.player = new PlayerEngine(...of("player"), signal);
    this.recording = new RecordingEngine(...of("recording"), this.player, signal);
    this.settings = new SettingsEngine(...of("settings"), signal);
    this.files = new FilesEngine(...of("files"), signal);
    this.transcript.hear = (at) => this.recording.hear(at);
    this.recording.views.add(() => {
      const { sounds, place } = this.recording;
      this.transcript.mark(sounds ? place : null);
    });
  }

  press(action: string): void {
    this.channel.send({ type: "press", action });
  }

  set(name: string, value: boolean): void {
    this.model.set(name, value);
    this.model.save_changes();
  }

  setCaptions(on: boolean): void {
    const { model } = this.transcript;
    if (Boolean(model.get("captions")) === on) return;
    model.set("captions", on);
    model.save_changes();
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
  const { model, channel, transcript: text, files: sending } = transcriber;
  const bar = h("div", { class: "snb-frame-bar" });
  const key = h("div", {});
  const connection = h("span", { class: "snb-service-state" });
  const link = (label: string, title: string, press: () => void) =>
    h("button", { class: "snb-link", type: "button", title, click: press }, label);
  const giveUp = link("Give up", "Stop trying to connect; the sound is kept", () =>
    transcriber.press("give-up"),
  );
  const announcer = new Announcer(signal);
  const microphone = h("div", { class: "snb-transcriber-mic" });
  const transcript = h("div", { class: "snb-transcriber-text" });
  const recording = h("div", { class: "snb-transcriber-recording" });
  const settings = h("div", { class: "snb-pane" });
  const files = h("div", { class: "snb-pane" });
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
  const panels = { transcript, captions: transcript, settings, files };
  const show = (name: string) => {
    remember(TAB, name === "captions" ? "transcript" : name);
    transcriber.setCaptions(name === "captions");
    tabs.chosen = name;
    paint();
  };
  const tabs = new Tabs(panels, recall(TAB) ?? "transcript", show);
  const finalize = link("Finalize", "Get the final text of what was said so far", () =>
    transcriber.press("finalize"),
  );
  const clear = link("Clear", "Delete the transcript and its sound", () => transcriber.press("clear"));
  const downloads = makeDownloads(text, transcriber.recording, (said) => announcer.say(said), signal);
  const undoText = h("span", {});
  const undo = h(
    "div",
    { class: "snb-undo", hidden: true },
    undoText,
    link("Undo", "Put it back", () => transcriber.press("undo")),
  );
  const foot = h(
    "div",
    { class: "snb-frame-foot" },
    tabs.element,
    h("span", { class: "snb-frame-foot-end" }, finalize, downloads.copy, downloads.open, clear),
  );
  const error = h("div", { class: "snb-error", role: "alert" });
  const root = h(
    "div",
    { class: "snb snb-frame snb-transcriber" },
    bar,
    key,
    microphone,
    transcript,
    settings,
    files,
    recording,
    undo,
    foot,
    downloads.panel,
    error,
    announcer.element,
  );
  el.append(root);
  mountKeyEntry(model, channel, bar, key, signal);
  bar.append(connection, giveUp);
  mountMicrophone(transcriber.microphone, microphone, signal, true);
  mountTranscript(text, transcript, signal, true);
  mountRecording(transcriber.recording, recording, signal);
  mountSettingsPanel(transcriber.settings, settings, signal, true);
  mountFiles(sending, files, root, (said) => announcer.say(said), signal);
  const paint = () => {
    setText(connection, String(model.get("connection") ?? ""));
    giveUp.toggleAttribute("hidden", !model.get("can_give_up"));
    const changed = transcriber.changedSettings;
    const waiting = sending.left;
    if (Boolean(text.model.get("captions")) !== (tabs.chosen === "captions"))
      tabs.chosen = tabs.chosen === "captions" ? "transcript" : "captions";
    tabs.paint(tabs.chosen, {
      transcript: "Transcript",
      captions: "Captions",
      settings: changed ? `Settings · ${changed} changed` : "Settings",
      files: waiting ? `Files · ${waiting} left` : "Files",
    });
    paintKeep();
    paintMute();
    finalize.toggleAttribute("hidden", !text.model.get("live"));
    recording.toggleAttribute("hidden", !model.get("keep_audio"));
    const cleared = String(model.get("cleared") ?? "");
    if (cleared) announcer.say(cleared);
    setText(undoText, cleared);
    undo.toggleAttribute("hidden", !cleared);
    clear.toggleAttribute("disabled", text.lines.size === 0 && !transcriber.recording.hasSound);
    downloads.paint();
    setText(error, String(model.get("error") ?? ""));
    setData(root, "ready", String(channel.ready));
  };
  const view = { lines: paint, now: () => {} };
  text.views.add(view);
  const openFiles = () => {
    if (sending.model.get("status")) show("files");
  };
  observe(sending.model, ["status"], signal, openFiles);
  observe(text.model, ["live", "captions"], signal, paint);
  const engines = [transcriber.settings, transcriber.recording, sending];
  for (const { views } of engines) views.add(paint);
  followTheme(root, signal, () => transcriber.player.changed());
  channel.onWelcome(paint);
  const own = ["connection", "can_give_up", "cleared", "keep_audio", "mute_while_playing", "error"];
  observe(model, own, signal, paint);
  signal.addEventListener("abort", () => {
    text.views.delete(view);
    for (const { views } of engines) views.delete(paint);
    root.remove();
  });
  paint();
}

export default widget(
  (model, channel, signal) => new TranscriberEngine(model, channel, signal),
  mount,
  PARTS,
);
