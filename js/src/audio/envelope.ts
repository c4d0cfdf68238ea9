/** The outline of a sound of any length in a fixed number of buckets. Pure. */

const BUCKETS = 2048;

export class Envelope {
  readonly #peaks = new Float32Array(BUCKETS);
  #span = 64;
  #samples = 0;

  /** The sample behind the last one that was added. */
  get reached(): number {
    return this.#samples;
  }

  /** Add samples; `at` is the place of the first of them, which may leave a gap, or come again. */
  add(samples: Int16Array, at = this.#samples): void {
    for (let i = 0; i < samples.length; i++) {
      while (at + i >= BUCKETS * this.#span) this.#halve();
      const bucket = Math.floor((at + i) / this.#span);
      const size = Math.abs(samples[i]!) / 32768;
      if (size > this.#peaks[bucket]!) this.#peaks[bucket] = size;
    }
    this.#samples = Math.max(this.#samples, at + samples.length);
  }

  /** Return the loudest sample of each of `count` equal stretches, 0 to 1. */
  peaks(count: number): Float32Array {
    const out = new Float32Array(count);
    const used = Math.ceil(this.#samples / this.#span);
    for (let b = 0; b < used; b++) {
      const from = Math.floor(((b * this.#span) / this.#samples) * count);
      const to = Math.max(
        from + 1,
        Math.ceil((Math.min((b + 1) * this.#span, this.#samples) / this.#samples) * count),
      );
      for (let slot = from; slot < Math.min(to, count); slot++) {
        if (this.#peaks[b]! > out[slot]!) out[slot] = this.#peaks[b]!;
      }
    }
    return out;
  }

  #halve(): void {
    for (let b = 0; b < BUCKETS / 2; b++) {
      this.#peaks[b] = Math.max(this.#peaks[2 * b]!, this.#peaks[2 * b + 1]!);
    }
    this.#peaks.fill(0, BUCKETS / 2);
    this.#span *= 2;
  }
}
