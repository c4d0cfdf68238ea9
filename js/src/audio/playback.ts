/** The page's player: PCM16 streams in, sound out. Knows neither kernel nor DOM. */
import { JitterEstimator } from "./jitter";
import workletSource from "./player.worklet.ts?worklet";
import type { FromPlayer, ToPlayer } from "./player-messages";
import { Resampler } from "./resample";
import type { Take } from "./take";
import { loadWorklet } from "./worklet-loader";

export type PlaybackState = "idle" | "waiting" | "playing" | "paused" | "blocked";

/** The audio thread hears of a reserve that has grown by this much. */
const MORE_RESERVE_SECS = 0.01;
const FADE_MS = 15;
const SEEK_FADE_MS = 5;
/** What another take replaces sounds on for so long at most, until that one's sound is there. */
const HOLD_MS = 150;
/** A browser that lets sound out does so within this. */
const BLOCKED_MS = 300;
/** Sound handed to the audio thread ahead of what it plays; the rest stays here as PCM16. */
const AHEAD_SECS = 4;
const FEED_SAMPLES = 12000;
/** So often may a device with the smallest buffer run dry. */
const MOST_DRY = 2;

interface PlaybackStats {
  readonly underrunEvents: number;
}

/**
 * The smallest buffer that the device offers (9 ms instead of 30 ms to the loudspeaker in Chromium on Linux), until one
 * has run dry: then what the browser thinks best. A browser that does not say so (`playbackStats`) chooses at once.
 */
let latencyHint: number | AudioContextLatencyCategory | null = null;

function chooseLatencyHint(): number | AudioContextLatencyCategory {
  latencyHint ??= "playbackStats" in AudioContext.prototype ? 0 : "interactive";
  return latencyHint;
}

/** Whether the device of a context has run dry, so that the next one gets a larger buffer. */
function tooSmall(context: AudioContext): boolean {
  const { playbackStats } = context as AudioContext & { playbackStats?: PlaybackStats };
  if (latencyHint !== 0 || (playbackStats?.underrunEvents ?? 0) <= MOST_DRY) return false;
  latencyHint = "interactive";
  return true;
}

/** A take on its way through the audio thread, from one of its samples on. */
class Run {
  next: number;
  /** Samples at the device's rate given to the audio thread. */
  given = 0;
  rendered = 0;
  ended = false;

  constructor(
    readonly name: string,
    readonly take: Take,
    readonly from: number,
    readonly resampler: Resampler | null,
  ) {
    this.next = from;
  }
}

export class Playback {
  state: PlaybackState = "idle";
  /** The take that plays, or played last. */
  take: Take | null = null;
  loop = false;
  /** Why there is no sound, in words, or null. */
  problem: string | null = null;
  readonly jitter = new JitterEstimator();
  #context: AudioContext | null = null;
  #loading: Promise<AudioWorkletNode> | null = null;
  #node: AudioWorkletNode | null = null;
  #gain: GainNode | null = null;
  #volume = 1;
  /** Takes whose sound is still coming in, by id. */
  #incoming = new Map<string, Take>();
  /** A take that was stopped before all of it was here; playing it again goes on with it. */
  #partial: Take | null = null;
  #runs: Run[] = [];
  /** Takes that wait for the audio thread to be there. */
  #starting: [Take, number][] = [];
  #count = 0;
  /** What the audio thread is to have in hand, as it last heard. */
  #reserveSecs = 0;

  /** `fetch` asks for the samples of a take from its `first` on. */
  constructor(
    readonly changed: () => void,
    readonly fetch: (take: Take) => void = () => {},
  ) {}

  /** Make sound possible; call it inside a click. */
  async unlock(): Promise<void> {
    const node = this.#open();
    await this.#context?.resume();
    await node;
    this.#unblocked();
  }

  /** Begin a new take: after those that play if it is queued, else instead of them, with a cross-fade. */
  open(take: Take, queued: boolean): void {
    if (!queued) this.stop(FADE_MS, HOLD_MS);
    this.#partial = null;
    this.#incoming.set(take.id, take);
    this.jitter.open();
    this.#start(take, 0);
  }

