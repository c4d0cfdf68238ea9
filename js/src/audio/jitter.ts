/**
 * When to start, from how late sound came so far. Pure.
 *
 * Arrivals fill an imagined player that starts with the first of them and never waits: how much it would have owed, at
 * worst and of late, is what would have kept it from running dry. A player has that either as sound in hand, or as time
 * that it waits after the first sound, however long the pieces are: of these whichever comes first.
 */

export const START_SECS = 0.15;
/** After the first sound, before anything was measured. */
export const START_DELAY_SECS = 0.02;
/** Beyond the worst lateness that was measured, which counts below zero where sound comes faster than it is played. */
const DELAY_MARGIN_SECS = 0.02;
export const LEAST_SECS = 0.08;
export const MOST_SECS = 0.5;
const MOST_RESERVE_SECS = 0.3;
/** To begin with where sound must be asked for and comes in bursts. */
export const BURSTY_SECS = 0.3;

const MARGIN = 1.5;
const MARGIN_SECS = 0.02;
/** A worst case is half forgotten after so many seconds of sound. */
const HALF_LIFE_SECS = 20;

export class JitterEstimator {
  #begun = false;
  #last = 0;
  /** Seconds of sound in hand of a player without prebuffer; below zero it owes that much. */
  #ahead = 0;
  #worst: number | null = null;
  #floor = 0;
  /** As `worst`, but below zero if that much was always in hand, as of a service that is faster than real time. */
  #least: number | null = null;
  #delayFloor = 0;
  /** The longest piece of late: while it plays, nothing else may have come. */
  #piece = 0;
  /** Sound must be asked for. */
  bursty = false;

  /** Seconds to have before starting, and again after running dry. */
  get prebufferThresholdSecs(): number {
    if (this.#worst === null) return this.bursty ? BURSTY_SECS : START_SECS;
    const needed = Math.max(
      this.bursty ? BURSTY_SECS : 0,
      this.#piece + this.#worst * MARGIN + MARGIN_SECS,
      this.#floor,
    );
    return Math.min(MOST_SECS, Math.max(LEAST_SECS, needed));
  }

  /** Seconds to wait after the first sound of a stream; sound that is asked for comes in bursts, and is gathered. */
  get startDelaySecs(): number {
    if (this.bursty) return Number.POSITIVE_INFINITY;
    if (this.#least === null) return Math.max(START_DELAY_SECS, this.#delayFloor);
    return Math.min(MOST_SECS, Math.max(0, this.#least + DELAY_MARGIN_SECS, this.#delayFloor));
  }

  /** Seconds to have in hand at any time of a stream that will go on; what is missing is gained while it plays. */
  get reserveSecs(): number {
    const needed = (this.#worst ?? 0) * MARGIN + MARGIN_SECS;
    return Math.min(MOST_RESERVE_SECS, Math.max(LEAST_SECS, needed, this.#delayFloor));
  }

  /** Sound of a new stream will come. */
  open(): void {
    this.#begun = false;
    this.#ahead = 0;
  }

  /** `seconds` of sound came at `now`, in seconds on any steady clock. */
  arrived(now: number, seconds: number): void {
    if (this.#begun) {
      this.#ahead -= now - this.#last;
      const late = Math.max(0, -this.#ahead);
      const kept = 0.5 ** (seconds / HALF_LIFE_SECS);
      this.#worst = Math.max((this.#worst ?? 0) * kept, late);
      this.#floor *= kept;
      this.#delayFloor *= kept;
      const before = this.#least ?? -this.#ahead;
      this.#least = Math.max(-this.#ahead, before * kept - this.#ahead * (1 - kept));
      this.#piece = Math.max(this.#piece * kept, seconds);
    }
    this.#begun = true;
    this.#last = now;
    this.#ahead += seconds;
  }

  /** The sound ran dry although this much was thought to be enough. */
  underrun(): void {
    this.#floor = Math.min(MOST_SECS, this.prebufferThresholdSecs * 1.5);
    if (!this.bursty) this.#delayFloor = Math.min(MOST_SECS, this.startDelaySecs * 1.5 + 0.02);
    this.#worst ??= 0;
  }
}
