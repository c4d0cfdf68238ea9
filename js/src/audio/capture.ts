/** The page's microphone: device in, PCM16 chunks out. Knows neither kernel nor DOM. */
import workletSource from "./capture.worklet.ts?worklet";
import { loadWorklet } from "./worklet-loader";

export interface Chunk {
  /** When its last sample was captured: by the worklet seconds on the audio clock, by `Capture` ms on the page's. */
  t: number;
  rms: number;
  peak: number;
  last: boolean;
  pcm: ArrayBuffer;
}

/** What the browser really switched on. */
export interface Granted {
  device: string;
  echo_cancellation: boolean;
  noise_suppression: boolean;
  auto_gain_control: boolean;
}

/** Why an open microphone gives nothing: the browser suspended the sound, or somebody muted the device. */
export type Interruption = "suspended" | "muted";

/** The device that was asked for is not there. */
export class NoSuchDevice extends Error {
  constructor(wanted: string, there: string[]) {
    super(
      `The microphone "${wanted}" is not there; found: ${there.join(", ") || "none"}. Choose another one.`,
    );
  }
}

/** Labels of the microphones, empty until the browser was allowed to use one. */
export async function microphones(): Promise<MediaDeviceInfo[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all.filter((device) => device.kind === "audioinput" && device.label !== "");
}

export interface CaptureOptions {
  /** Part of the device's label; empty takes the browser's default. */
  device: string;
  sampleRate: number;
  chunkMs: number;
  echoCancellation: boolean;
  noiseSuppression: boolean;
  autoGainControl: boolean;
  onChunk: (chunk: Chunk) => void;
  /** The device gives nothing any more, with the reason in words. */
  onLost: (reason: string) => void;
  /** Sound is interrupted, or flows again (null). */
  onInterrupted: (why: Interruption | null) => void;
}

/** A browser that lets the context run does so within this; it may wait for a press. */
const RESUME_MS = 1000;
const FLUSH_MS = 500;

/** Wait for a promise until the signal; what comes after that goes to `late`. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, late: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const given = () => reject(signal.reason);
    if (signal.aborted) given();
    signal.addEventListener("abort", given);
    work.then((value) => (signal.aborted ? late(value) : resolve(value)), reject);
  });
}

function close(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

async function openStream(options: CaptureOptions, signal: AbortSignal): Promise<MediaStream> {
  const open = (deviceId: ConstrainDOMString | undefined) => {
    const asked = navigator.mediaDevices.getUserMedia({
      audio: {
        ...(deviceId ? { deviceId } : {}),
        channelCount: 1,
        echoCancellation: options.echoCancellation,
        noiseSuppression: options.noiseSuppression,
        autoGainControl: options.autoGainControl,
      },
    });
    return unlessAborted(asked, signal, close);
  };
  if (!options.device) return open(undefined);
  const find = (devices: MediaDeviceInfo[]) =>
    devices.find((device) => device.label.includes(options.device));
  const known = find(await microphones());
  if (known) return open({ exact: known.deviceId });
  // Labels are shown only to pages that may listen: ask for any device first.
  close(await open(undefined));
  const devices = await microphones();
  const found = find(devices);
  if (!found)
    throw new NoSuchDevice(
      options.device,
      devices.map((device) => device.label),
    );
  return open({ exact: found.deviceId });
}

async function permission(): Promise<PermissionState | null> {
  try {
    return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state;
  } catch {
    return null; // a browser that does not say
  }
}

/** Why a track ended: its page may listen no more, its device is gone, or the browser does not say. */
async function whyEnded(track: MediaStreamTrack, before: PermissionState | null): Promise<string> {
  const now = await permission();
  if (now === "denied" || (before === "granted" && now === "prompt")) {
    return "The browser's permission to use the microphone was withdrawn while recording. Allow it in the address bar's site settings and press again.";
  }
  const { deviceId } = track.getSettings();
  const devices = await microphones();
  if (devices.some((device) => device.deviceId === deviceId)) {
    return "The browser or another program ended the recording; the microphone is still there. Press again.";
  }
  return "The microphone was disconnected while recording. Plug it in and press again.";
}

export class Capture {
  #interruption: Interruption | null = null;

  private constructor(
    readonly deviceRate: number,
    readonly granted: Granted,
    private readonly options: CaptureOptions,
    private readonly context: AudioContext,
    private readonly stream: MediaStream,
    private readonly node: AudioWorkletNode,
  ) {}

  /** Open the microphone; on any failure, and if it is given up meanwhile, everything that was opened is closed again. */
  static async create(options: CaptureOptions, signal: AbortSignal): Promise<Capture> {
    const stream = await openStream(options, signal);
    let context: AudioContext | null = null;
    const nothing = () => {};
    try {
      // No rate of ours: Firefox refuses a microphone in a context of another rate.
      context = new AudioContext();
      const limit = new Promise<void>((resolve) => setTimeout(resolve, RESUME_MS));
      await unlessAborted(Promise.race([context.resume(), limit]), signal, nothing);
      await unlessAborted(loadWorklet(context, workletSource), signal, nothing);
      const node = new AudioWorkletNode(context, "snb-capture", {
        numberOfOutputs: 0,
        processorOptions: {
          targetRate: options.sampleRate,
          chunkSamples: Math.round((options.chunkMs / 1000) * options.sampleRate),
        },
      });
      const audio = context;
      node.port.onmessage = ({ data }: MessageEvent<Chunk>) =>
        options.onChunk({ ...data, t: performance.now() - (audio.currentTime - data.t) * 1000 });
      new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(node);
      const track = stream.getAudioTracks()[0];
      const settings = track?.getSettings() ?? {};
      const granted = {
        device: track?.label ?? "",
        echo_cancellation: Boolean(settings.echoCancellation),
        noise_suppression: Boolean(settings.noiseSuppression),
        auto_gain_control: Boolean(settings.autoGainControl),
      };
      const before = await unlessAborted(permission(), signal, nothing);
      const made = new Capture(context.sampleRate, granted, options, context, stream, node);
      if (track) made.#follow(track, before);
      return made;
    } catch (error) {
      close(stream);
      await context?.close();
      throw error;
    }
  }

  #follow(track: MediaStreamTrack, before: PermissionState | null): void {
    const look = () => {
      const held = this.context.state !== "running" && this.context.state !== "closed";
      const why = held ? "suspended" : track.muted ? "muted" : null;
      if (why === this.#interruption) return;
      this.#interruption = why;
      if (why === "suspended") this.wake();
      this.options.onInterrupted(why);
    };
    this.context.onstatechange = look;
    for (const event of ["mute", "unmute"]) track.addEventListener(event, look);
    track.addEventListener("ended", () => void whyEnded(track, before).then(this.options.onLost));
    look();
  }

  /** Ask the browser to let the sound in again; inside a press it may. */
  wake(): void {
    if (this.context.state !== "closed") void this.context.resume().catch(() => {});
  }

  /** Let nothing in, or go on; the device stays open. */
  mute(on: boolean): void {
    for (const track of this.stream.getAudioTracks()) track.enabled = !on;
  }

  /** Stop the device; the last, partial chunk still comes. */
  async stop(): Promise<void> {
    this.context.onstatechange = null;
    const flushed = new Promise<void>((resolve) => {
      const inner = this.node.port.onmessage;
      this.node.port.onmessage = (event) => {
        inner?.call(this.node.port, event);
        if ((event.data as Chunk).last) resolve();
      };
      setTimeout(resolve, FLUSH_MS);
    });
    this.node.port.postMessage("stop");
    await flushed;
    close(this.stream);
    await this.context.close();
  }
}
