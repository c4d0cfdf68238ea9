/** A gain that moves in a straight line. Pure. */

export class Ramp {
  /** Samples until it is where it goes to. */
  remaining = 0;
  #step = 0;
  #target: number;

  constructor(public value = 1) {
    this.#target = value;
  }

  /** Reach `target` in that many samples. */
  to(target: number, samples: number): void {
    this.#target = target;
    this.remaining = Math.max(0, Math.round(samples));
    if (this.remaining === 0) this.value = target;
    else this.#step = (target - this.value) / this.remaining;
  }

  next(): number {
    const value = this.value;
    if (this.remaining === 0) return value;
    this.remaining -= 1;
    this.value = this.remaining === 0 ? this.#target : value + this.#step;
    return value;
  }
}