  /** Add samples to a take; `first` is the place of the first of them. What was sent twice is left out. */
  write(id: string, first: number, bytes: Uint8Array): void {
    const take = this.#unfinished(id);
    if (!take) return;
    const known = take.samples - first;
    if (known < 0 || 2 * known >= bytes.byteLength) return;
    take.write(bytes.subarray(2 * known));
    this.jitter.arrived(performance.now() / 1000, bytes.byteLength / 2 / take.sampleRate);
    if (this.jitter.reserveSecs > this.#reserveSecs + MORE_RESERVE_SECS) this.#postReserve();
    this.#look(take);
  }

  /** A take has so many samples; the last of them may still come. */
  end(id: string, samples: number): void {
    const take = this.#unfinished(id);
    if (!take) return;
    take.end(samples);
    this.#look(take);
  }

  #unfinished(id: string): Take | undefined {
    return this.#incoming.get(id) ?? (this.#partial?.id === id ? this.#partial : undefined);
  }

  #look(take: Take): void {
    if (take.complete) {
      this.#incoming.delete(take.id);
      if (this.#partial === take) this.#partial = null;
    }
    this.#feed();
    this.changed();
  }

  /** Whether the current take plays, or is to, and has not come whole. */
  get incomplete(): boolean {
    return this.state !== "idle" && this.take !== null && !this.take.complete;
  }

  /** Seconds of the current take where it goes on once its sound is there, or null. */
  get awaited(): number | null {
    const take = this.take;
    const early =
      this.state === "waiting" && take !== null && take.position > 0 && take.position >= take.samples;
    return early ? take.position / take.sampleRate : null;
  }

  /** Hear the current take again from its start. */
  replay(): void {
    if (this.take) this.#again(this.take, 0);
  }

  /** Go on from another place of the current take; where its sound is not here, as soon as it is. */
  seek(seconds: number): void {
    const take = this.take;
    if (!take || take.total === 0) return;
    const wanted = Math.round(seconds * take.sampleRate);
    this.#again(take, Math.max(0, Math.min(wanted, (take.total ?? Number.POSITIVE_INFINITY) - 1)));
  }

  /** Play another take that is all here, from a place of it, in place of what plays. */
  playFrom(take: Take, seconds: number): void {
    this.take = take;
    this.seek(seconds);
  }

  pause(): void {
    if (this.state !== "playing") return;
    this.#post({ type: "pause", fade: this.#frames(FADE_MS) });
    this.#set("paused");
  }

  resume(): void {
    if (this.state !== "paused") return;
    this.jitter.open(); // while it was paused no more was to come
    this.#post({ type: "resume", fade: this.#frames(SEEK_FADE_MS) });
    this.#set("playing");
    if (this.#context && this.#context.state !== "running") this.#wake(this.#context);
  }

  stop(fadeMs: number, holdMs = 0): void {
    this.#silence(fadeMs, holdMs);
    if (this.take && this.#incoming.has(this.take.id)) this.#partial = this.take;
    this.#incoming.clear();
    if (this.state !== "idle") this.#set("idle");
  }

  /** Forget the take. */
  clear(): void {
    this.stop(FADE_MS);
    this.take = this.#partial = null;
    this.changed();
  }

  set volume(value: number) {
    this.#volume = value;
    this.#gain?.gain.setTargetAtTime(value, this.#context?.currentTime ?? 0, 0.015);
  }

  /** Give the device back; what is played next opens it again. */
  async close(): Promise<void> {
    const context = this.#context;
    this.#node?.disconnect();
    this.#node = this.#context = this.#loading = null;
    await context?.close();
  }

  /** Whether sound of some take has still to come. */
  get incoming(): boolean {
    return this.#incoming.size > 0;
  }

  get #busy(): boolean {
    return this.#runs.length + this.#starting.length > 0;
  }

  #frames(ms: number): number {
    return Math.round((ms / 1000) * (this.#context?.sampleRate ?? 48000));
  }

  #silence(fadeMs: number, holdMs = 0): void {
    this.#post({ type: "stop", fade: this.#frames(fadeMs), hold: this.#frames(holdMs) });
    this.#runs = [];
    this.#starting = [];
  }

  #again(take: Take, from: number): void {
    const queued = this.#queuedBehind(take);
    this.#silence(FADE_MS);
    this.jitter.open(); // the time since the last of it came says nothing about the network
    if (take === this.#partial) {
      this.#partial = null;
      this.#incoming.set(take.id, take);
    }
    take.position = from;
    if (!take.holds(from)) {
      take.restart(from);
      this.#incoming.set(take.id, take);
      this.fetch(take);
    }
    this.#start(take, from);
    for (const other of queued) this.#start(other, 0);
  }

