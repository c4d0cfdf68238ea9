/** The Player's face: one engine per model, any number of views. */
import "./player.css";
import { Playback, Take } from "../audio/playback";
import { Channel, type Model } from "../channel";
import { clock, h, icon, keepKeys } from "../dom";
import { capabilities } from "../host";
import { widget } from "../lifecycle";
import { followTheme } from "../theme";
import { drawWave } from "./waveform";

const REPORT_MS = 200;
const STOP_FADE_MS = 15;

class PlayerModel {
  readonly playback: Playback;
  readonly channel: Channel;
  readonly views = new Set<() => void>();
  #scheduled = false;
  #lastReport = "";

  constructor(
    readonly model: Model,
    signal: AbortSignal,
  ) {
    this.playback = new Playback(() => this.changed());
    this.channel = new Channel(model, capabilities, signal);
    this.channel.on("stream-open", (m) => {
      if (this.channel.isOwner) this.playback.open(new Take(m.stream, m.sample_rate));
    });
    this.channel.on("stream-audio", (m, bytes) => {
      if (this.playback.take?.id === m.stream && this.playback.take.samples === m.first)
        this.playback.write(bytes);
    });
    this.channel.on("stream-end", (m) => {
      if (this.playback.take?.id === m.stream) this.playback.end();
      this.report();
    });
    this.channel.on("owner", () => {
      if (!this.channel.isOwner) this.playback.stop(STOP_FADE_MS); // another page was pressed: one sounds at a time
    });
    this.channel.on("stop", (m) => this.playback.stop(m.fade_ms));
    this.channel.onWelcome(() => this.changed());
    const timer = setInterval(() => this.report(), REPORT_MS);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      void this.playback.close();
    });
  }

  get busy(): boolean {
    return this.playback.state !== "idle";
  }

  press(): void {
    void this.playback.unlock().catch((error: unknown) => {
      this.playback.problem = error instanceof Error ? error.message : String(error);
      this.changed();
    });
    if (this.playback.state === "blocked") return;
    if (this.busy || this.model.get("busy")) {
      this.playback.stop(STOP_FADE_MS);
      this.channel.send({ type: "press", action: "stop" });
    } else if (this.model.get("remote")) this.channel.send({ type: "press", action: "play" });
    else this.playback.replay();
    this.changed();
  }

  replay(): void {
    void this.playback.unlock();
    this.playback.replay();
  }

  report(): void {
    const take = this.playback.take;
    this.channel.expect(this.busy || Boolean(this.model.get("busy")));
    if (!take || !this.channel.isOwner) return;
    const { position, samples: received, underruns, firstMs } = take;
    const state = this.playback.state;
    const told = `${take.id} ${position} ${received} ${state}`;
    if (told === this.#lastReport) return;
    this.#lastReport = told;
    this.channel.send({
      type: "played",
      stream: take.id,
      position,
      received,
      underruns,
      state,
      first_ms: firstMs,
    });
  }

  changed(): void {
    if (this.playback.state === "idle") this.report();
    if (this.#scheduled) return;
    this.#scheduled = true;
    const paint = () => {
      this.#scheduled = false;
      for (const view of this.views) view();
    };
    if (document.hidden) setTimeout(paint, 100);
    else requestAnimationFrame(paint);
  }
}

function statusText(player: PlayerModel): string {
  const { state, take } = player.playback;
  if (state === "blocked")
    return "The browser holds the sound back: press the button once more to enable it.";
  if (state === "waiting" && !take?.samples) return "Waiting for the first sound…";
  const told = String(player.model.get("status") ?? "");
  const underruns = take?.underruns ? ` · ${take.underruns} underrun${take.underruns > 1 ? "s" : ""}` : "";
  const first = take?.firstMs ? `, heard ${take.firstMs} ms later` : "";
  return told ? told + first + underruns : "";
}

function mountView(player: PlayerModel, el: HTMLElement, signal: AbortSignal): void {
  const label = h("span");
  const glyph = h("span", { style: "display:inline-flex" });
  const button = h(
    "button",
    { class: "snb-button snb-primary", type: "button", click: () => player.press() },
    glyph,
    label,
  );
  const again = h("button", { class: "snb-button", type: "button", click: () => player.replay() }, "Again");
  again.title = "Hear the last take again, without asking the service";
  const wave = h("canvas", {
    class: "snb-player-wave",
    role: "img",
    "aria-label": "Waveform of the last take",
  });
  const time = h("span", { class: "snb-player-time" });
  const volume = h("input", {
    class: "snb-player-volume",
    type: "range",
    min: "0",
    max: "1",
    step: "0.05",
    value: "1",
  });
  volume.setAttribute("aria-label", "Volume");
  volume.addEventListener("input", () => {
    player.playback.volume = Number(volume.value);
  });
  const status = h("div", { class: "snb-status", "aria-live": "polite" });
  const error = h("div", { class: "snb-error", role: "alert" });
  const notice = h("div", { class: "snb-notice" });
  const root = h(
    "div",
    { class: "snb snb-card snb-player" },
    notice,
    h("div", { class: "snb-player-row" }, button, again, wave, time, volume),
    status,
    error,
  );
  keepKeys(root);
  let shown = "";
  const paint = () => {
    const { state, take } = player.playback;
    const stopping =
      state === "playing" || state === "waiting" || (state === "idle" && Boolean(player.model.get("busy")));
    const name = state === "blocked" ? "Enable sound" : stopping ? "Stop" : String(player.model.get("label"));
    if (name !== shown) {
      shown = name;
      label.textContent = name;
      glyph.replaceChildren(icon(stopping ? "stop" : "play"));
    }
    root.dataset.state = state;
    root.dataset.ready = String(player.channel.ready);
    root.dataset.takes = take?.id ?? "";
    again.toggleAttribute("disabled", !take?.samples || player.busy);
    const at = take ? take.position / take.sampleRate : 0;
    time.textContent = take ? `${clock(at)} / ${clock(take.duration)}${take.ended ? "" : "+"}` : "";
    setText(status, statusText(player));
    setText(
      error,
      player.playback.problem ?? player.channel.problem ?? String(player.model.get("error") ?? ""),
    );
    setText(notice, String(player.model.get("notice") ?? ""));
    drawWave(wave, take);
  };
  followTheme(root, signal, paint);
  const resized = new ResizeObserver(paint);
  resized.observe(wave);
  player.views.add(paint);
  for (const name of ["label", "status", "error", "notice", "busy"]) player.model.on(`change:${name}`, paint);
  signal.addEventListener("abort", () => {
    player.views.delete(paint);
    resized.disconnect();
    for (const name of ["label", "status", "error", "notice", "busy"])
      player.model.off(`change:${name}`, paint);
    root.remove();
    if (player.views.size === 0) player.playback.stop(STOP_FADE_MS);
  });
  el.append(root);
  paint();
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export default widget((model, signal) => new PlayerModel(model, signal), mountView);
