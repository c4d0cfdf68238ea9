/**
 * One utterance in the page: the samples near the place that plays, and the outline of all that came, for the picture.
 * The kernel has the whole of it, and sends what is not here. Pure.
 */
import { Envelope } from "./envelope";
import { pcm16 } from "./pcm";

/** Sound kept behind the place that plays, 5.8 MB at 24 kHz: a take that is shorter can be heard again without the kernel. */
export const KEPT_SECS = 120;
/** A place so little behind what has come is waited for: it comes by itself. */
const NEAR_SECS = 4;

export class Take {
  readonly envelope = new Envelope();
  /** The sample behind the last one that is here; those from `first` on are. */
  samples = 0;
  /** How long the whole of it is, in samples, or null while that is not known. */
  total: number | null = null;
  /** Samples played, at the take's own rate. */
  position = 0;
  underruns = 0;
  openedAt = performance.now();
  /** When the first samples came, and when the first one was rendered, on the page's clock. */
  arrivedAt: number | null = null;
  renderedAt: number | null = null;
  /** Seconds of sound that were gathered before it started. */
  prebufferSecs = 0;
  /** The first sample that is still kept. */
  first = 0;
  #chunks: Int16Array[] = [];

  constructor(
    readonly id: string,
    readonly sampleRate: number,
    private readonly limit = KEPT_SECS * sampleRate,
  ) {}

  /** Whether its end is here. */
  get complete(): boolean {
    return this.total !== null && this.samples >= this.total;
  }

  /** Whether all of it is here. */
  get whole(): boolean {
    return this.complete && this.first === 0;
  }

  /** The sample behind the last one that ever came. */
  get reached(): number {
    return this.envelope.reached;
  }

  /** Whether it can be heard from a sample on with what is here and what comes next. */
  holds(sample: number): boolean {
    return sample >= this.first && sample <= this.samples + (this.complete ? 0 : NEAR_SECS * this.sampleRate);
  }

  /** Forget the samples, not the picture: those from a place on will come. */
  restart(sample: number): void {
    this.#chunks = [];
    this.first = this.samples = sample;
  }

  /** It has so many samples. */
  end(total: number): void {
    if (this.samples === this.first && this.first > total) this.restart(total); // awaited was what is beyond its end
    this.total = Math.max(total, this.samples);
  }

  /** Seconds of the whole, as far as it is known. */
  get duration(): number {
    return Math.max(this.total ?? 0, this.reached) / this.sampleRate;
  }

  /** Milliseconds from opening to the first rendered sample. */
  get firstMs(): number | null {
    return this.renderedAt === null ? null : Math.round(this.renderedAt - this.openedAt);
  }

  write(bytes: Uint8Array): void {
    this.arrivedAt ??= performance.now();
    const samples = pcm16(bytes);
    this.#chunks.push(samples);
    this.envelope.add(samples, this.samples);
    this.samples += samples.length;
    let oldest = this.#chunks[0];
    while (oldest && this.samples - this.first > this.limit && this.first + oldest.length <= this.position) {
      this.#chunks.shift();
      this.first += oldest.length;
      oldest = this.#chunks[0];
    }
  }

  /** Return up to `count` samples from `from`, as floats. */
  read(from: number, count: number): Float32Array<ArrayBuffer> {
    const start = Math.max(from, this.first);
    const out = new Float32Array(Math.max(0, Math.min(count, this.samples - start)));
    let at = this.first;
    let done = 0;
    for (const chunk of this.#chunks) {
      if (done === out.length) break;
      const skip = start + done - at;
      if (skip < chunk.length) {
        const take = Math.min(chunk.length - skip, out.length - done);
        for (let i = 0; i < take; i++) out[done + i] = chunk[skip + i]! / 32768;
        done += take;
      }
      at += chunk.length;
    }
    return out;
  }
}
