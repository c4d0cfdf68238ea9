/** Loudness of a stretch of sound. Pure. */

export class Level {
  #sum = 0;
  #count = 0;
  #peak = 0;

  add(sample: number): void {
    this.#sum += sample * sample;
    this.#count += 1;
    const size = sample < 0 ? -sample : sample;
    if (size > this.#peak) this.#peak = size;
  }

  /** Return root mean square and peak since the last call, 0 to 1. */
  take(): { rms: number; peak: number } {
    const result = { rms: this.#count ? Math.sqrt(this.#sum / this.#count) : 0, peak: this.#peak };
    this.#sum = this.#count = this.#peak = 0;
    return result;
  }
}

/** Map a root mean square to 0..1 over 60 dB, for a meter. */
export function meter(rms: number): number {
  return rms <= 0 ? 0 : Math.min(1, Math.max(0, 1 + (20 * Math.log10(rms)) / 60));
}