  /** What is to follow a take if it is the one that plays. */
  #queuedBehind(take: Take): Take[] {
    const [current, ...others] = [...this.#runs.map((run) => run.take), ...this.#starting.map(([t]) => t)];
    return current === take ? others : [];
  }

  #open(): Promise<AudioWorkletNode> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = null; // so that the next press tries again
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<AudioWorkletNode> {
    this.#context ??= new AudioContext({ latencyHint: chooseLatencyHint() });
    const context = this.#context;
    context.onstatechange = () => {
      if (context.state === "running")
        this.#unblocked(); // by itself, as after a call
      else if (context.state !== "closed") this.#checkBlocked(); // "interrupted" is Safari's word for a call
    };
    await loadWorklet(context, workletSource);
    const node = new AudioWorkletNode(context, "snb-player", { numberOfInputs: 0, outputChannelCount: [1] });
    node.port.onmessage = (event: MessageEvent<FromPlayer>) => this.#receive(event.data);
    this.#gain = new GainNode(context, { gain: this.#volume });
    node.connect(this.#gain).connect(context.destination);
    this.#node = node;
    return node;
  }

  #start(take: Take, from: number): void {
    this.problem = null;
    if (!this.#busy) {
      this.take = take;
      this.#set("waiting");
    }
    const entry: [Take, number] = [take, from];
    this.#starting.push(entry);
    if (this.#node && this.#context) {
      this.#begin(this.#context);
      return;
    }
    void this.#open()
      .then(() => this.#context && this.#begin(this.#context))
      .catch((error: unknown) => {
        console.error("[smallest_nb]", error);
        this.#starting = this.#starting.filter((other) => other !== entry);
        this.problem = error instanceof Error ? error.message : String(error);
        this.#set("idle");
      });
  }

  /** Hand what waits to the audio thread. */
  #begin(context: AudioContext): void {
    if (context.state !== "running") this.#wake(context);
    for (const [take, from] of this.#starting.splice(0)) {
      const same = take.sampleRate === context.sampleRate;
      const run = new Run(
        `${take.id}/${this.#count++}`,
        take,
        from,
        same ? null : new Resampler(take.sampleRate, context.sampleRate),
      );
      this.#runs.push(run);
      this.#reserveSecs = this.jitter.reserveSecs;
      this.#post({
        type: "open",
        stream: run.name,
        prebufferThreshold: this.#frames(1000 * this.jitter.prebufferThresholdSecs),
        startDelay: this.#frames(1000 * this.jitter.startDelaySecs),
        reserve: this.#frames(1000 * this.#reserveSecs),
        fadeIn: from > 0 ? this.#frames(SEEK_FADE_MS) : 0,
      });
    }
    this.#feed();
  }

  #unblocked(): void {
    if (this.state !== "blocked") return;
    this.jitter.open(); // nothing was played meanwhile, so no more was to come
    this.#set(this.#busy ? "waiting" : "idle");
  }

  /** Ask the browser to let the sound out, and say so if it does not. */
  #wake(context: AudioContext): void {
    void context.resume().catch(() => {});
    setTimeout(() => this.#checkBlocked(), BLOCKED_MS);
  }

  #checkBlocked(): void {
    const held = this.#context !== null && this.#context.state !== "running";
    if (held && this.#busy && (this.state === "playing" || this.state === "waiting")) this.#set("blocked");
  }

  /** Give the audio thread what it will need soon. */
  #feed(): void {
    for (const run of this.#runs) {
      const most = this.#frames(1000 * AHEAD_SECS);
      while (run.given - run.rendered < most && run.next < run.take.samples) {
        const samples = run.take.read(run.next, FEED_SAMPLES);
        run.next = Math.max(run.next, run.take.first) + samples.length;
        this.#push(run, samples);
      }
      if (run.ended || !run.take.complete || run.next < run.take.samples) continue;
      run.ended = true;
      if (run.resampler) {
        const tail = new Float32Array(run.resampler.bound(0));
        this.#postSamples(run, tail.slice(0, run.resampler.flush(tail)));
      }
      this.#post({ type: "end", stream: run.name });
    }
  }

  #push(run: Run, samples: Float32Array<ArrayBuffer>): void {
    if (!run.resampler) {
      this.#postSamples(run, samples);
      return;
    }
    const out = new Float32Array(run.resampler.bound(samples.length));
    this.#postSamples(run, out.slice(0, run.resampler.process(samples, out)));
  }

  #postSamples(run: Run, samples: Float32Array<ArrayBuffer>): void {
    run.given += samples.length;
    this.#post({ type: "push", stream: run.name, samples }, [samples.buffer]);
  }

  #post(message: ToPlayer, transfer: Transferable[] = []): void {
    this.#node?.port.postMessage(message, transfer);
  }

  #receive(message: FromPlayer): void {
    const run = this.#runs[0];
    const context = this.#context;
    if (!run || !context || message.stream !== run.name) return;
    const take = run.take;
    if (message.type === "started") {
      this.take = take;
      take.renderedAt ??= this.#heardAt(context, message.at);
      if (run.from === 0) take.prebufferSecs = message.buffered / context.sampleRate;
      this.#set("playing");
      return;
    }
    // What had begun before the browser held it back does not begin again: it goes on.
    const goesOn = context.state === "running" && message.rendered > run.rendered;
    if (goesOn && (this.state === "waiting" || this.state === "blocked")) this.#set("playing");
    run.rendered = message.rendered;
    const played = Math.round((message.rendered * take.sampleRate) / context.sampleRate);
    take.position = Math.min(take.samples, run.from + played);
    if (message.underruns > take.underruns) this.#ranDry(message.underruns - take.underruns);
    take.underruns = Math.max(take.underruns, message.underruns);
    if (message.type === "finished") this.#finished(take);
    else {
      this.#feed();
      this.changed();
    }
  }

  /** Return when a frame of the audio clock leaves the speaker, on the page's clock. */
  #heardAt(context: AudioContext, time: number): number {
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    if (!performanceTime || contextTime === undefined) return performance.now();
    return performanceTime + (time - contextTime) * 1000;
  }

  #ranDry(times: number): void {
    for (let i = 0; i < times; i++) this.jitter.underrun();
    this.#postReserve(this.jitter.prebufferThresholdSecs);
  }

  /** Say how much the audio thread is to have in hand and, after an underrun, to begin again with. */
  #postReserve(prebufferThresholdSecs?: number): void {
    this.#reserveSecs = this.jitter.reserveSecs;
    const reserve = this.#frames(1000 * this.#reserveSecs);
    if (prebufferThresholdSecs === undefined) this.#post({ type: "buffering", reserve });
    else {
      const prebufferThreshold = this.#frames(1000 * prebufferThresholdSecs);
      this.#post({ type: "buffering", reserve, prebufferThreshold });
    }
  }

  #finished(take: Take): void {
    this.#runs.shift();
    if (this.loop && !this.#busy && take.complete) this.#again(take, 0);
    else if (this.#busy) this.changed();
    else {
      this.#set("idle");
      if (this.#context && tooSmall(this.#context)) void this.close();
    }
  }

  #set(state: PlaybackState): void {
    this.state = state;
    this.changed();
  }
}
