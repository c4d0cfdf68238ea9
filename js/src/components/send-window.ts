/** Microphone chunks on their way to the kernel: a few in flight, the rest kept, the oldest dropped when it is too much. Pure. */
import type { Chunk } from "../audio/capture";

export class SendWindow {
  dropped = 0;
  #queue: Chunk[] = [];
  #flying: Chunk[] = [];
  #emptied: (() => void)[] = [];

  constructor(
    private readonly send: (chunk: Chunk) => void,
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
    this.#flying = this.#flying.filter((chunk) => chunk.n > n);
    this.#pump();
  }

  /** Send what is on its way once more: the kernel may have missed it, and takes each chunk once. */
  sendAgain(): void {
    for (const chunk of this.#flying) this.send(chunk);
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
    this.dropped = 0;
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#flying.length < this.inFlight) {
      const chunk = this.#queue.shift()!;
      this.#flying.push(chunk);
      this.send(chunk);
    }
    if (this.waiting === 0) for (const done of this.#emptied.splice(0)) done();
  }
}
