/** Microphone chunks on their way to the kernel: a few in flight, the rest kept, the oldest dropped when it is too much. Pure. */
import type { Chunk } from "../audio/capture";

export class SendWindow {
  dropped = 0;
  #queue: Chunk[] = [];
  #sent = -1;
  #acknowledged = -1;

  constructor(
    private readonly send: (chunk: Chunk) => void,
    private readonly inFlight = 20,
    private readonly limit = 400,
  ) {}

  /** Chunks that the kernel has not acknowledged. */
  get waiting(): number {
    return this.#queue.length + this.#sent - this.#acknowledged;
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
    this.#acknowledged = Math.max(this.#acknowledged, n);
    this.#pump();
  }

  /** A new recording counts from zero. */
  reset(): void {
    this.#queue = [];
    this.#sent = this.#acknowledged = -1;
    this.dropped = 0;
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#sent - this.#acknowledged < this.inFlight) {
      const chunk = this.#queue.shift()!;
      this.#sent = chunk.n;
      this.send(chunk);
    }
  }
}
