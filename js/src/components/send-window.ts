/** Microphone chunks on their way to the kernel: a few in flight, the rest kept, the oldest dropped when it is too much. */
import type { Chunk } from "../audio/capture";

/** Without an acknowledgement for so long, what is in flight is sent once more; then twice as long, and so on. */
const RESEND_MS = 5000;
const LONGEST_RESEND_MS = 40_000;

interface Sent {
  n: number;
  chunk: Chunk;
}

export class SendWindow {
  dropped = 0;
  #queue: Chunk[] = [];
  #flying: Sent[] = [];
  /** Given to a chunk when it is sent, so that those that were dropped, or not pushed in a pause, leave no gap. */
  #next = 0;
  #emptied: (() => void)[] = [];
  #resendMs = RESEND_MS;
  #resend: ReturnType<typeof setTimeout> | undefined;

  /** `send` gets a chunk, its number, and the number of the oldest chunk in flight: those before it are acknowledged. */
  constructor(
    private readonly send: (chunk: Chunk, n: number, oldest: number) => void,
    private readonly inFlight = 20,
    private readonly limit = 400,
  ) {}

  /** Chunks that the kernel has not acknowledged. */
  get waiting(): number {
    return this.#queue.length + this.#flying.length;
  }

  push(chunk: Chunk): void {
    this.#queue.push(chunk);
    if (this.#queue.length > this.limit) {
      this.#queue.shift();
      this.dropped += 1;
    }
    this.#pump();
  }

  /** The kernel has every chunk up to `n`. */
  acknowledge(n: number): void {
    const before = this.#flying.length;
    this.#flying = this.#flying.filter((sent) => sent.n > n);
    if (this.#flying.length < before) this.#awaitAnswer(RESEND_MS);
    this.#pump();
  }

  /** Send what is on its way once more: the kernel may have missed it, and takes each chunk once. */
  sendAgain(): void {
    const oldest = this.#flying[0]?.n ?? 0;
    for (const { chunk, n } of this.#flying) this.send(chunk, n, oldest);
  }

  /** Resolve when everything was acknowledged, or after `limitMs`. */
  drained(limitMs: number): Promise<void> {
    if (this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#emptied.push(resolve);
      setTimeout(resolve, limitMs);
    });
  }

  /** Forget what is on its way: it will not be acknowledged. */
  abandon(): void {
    this.#queue = [];
    this.#flying = [];
    this.#pump();
  }

  /** A new recording counts from zero. */
  reset(): void {
    this.abandon();
    this.dropped = this.#next = 0;
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#flying.length < this.inFlight) {
      const sent = { n: this.#next++, chunk: this.#queue.shift()! };
      this.#flying.push(sent);
      if (this.#flying.length === 1) this.#awaitAnswer(RESEND_MS);
      this.send(sent.chunk, sent.n, this.#flying[0]!.n);
    }
    if (this.waiting > 0) return;
    clearTimeout(this.#resend);
    for (const done of this.#emptied.splice(0)) done();
  }

  /** A host may lose a message, such as the answer: the kernel waits for each chunk, so both would wait without end. */
  #awaitAnswer(ms: number): void {
    clearTimeout(this.#resend);
    this.#resendMs = ms;
    this.#resend = setTimeout(() => {
      if (this.#flying.length === 0) return;
      this.sendAgain();
      this.#awaitAnswer(Math.min(2 * this.#resendMs, LONGEST_RESEND_MS));
    }, ms);
  }
}
