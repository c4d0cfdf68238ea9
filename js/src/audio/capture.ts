/** The page's microphone: device in, PCM16 chunks out. Knows neither kernel nor DOM. */
import workletSource from "./capture.worklet.ts?worklet";
import { loadWorklet } from "./worklet-loader";

export interface Chunk {
  n: number;
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
  const all = await navigator.mediaDevices.enumerateDevices();
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
  /** The device went away while recording. */
  onLost: () => void;
}

async function openStream(options: CaptureOptions): Promise<MediaStream> {
  const wanted = (deviceId: ConstrainDOMString | undefined) =>
    navigator.mediaDevices.getUserMedia({
      audio: {
        ...(deviceId ? { deviceId } : {}),
        channelCount: 1,
        echoCancellation: options.echoCancellation,
        noiseSuppression: options.noiseSuppression,
        autoGainControl: options.autoGainControl,
      },
    });
  if (!options.device) return wanted(undefined);
  const find = (devices: MediaDeviceInfo[]) =>
    devices.find((device) => device.label.includes(options.device));
  const known = find(await microphones());
  if (known) return wanted({ exact: known.deviceId });
  // Labels are shown only to pages that may listen: ask for any device first.
  const any = await wanted(undefined);
  for (const track of any.getTracks()) track.stop();
  const devices = await microphones();
  const found = find(devices);
  if (!found)
    throw new NoSuchDevice(
      options.device,
      devices.map((device) => device.label),
    );
  return wanted({ exact: found.deviceId });
}

export class Capture {
  private constructor(
    readonly deviceRate: number,
    readonly granted: Granted,
    private readonly context: AudioContext,
    private readonly stream: MediaStream,
    private readonly node: AudioWorkletNode,
  ) {}

  /** Open the microphone; on any failure everything that was opened is closed again. */
  static async create(options: CaptureOptions): Promise<Capture> {
    const stream = await openStream(options);
    let context: AudioContext | null = null;
    try {
      // No rate of ours: Firefox refuses a microphone in a context of another rate.
      context = new AudioContext();
      await context.resume();
      await loadWorklet(context, workletSource);
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
      track?.addEventListener("ended", options.onLost);
      const settings = track?.getSettings() ?? {};
      const granted = {
        device: track?.label ?? "",
        echo_cancellation: Boolean(settings.echoCancellation),
        noise_suppression: Boolean(settings.noiseSuppression),
        auto_gain_control: Boolean(settings.autoGainControl),
      };
      return new Capture(context.sampleRate, granted, context, stream, node);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      await context?.close();
      throw error;
    }
  }

  /** Let nothing in, or go on; the device stays open. */
  mute(on: boolean): void {
    for (const track of this.stream.getAudioTracks()) track.enabled = !on;
  }

  /** Stop the device; the last, partial chunk still comes. */
  async stop(): Promise<void> {
    const flushed = new Promise<void>((resolve) => {
      const inner = this.node.port.onmessage;
      this.node.port.onmessage = (event) => {
        inner?.call(this.node.port, event);
        if ((event.data as Chunk).last) resolve();
      };
      setTimeout(resolve, 500);
    });
    this.node.port.postMessage("stop");
    await flushed;
    for (const track of this.stream.getTracks()) track.stop();
    await this.context.close();
  }
}
