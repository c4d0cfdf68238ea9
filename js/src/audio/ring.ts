/** A queue of sample blocks that is read in any portions; reading allocates nothing. Pure. */

export class BlockQueue {
  #blocks: Float32Array[] = [];
  #head = 0;
  #offset = 0;
  #available = 0;

  /** Samples that can be read. */
  get available(): number {
    return this.#available;
  }

  push(block: Float32Array): void {
    if (block.length === 0) return;
    if (this.#head > 64) {
      this.#blocks.splice(0, this.#head);
      this.#head = 0;
    }
    this.#blocks.push(block);
    this.#available += block.length;
  }

  /** Copy up to `count` samples to `out` at `at` and return how many there were. */
  read(out: Float32Array, at: number, count: number): number {
    let done = 0;
    while (done < count && this.#available > 0) {
      const block = this.#blocks[this.#head]!;
      const take = Math.min(count - done, block.length - this.#offset);
      for (let i = 0; i < take; i++) out[at + done + i] = block[this.#offset + i]!;
      done += take;
      this.#offset += take;
      this.#available -= take;
      if (this.#offset === block.length) {
        this.#head += 1;
        this.#offset = 0;
      }
    }
    return done;
  }

  /** Copy the next samples to `out` without reading them, and return how many there were. */
  peek(out: Float32Array): number {
    let done = 0;
    let offset = this.#offset;
    for (let head = this.#head; done < out.length && head < this.#blocks.length; head++) {
      const block = this.#blocks[head]!;
      const take = Math.min(out.length - done, block.length - offset);
      for (let i = 0; i < take; i++) out[done + i] = block[offset + i]!;
      done += take;
      offset = 0;
    }
    return done;
  }
}
