/**
 * A queue of samples that can be read a little more slowly than it is filled, so that sound which comes just in time
 * gains a reserve while it plays. Pure; reading allocates nothing.
 *
 * Speech is lengthened where it repeats itself: a stretch that was just played is played again, from the place that is
 * most like what comes next, and fades over into it (the preemptive expansion of jitter buffers, a form of WSOLA). No
 * sample is left out, and the pitch stays. At most 8 % are added; where nothing is alike, as in a fricative, nothing is.
 */
import { BlockQueue } from "./ring";

/** Shortest and longest repetition: some multiple of each period from 50 Hz on lies between them. */
const LEAST_SECS = 0.008;
const MOST_SECS = 0.02;
/** What may be added, as a part of the sound. */
const MOST_SLOWER = 0.08;
/** Likeness (normalised cross-correlation) from which a repetition is not heard. */
const LEAST_ALIKE = 0.9;
/** Root mean square below which any stretch is like any other: -50 dB of full scale. */
const QUIET = 0.003;
/** After a search that found nothing. */
const RETRY_SECS = 0.02;
/** The first search is at this rate. */
const COARSE_RATE = 8000;

export class StretchQueue {
  /** Samples that were read and are no repetition. */
  consumed = 0;
  readonly #queue = new BlockQueue();
  readonly #least: number;
  readonly #most: number;
  readonly #retry: number;
  readonly #factor: number;
  /** The last of what was consumed, the latest at its end. */
  readonly #past: Float32Array;
  #known = 0;
  readonly #next: Float32Array;
  readonly #coarsePast: Float32Array;
  readonly #coarseNext: Float32Array;
  readonly #repeated: Float32Array;
  #repeatedAt = 0;
  #repeatedEnd = 0;
  /** Samples to be consumed before the next repetition. */
  #wait = 0;

  /** `rate`: samples per second. */
  constructor(rate: number) {
    this.#least = Math.round(LEAST_SECS * rate);
    this.#most = Math.round(MOST_SECS * rate);
    this.#retry = Math.round(RETRY_SECS * rate);
    this.#factor = Math.max(1, Math.floor(rate / COARSE_RATE));
    this.#past = new Float32Array(this.#most);
    this.#next = new Float32Array(this.#least);
    this.#coarsePast = new Float32Array(Math.floor(this.#most / this.#factor));
    this.#coarseNext = new Float32Array(Math.floor(this.#least / this.#factor));
    this.#repeated = new Float32Array(this.#most);
  }

  /** Samples that can be read. */
  get available(): number {
    return this.#queue.available + this.#repeatedEnd - this.#repeatedAt;
  }

  push(block: Float32Array): void {
    this.#queue.push(block);
  }

  /** Copy up to `count` samples to `out` at `at` and return how many there were. */
  read(out: Float32Array, at: number, count: number): number {
    let done = 0;
    while (done < count && this.#repeatedAt < this.#repeatedEnd) {
      out[at + done++] = this.#repeated[this.#repeatedAt++]!;
    }
    const got = this.#queue.read(out, at + done, count - done);
    this.#remember(out, at + done, got);
    this.consumed += got;
    this.#wait = Math.max(0, this.#wait - got);
    return done + got;
  }

  /** Play a little of what was just played again, if that is not heard; not more often than may be. */
  stretch(): void {
    if (this.#wait > 0 || this.#repeatedAt < this.#repeatedEnd || this.#known < this.#most) return;
    if (this.#queue.peek(this.#next) < this.#least) return;
    const lag = this.#findLag();
    if (lag === 0) {
      this.#wait = this.#retry;
      return;
    }
    const from = this.#most - lag;
    for (let i = 0; i < this.#least; i++) {
      const weight = 0.5 + 0.5 * Math.cos((Math.PI * (i + 1)) / (this.#least + 1));
      this.#repeated[i] = weight * this.#next[i]! + (1 - weight) * this.#past[from + i]!;
    }
    this.#repeated.set(this.#past.subarray(from + this.#least), this.#least);
    this.#repeatedAt = 0;
    this.#repeatedEnd = lag;
    this.#wait = Math.round(lag / MOST_SLOWER);
  }

  #remember(samples: Float32Array, at: number, count: number): void {
    const past = this.#past;
    const kept = Math.min(count, past.length);
    past.copyWithin(0, kept);
    for (let i = 0; i < kept; i++) past[past.length - kept + i] = samples[at + count - kept + i]!;
    this.#known = Math.min(past.length, this.#known + count);
  }

  /** Return how far back what comes next is most like what was played, in samples; 0 if nowhere. */
  #findLag(): number {
    if (rootMeanSquare(this.#next) < QUIET && rootMeanSquare(this.#past) < QUIET) return this.#most;
    const factor = this.#factor;
    decimate(this.#past, this.#coarsePast, factor);
    decimate(this.#next, this.#coarseNext, factor);
    const coarse = bestPlace(this.#coarsePast, this.#coarseNext, 0, this.#coarsePast.length) * factor;
    const place = bestPlace(this.#past, this.#next, coarse - factor, coarse + factor);
    return alike(this.#past, place, this.#next) >= LEAST_ALIKE ? this.#most - place : 0;
  }
}

function rootMeanSquare(samples: Float32Array): number {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return Math.sqrt(sum / samples.length);
}

/** Keep the mean of each `factor` samples, which filters well enough to compare by. */
function decimate(samples: Float32Array, out: Float32Array, factor: number): void {
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let k = 0; k < factor; k++) sum += samples[i * factor + k]!;
    out[i] = sum / factor;
  }
}

/** Return the place from `first` to `last` where `past` is most like `next`; of several that are, the earliest. */
function bestPlace(past: Float32Array, next: Float32Array, first: number, last: number): number {
  let best = Math.max(0, first);
  let most = Number.NEGATIVE_INFINITY;
  for (let place = best; place <= Math.min(last, past.length - next.length); place++) {
    const value = alike(past, place, next);
    if (value <= most) continue;
    most = value;
    best = place;
  }
  return best;
}

/** Return the normalised cross-correlation, -1 to 1. */
function alike(past: Float32Array, place: number, next: Float32Array): number {
  let product = 0;
  let pastPower = 0;
  let nextPower = 0;
  for (let i = 0; i < next.length; i++) {
    const before = past[place + i]!;
    const after = next[i]!;
    product += before * after;
    pastPower += before * before;
    nextPower += after * after;
  }
  const power = Math.sqrt(pastPower * nextPower);
  return power > 0 ? product / power : 0;
}
