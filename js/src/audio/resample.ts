/**
 * Streaming polyphase resampler. Pure; runs in the page and in the worklet.
 *
 * A Kaiser-windowed sinc, 128 taps at the lower of both rates: flat within 0.1 dB to 0.45 of that rate, images and
 * aliases below -80 dB (tests/resample.test.ts measures both). Output does not depend on how the input is cut.
 */

const TAPS = 128;
const BETA = 8.5;
const MAX_PHASES = 1024;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function bessel0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #taps: number;
  readonly #phases: Float32Array[] = [];
  #history: Float32Array;
  #filled: number;
  /** Position of the next output sample, in 1/up input samples from the start of the history. */
  #position: number;

  constructor(
    readonly sourceRate: number,
    readonly targetRate: number,
  ) {
    const common = gcd(sourceRate, targetRate);
    let up = targetRate / common;
    let down = sourceRate / common;
    if (up > MAX_PHASES) {
      // Rates without a small ratio: the nearest one, off by less than a hundredth of a percent.
      down = Math.round((sourceRate / targetRate) * MAX_PHASES);
      up = MAX_PHASES;
    }
    this.#up = up;
    this.#down = down;
    const narrow = Math.min(1, targetRate / sourceRate);
    this.#taps = 2 * Math.ceil(TAPS / 2 / narrow);
    const half = this.#taps / 2;
    const cutoff = narrow * 0.949;
    const norm = bessel0(BETA);
    for (let phase = 0; phase < up; phase++) {
      const taps = new Float32Array(this.#taps);
      let sum = 0;
      for (let k = 0; k < this.#taps; k++) {
        const t = k - (half - 1) - phase / up;
        const x = Math.PI * t * cutoff;
        const sinc = t === 0 ? 1 : Math.sin(x) / x;
        const edge = t / half;
        const window = Math.abs(edge) >= 1 ? 0 : bessel0(BETA * Math.sqrt(1 - edge * edge)) / norm;
        taps[k] = sinc * window;
        sum += taps[k]!;
      }
      for (let k = 0; k < this.#taps; k++) taps[k]! /= sum;
      this.#phases.push(taps);
    }
    this.#history = new Float32Array(this.#taps + 4096);
    this.#filled = half - 1; // the filter's own delay, so that input and output start together
    this.#position = 0;
  }

  /** The most output samples that `count` input samples can give. */
  bound(count: number): number {
    return Math.ceil(((count + this.#taps) * this.#up) / this.#down) + 1;
  }

  /** Resample into `output` and return how many samples were written; allocates only for larger input than before. */
  process(input: Float32Array, output: Float32Array): number {
    if (this.#filled + input.length > this.#history.length) {
      const larger = new Float32Array(this.#filled + input.length);
      larger.set(this.#history.subarray(0, this.#filled));
      this.#history = larger;
    }
    this.#history.set(input, this.#filled);
    this.#filled += input.length;
    const history = this.#history;
    const taps = this.#taps;
    let written = 0;
    while (true) {
      const whole = Math.floor(this.#position / this.#up);
      if (whole + taps > this.#filled) break;
      const coefficients = this.#phases[this.#position % this.#up]!;
      let sum = 0;
      for (let k = 0; k < taps; k++) sum += history[whole + k]! * coefficients[k]!;
      output[written++] = sum;
      this.#position += this.#down;
    }
    const used = Math.min(Math.floor(this.#position / this.#up), this.#filled);
    history.copyWithin(0, used, this.#filled);
    this.#filled -= used;
    this.#position -= used * this.#up;
    return written;
  }

  /** Push the last samples out. */
  flush(output: Float32Array): number {
    return this.process(new Float32Array(this.#taps / 2), output);
  }
}
