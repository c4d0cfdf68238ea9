/** Which parts of a sound were heard. Pure. */

/** Seconds that may be missing in all: the device's clock moves in steps. */
const TOLERANCE_SECS = 0.05;

export class Coverage {
  /** Heard stretches, in order, apart from each other. */
  #parts: [number, number][] = [];

  constructor(readonly duration: number) {}

  /** Note that a stretch was heard. */
  add(from: number, to: number): void {
    const start = Math.max(0, from);
    const end = Math.min(this.duration, to);
    if (end <= start) return;
    const apart = this.#parts.filter(([a, b]) => b < start || a > end);
    const joined = this.#parts.filter(([a, b]) => b >= start && a <= end);
    const all: [number, number] = [
      Math.min(start, ...joined.map(([a]) => a)),
      Math.max(end, ...joined.map(([, b]) => b)),
    ];
    this.#parts = [...apart, all].sort(([a], [b]) => a - b);
  }

  /** The share that was heard, 0 to 1. */
  get share(): number {
    const heard = this.#parts.reduce((sum, [a, b]) => sum + b - a, 0);
    return this.duration > 0 ? Math.min(1, heard / this.duration) : 0;
  }

  get whole(): boolean {
    return this.share * this.duration >= this.duration - TOLERANCE_SECS;
  }
}
