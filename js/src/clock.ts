/** The kernel's clock, derived from the page's: the fastest of the last pings decides. Pure. */

const KEPT = 12;

export class KernelClock {
  #samples: { trip: number; offset: number }[] = [];

  /** A ping left at `sent` and its answer came at `received` (page, ms); the kernel's clock stood at `kernel` (ms). */
  add(sent: number, kernel: number, received: number): void {
    this.#samples.push({ trip: received - sent, offset: kernel - (sent + received) / 2 });
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  /** Return a page's time on the kernel's clock, or null before the first answer. */
  toKernel(ms: number | null): number | null {
    const best = this.#best();
    return best === null || ms === null ? null : ms + best.offset;
  }

  /** How far off `toKernel` may be: half the fastest round trip, ms. */
  get errorMs(): number | null {
    const best = this.#best();
    return best === null ? null : best.trip / 2;
  }

  #best(): { trip: number; offset: number } | null {
    return this.#samples.reduce<{ trip: number; offset: number } | null>(
      (best, one) => (best === null || one.trip < best.trip ? one : best),
      null,
    );
  }
}
