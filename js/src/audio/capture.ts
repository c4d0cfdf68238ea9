/** The page's microphone: device in, PCM16 chunks out. Knows neither kernel nor DOM. */
import workletSource from "./capture.worklet.ts?worklet";
import { loadWorklet } from "./worklet-loader";

export interface Chunk {
  n: number;
  /** Seconds on the audio clock at the end of the chunk. */
  t: number;
  rms: number;
  peak: number;
  last: boolean;
  pcm: ArrayBuffer;
}

export interface CaptureOptions {
  sampleRate: number;
  chunkMs: number;
  echoCancellation: boolean;
  noiseSuppression: boolean;
  autoGainControl: boolean;
  onChunk: (chunk: Chunk) => void;
  /** The device went away while recording. */
  onLost: () => void;
}

export class Capture {
  private constructor(
    readonly deviceRate: number,
    readonly label: string,
    private readonly context: AudioContext,
    private readonly stream: MediaStream,
    private readonly node: AudioWorkletNode,
  ) {}

  /** Open the microphone; on any failure everything that was opened is closed again. */
  static async create(options: CaptureOptions): Promise<Capture> {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: options.echoCancellation,
        noiseSuppression: options.noiseSuppression,
        autoGainControl: options.autoGainControl,
      },
    });
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
      node.port.onmessage = (event: MessageEvent<Chunk>) => options.onChunk(event.data);
      new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(node);
      const track = stream.getAudioTracks()[0];
      track?.addEventListener("ended", options.onLost);
      return new Capture(context.sampleRate, track?.label ?? "", context, stream, node);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      await context?.close();
      throw error;
    }
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
