/** Microphone side of the audio thread: any device rate in, PCM16 chunks at the service's rate out. */
import { Level } from "./level";
import { toInt16 } from "./pcm";
import { Resampler } from "./resample";

interface Options {
  targetRate: number;
  chunkSamples: number;
}

class CaptureProcessor extends AudioWorkletProcessor {
  #resampler: Resampler;
  #mono = new Float32Array(128);
  #resampled: Float32Array;
  #chunk: Int16Array<ArrayBuffer>;
  #filled = 0;
  #level = new Level();
  #running = true;

  constructor(options: { processorOptions: Options }) {
    super();
    const { targetRate, chunkSamples } = options.processorOptions;
    this.#resampler = new Resampler(sampleRate, targetRate);
    this.#resampled = new Float32Array(this.#resampler.bound(256));
    this.#chunk = new Int16Array(chunkSamples);
    this.port.onmessage = (event: MessageEvent<string>) => {
      if (event.data !== "stop" || !this.#running) return;
      this.#take(this.#resampler.flush(this.#resampled));
      this.#post(true);
      this.#running = false;
    };
  }

  process(inputs: Float32Array[][]): boolean {
    if (!this.#running) return false;
    const channels = inputs[0];
    const first = channels?.[0];
    if (!channels || !first) return true;
    if (this.#mono.length !== first.length) {
      this.#mono = new Float32Array(first.length);
      this.#resampled = new Float32Array(this.#resampler.bound(first.length));
    }
    for (let i = 0; i < first.length; i++) {
      let sum = 0;
      for (let c = 0; c < channels.length; c++) sum += channels[c]![i]!;
      this.#mono[i] = sum / channels.length;
    }
    this.#take(this.#resampler.process(this.#mono, this.#resampled));
    return true;
  }

  #take(count: number): void {
    for (let i = 0; i < count; i++) {
      const sample = this.#resampled[i]!;
      this.#level.add(sample);
      this.#chunk[this.#filled++] = toInt16(sample);
      if (this.#filled === this.#chunk.length) this.#post(false);
    }
  }

  #post(last: boolean): void {
    const pcm = this.#chunk.slice(0, this.#filled);
    this.#filled = 0;
    const { rms, peak } = this.#level.take();
    this.port.postMessage({ t: currentTime, rms, peak, last, pcm: pcm.buffer }, [pcm.buffer]);
  }
}

registerProcessor("snb-capture", CaptureProcessor);
