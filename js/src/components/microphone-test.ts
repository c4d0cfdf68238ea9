/** A test of the microphone while nothing is recorded: its level is shown, and its sound goes nowhere. */
import { microphones } from "../audio/capture";
import { Level, meter } from "../audio/level";
import type { Model } from "../channel";
import { h, setText } from "../dom";
import { capabilities, microphoneProblem } from "../host";

/** A level that a working microphone has even in a quiet room, as a root mean square. */
const HEARD = 0.001;
const SILENT_MS = 3000;
const SAMPLES = 1024;

/** What is tested. */
interface Tested {
  readonly model: Model;
  readonly state: string;
  readonly channel: { readonly ready: boolean };
}

/** An open device: `level` at the moment, 0 to 1, until it is closed. */
class Listening {
  readonly #buffer = new Float32Array(SAMPLES);

  private constructor(
    readonly stream: MediaStream,
    readonly context: AudioContext,
    readonly analyser: AnalyserNode,
  ) {}

  static async open(model: Model): Promise<Listening> {
    const wanted = String(model.get("device") ?? "");
    const device = wanted ? (await microphones()).find((one) => one.label.includes(wanted)) : undefined;
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        ...(device ? { deviceId: { exact: device.deviceId } } : {}),
        echoCancellation: Boolean(model.get("echo_cancellation")),
        noiseSuppression: Boolean(model.get("noise_suppression")),
        autoGainControl: Boolean(model.get("auto_gain_control")),
      },
    });
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: SAMPLES });
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser); // and no further
    return new Listening(stream, context, analyser);
  }

  get level(): number {
    this.analyser.getFloatTimeDomainData(this.#buffer);
    const level = new Level();
    for (const sample of this.#buffer) level.add(sample);
    return level.take().rms;
  }

  close(): void {
    for (const track of this.stream.getTracks()) track.stop();
    void this.context.close();
  }
}

export function mountMicrophoneTest(mic: Tested): { element: HTMLElement; paint: () => void } {
  const button = h("button", { class: "snb-button", type: "button" });
  const bar = h("div", { class: "snb-mic-test-level" });
  const levels = h(
    "div",
    { class: "snb-mic-test-meter", role: "img", "aria-label": "Level of the test" },
    bar,
  );
  const said = h("span", { class: "snb-mic-test-said", role: "status" });
  const element = h("div", { class: "snb-mic-test" }, button, levels, said);
  let attempt = 0;
  let listening: Listening | null = null;
  let problem = "";
  let heard = false;
  let began = 0;

  const end = () => {
    attempt += 1;
    listening?.close();
    listening = null;
    paint();
  };
  const follow = () => {
    if (!listening) return;
    const visible = element.isConnected && element.closest("details")?.open !== false && !document.hidden;
    if (!visible || mic.state !== "idle") {
      end();
      return;
    }
    const { level } = listening;
    heard ||= level > HEARD;
    bar.style.transform = `scaleX(${meter(level).toFixed(3)})`;
    paint();
    requestAnimationFrame(follow);
  };
  const begin = async () => {
    const mine = ++attempt;
    problem = "";
    heard = false;
    began = performance.now();
    try {
      if (capabilities().microphone !== "ask") throw new Error("no microphone for this page");
      const opened = await Listening.open(mic.model);
      if (mine !== attempt) {
        opened.close(); // it was granted late
        return;
      }
      listening = opened;
      follow();
    } catch (error) {
      if (mine === attempt) problem = microphoneProblem(error);
      paint();
    }
  };
  button.addEventListener("click", () => {
    if (listening) end();
    else void begin();
  });
  const paint = () => {
    setText(button, listening ? "End the test" : "Test the microphone");
    button.toggleAttribute("disabled", mic.state !== "idle" || !mic.channel.ready);
    levels.toggleAttribute("hidden", !listening);
    const silent = listening && !heard && performance.now() - began > SILENT_MS;
    const text = silent
      ? "Nothing is heard. Is it muted, or is another microphone meant?"
      : listening
        ? "Speak: the bar moves. Nothing is recorded or sent."
        : problem;
    setText(said, text);
  };
  return { element, paint };
}
