/** One utterance in the page: its samples, for hearing it again, and its outline, for the picture. Pure. */
import { Envelope } from "./envelope";
import { pcm16 } from "./pcm";

/** Samples kept of one take: 30 minutes at 24 kHz, 86 MB. The oldest that was played goes first. */
export const MAX_SAMPLES = 30 * 60 * 24000;

export class Take {
  readonly envelope = new Envelope();
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
    private readonly limit = MAX_SAMPLES,
  ) {}

  /** Whether all of it is here. */
  get complete(): boolean {
    return this.total !== null && this.samples >= this.total;
  }

  /** Seconds of the whole, as far as it is known. */
  get duration(): number {
    return Math.max(this.total ?? 0, this.samples) / this.sampleRate;
  }

  /** Milliseconds from opening to the first rendered sample. */
  get firstMs(): number | null {
    return this.renderedAt === null ? null : Math.round(this.renderedAt - this.openedAt);
  }

  write(bytes: Uint8Array): void {
    this.arrivedAt ??= performance.now();
    const samples = pcm16(bytes);
    this.#chunks.push(samples);
    this.envelope.add(samples);
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
