/**
 * Several sounds of one length that run together, of which one is heard: switching is a change of gains, so that it is
 * exact to the sample and without a click, wherever in the sound it happens.
 *
 * The player's engine (playback.ts) starts a stream again for each switch, up to 50 ms from where the other one was: good
 * enough to compare takes, and a cue in a blind test. Buffers also need no audio worklet, which browsers give only to
 * secure pages, and a link within a local network is none.
 */
import { Coverage } from "./coverage";
import { Resampler } from "./resample";
import type { Take } from "./take";

/** Time constant of a switch: 99 % done after 7 ms. */
const SWITCH_SECS = 0.0015;
const STOP_SECS = 0.02;
const LEAD_SECS = 0.02;
/** So near to the end, where no sound says anything any more, another one is heard from its start. */
const END_SECS = 0.1;

export class SwitchedPlayback {
  /** The sound that is heard, or was heard last; -1 before. */
  active = -1;
  /** How often another one was heard in the middle of one. */
  switches = 0;
  coverage: Coverage[] = [];
  problem: string | null = null;
  #takes: Take[] = [];
  #context: AudioContext | null = null;
  #buffers: AudioBuffer[] = [];
  #running: { sources: AudioBufferSourceNode[]; gains: GainNode[]; startedAt: number; from: number } | null =
    null;
  #pausedAt = 0;
  /** Up to where the active sound was noted as heard. */
  #notedAt = 0;

  /** `changed` is called when the state changes by itself: at the end of the sound. */
  constructor(readonly changed: () => void) {}

  /** Take the sounds of a trial; all have the same rate and length. */
  load(takes: Take[]): void {
    this.stop();
    this.#takes = takes;
    this.#buffers = [];
    this.active = -1;
    this.switches = 0;
    this.#pausedAt = 0;
    this.coverage = takes.map((take) => new Coverage(take.duration));
  }

  get duration(): number {
    return this.#takes[0]?.duration ?? 0;
  }

  get playing(): boolean {
    return this.#running !== null;
  }

  /** Seconds into the sounds. */
  get position(): number {
    const running = this.#running;
    if (!running || !this.#context) return this.#pausedAt;
    const at = running.from + Math.max(0, this.#context.currentTime - running.startedAt);
    return Math.min(this.duration, at);
  }

  /** Hear one of the sounds: from where the other one is, or from where it was stopped, or from the start. */
  async hear(place: number): Promise<void> {
    if (!this.#takes[place]) return;
    if (this.#running && this.duration - this.position < END_SECS) this.#ended();
    const running = this.#running;
    if (running && this.#context) {
      if (this.active !== place) this.switches += 1;
      this.note();
      this.active = place;
      const now = this.#context.currentTime;
      running.gains.forEach((gain, n) => {
        gain.gain.setTargetAtTime(n === place ? 1 : 0, now, SWITCH_SECS);
      });
    } else {
      this.active = place;
      await this.#start();
    }
    this.changed();
  }

  /** Stop, keeping the place. */
  stop(): void {
    const running = this.#running;
    if (!running || !this.#context) return;
    this.note();
    this.#pausedAt = this.position;
    this.#running = null;
    const now = this.#context.currentTime;
    for (const gain of running.gains) gain.gain.setTargetAtTime(0, now, STOP_SECS / 5);
    for (const source of running.sources) {
      source.onended = null;
      source.stop(now + STOP_SECS);
    }
    this.changed();
  }

  /** Note what was heard up to now. */
  note(): void {
    if (!this.#running) return;
    const at = this.position;
    this.coverage[this.active]?.add(this.#notedAt, at);
    this.#notedAt = at;
  }

  /** Give the device back. */
  async close(): Promise<void> {
    this.stop();
    const context = this.#context;
    this.#context = null;
    this.#buffers = [];
    await context?.close();
  }

  async #start(): Promise<void> {
    try {
      this.#context ??= new AudioContext({ latencyHint: "interactive" });
      const context = this.#context;
      const takes = this.#takes;
      await context.resume();
      if (takes !== this.#takes || context !== this.#context || this.#running) return; // meanwhile another trial
      if (this.#buffers.length === 0) this.#buffers = takes.map((take) => bufferOf(context, take));
      const from = this.#pausedAt < this.duration ? this.#pausedAt : 0;
      const startedAt = context.currentTime + LEAD_SECS;
      const gains = this.#buffers.map((_, n) => new GainNode(context, { gain: n === this.active ? 1 : 0 }));
      const sources = this.#buffers.map((buffer, n) => {
        const source = new AudioBufferSourceNode(context, { buffer });
        source.connect(gains[n]!).connect(context.destination);
        source.start(startedAt, from);
        return source;
      });
      this.#running = { sources, gains, startedAt, from };
      this.#notedAt = from;
      this.problem = null;
      sources[0]!.onended = () => this.#ended();
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }

  #ended(): void {
    this.coverage[this.active]?.add(this.#notedAt, this.duration);
    for (const source of this.#running?.sources ?? []) {
      source.onended = null;
      source.stop();
    }
    this.#running = null;
    this.#pausedAt = 0;
    this.changed();
  }
}

/** Resample a take to the device's rate with our own filter; the browser's interpolates in straight lines. */
function bufferOf(context: AudioContext, take: Take): AudioBuffer {
  const samples = take.read(0, take.samples);
  let ready = samples;
  if (take.sampleRate !== context.sampleRate) {
    const resampler = new Resampler(take.sampleRate, context.sampleRate);
    const out = new Float32Array(resampler.bound(samples.length) + resampler.bound(0));
    const first = resampler.process(samples, out);
    const rest = resampler.flush(out.subarray(first));
    ready = out.slice(0, first + rest);
  }
  const buffer = new AudioBuffer({ length: Math.max(1, ready.length), sampleRate: context.sampleRate });
  buffer.copyToChannel(ready, 0);
  return buffer;
}
