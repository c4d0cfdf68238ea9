/** The page's player: PCM16 streams in, sound out. Knows neither kernel nor DOM. */
import { pcm16ToFloat } from "./pcm";
import workletSource from "./player.worklet.ts?worklet";
import type { FromPlayer, ToPlayer } from "./player-messages";
import { Resampler } from "./resample";
import { loadWorklet } from "./worklet-loader";

/** Seconds of sound to have before starting: covers the jitter of a local notebook server. */
export const WATERLINE_SECS = 0.15;

/** One utterance: its samples are kept for the picture and for hearing it again. */
export class Take {
  readonly chunks: Float32Array[] = [];
  samples = 0;
  ended = false;
  /** Samples played, at the take's own rate. */
  position = 0;
  underruns = 0;
  openedAt = performance.now();
  /** Milliseconds from opening to the first rendered sample. */
  firstMs: number | null = null;

  constructor(
    readonly id: string,
    readonly sampleRate: number,
  ) {}

  get duration(): number {
    return this.samples / this.sampleRate;
  }
}

export type PlaybackState = "idle" | "waiting" | "playing" | "blocked";

export class Playback {
  state: PlaybackState = "idle";
  take: Take | null = null;
  #context: AudioContext | null = null;
  #loading: Promise<AudioWorkletNode> | null = null;
  #node: AudioWorkletNode | null = null;
  #gain: GainNode | null = null;
  #volume = 1;
  #resampler: Resampler | null = null;
  #runs = 0;
  #run = "";
  #fed = 0;
  #opened = false;

  constructor(readonly changed: () => void) {}

  /** Make sound possible; call it inside a click. */
  async unlock(): Promise<void> {
    const node = this.#open();
    await this.#context?.resume();
    await node;
    if (this.state === "blocked") this.#set(this.take ? "waiting" : "idle");
  }

  /** Begin a new take, ending the one that plays. */
  open(take: Take): void {
    this.stop(15);
    this.take = take;
    this.#start(take);
  }

  /** Add samples to the current take. */
  write(bytes: Uint8Array): void {
    const take = this.take;
    if (!take) return;
    const samples = pcm16ToFloat(bytes);
    take.chunks.push(samples);
    take.samples += samples.length;
    this.#feed();
    this.changed();
  }

  /** No more samples will come. */
  end(): void {
    if (!this.take) return;
    this.take.ended = true;
    this.#feed();
    if (this.take.samples === 0) this.#set("idle");
  }

  /** Hear the current take again from its start. */
  replay(): void {
    if (!this.take) return;
    this.stop(15);
    this.#start(this.take);
  }

  stop(fadeMs: number): void {
    if (this.#run && this.#node && this.#context) {
      this.#tell({ type: "stop", fade: Math.round((fadeMs / 1000) * this.#context.sampleRate) });
    }
    this.#run = "";
    if (this.take) this.take.ended = true; // what was not received by now will not come
    if (this.state !== "idle") this.#set("idle");
  }

  set volume(value: number) {
    this.#volume = value;
    this.#gain?.gain.setTargetAtTime(value, this.#context?.currentTime ?? 0, 0.015);
  }

  async close(): Promise<void> {
    this.#node?.disconnect();
    this.#node = null;
    await this.#context?.close();
    this.#context = null;
    this.#loading = null;
  }

  #open(): Promise<AudioWorkletNode> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = null; // so that the next press tries again
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<AudioWorkletNode> {
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    const context = this.#context;
    context.onstatechange = () => {
      if (context.state === "suspended" && this.state === "playing") this.#set("blocked");
    };
    await loadWorklet(context, workletSource);
    const node = new AudioWorkletNode(context, "snb-player", { numberOfInputs: 0, outputChannelCount: [1] });
    node.port.onmessage = (event: MessageEvent<FromPlayer>) => this.#receive(event.data);
    this.#gain = new GainNode(context, { gain: this.#volume });
    node.connect(this.#gain).connect(context.destination);
    this.#node = node;
    return node;
  }

  #start(take: Take): void {
    take.position = take.underruns = 0;
    this.#run = `${take.id}/${this.#runs++}`;
    this.#fed = 0;
    this.#opened = false;
    this.problem = null;
    const run = this.#run;
    this.#set("waiting");
    void this.#open()
      .then(async () => {
        const context = this.#context;
        if (!context || this.#run !== run) return;
        if (context.state === "suspended") void context.resume();
        if (context.state === "suspended") setTimeout(() => this.#checkBlocked(run), 300);
        this.#resampler =
          take.sampleRate === context.sampleRate ? null : new Resampler(take.sampleRate, context.sampleRate);
        this.#tell({ type: "open", stream: run, waterline: Math.round(WATERLINE_SECS * context.sampleRate) });
        this.#opened = true;
        this.#feed();
      })
      .catch((error: unknown) => {
        console.error("[smallest_nb]", error);
        this.problem = error instanceof Error ? error.message : String(error);
        this.#set("idle");
      });
  }

  /** Why there is no sound, in words, or null. */
  problem: string | null = null;

  #checkBlocked(run: string): void {
    if (this.#run === run && this.#context?.state === "suspended") this.#set("blocked");
  }

  #feed(): void {
    const take = this.take;
    if (!take || !this.#run || !this.#opened) return;
    for (; this.#fed < take.chunks.length; this.#fed++) this.#push(take.chunks[this.#fed]!);
    if (!take.ended) return;
    if (this.#resampler) {
      const tail = new Float32Array(this.#resampler.bound(0));
      this.#post(tail.slice(0, this.#resampler.flush(tail)));
    }
    this.#tell({ type: "end", stream: this.#run });
  }

  #push(samples: Float32Array): void {
    if (!this.#resampler) {
      this.#post(samples.slice());
      return;
    }
    const out = new Float32Array(this.#resampler.bound(samples.length));
    this.#post(out.slice(0, this.#resampler.process(samples, out)));
  }

  #post(samples: Float32Array<ArrayBuffer>): void {
    this.#tell({ type: "push", stream: this.#run, samples }, [samples.buffer]);
  }

  #tell(message: ToPlayer, transfer: Transferable[] = []): void {
    this.#node?.port.postMessage(message, transfer);
  }

  #receive(message: FromPlayer): void {
    const take = this.take;
    if (!take || message.stream !== this.#run || !this.#context) return;
    if (message.type === "started") {
      take.firstMs ??= Math.round(performance.now() - take.openedAt);
      this.#set("playing");
      return;
    }
    take.position = Math.min(
      take.samples,
      Math.round((message.rendered * take.sampleRate) / this.#context.sampleRate),
    );
    take.underruns = message.underruns;
    if (message.type === "finished") {
      this.#run = "";
      this.#set("idle");
    } else this.changed();
  }

  #set(state: PlaybackState): void {
    this.state = state;
    this.changed();
  }
}
