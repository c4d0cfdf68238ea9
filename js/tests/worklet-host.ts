/** Runs a built worklet in node as the audio thread would: 128 frames at a time, at a given rate. */
import vm from "node:vm";

interface Processor {
  port: { onmessage: ((event: { data: unknown }) => void) | null; postMessage: (message: unknown) => void };
  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}

export class WorkletHost {
  readonly posted: Record<string, unknown>[] = [];
  readonly #processor: Processor;
  readonly #globals: Record<string, unknown>;
  #frames = 0;

  constructor(
    source: string,
    readonly sampleRate: number,
    options: unknown = {},
  ) {
    let registered: (new (options: unknown) => Processor) | undefined;
    const posted = this.posted;
    this.#globals = vm.createContext({
      sampleRate,
      currentTime: 0,
      AudioWorkletProcessor: class {
        port = { onmessage: null, postMessage: (message: Record<string, unknown>) => posted.push(message) };
      },
      registerProcessor: (_name: string, type: new (options: unknown) => Processor) => {
        registered = type;
      },
    });
    vm.runInContext(source, this.#globals as vm.Context);
    if (!registered) throw new Error("the worklet registered nothing");
    this.#processor = new registered({ processorOptions: options });
  }

  post(message: unknown): void {
    this.#processor.port.onmessage?.({ data: message });
  }

  /** Render blocks of 128 frames and return them joined. */
  render(blocks: number): Float32Array {
    const out = new Float32Array(blocks * 128);
    for (let b = 0; b < blocks; b++) {
      const block = new Float32Array(128);
      this.#step([], [[block]]);
      out.set(block, b * 128);
    }
    return out;
  }

  /** Feed a signal, 128 frames at a time. */
  feed(signal: Float32Array, channels = 1): void {
    for (let at = 0; at + 128 <= signal.length; at += 128) {
      const block = signal.subarray(at, at + 128);
      this.#step([Array.from({ length: channels }, () => block)], []);
    }
  }

  #step(inputs: Float32Array[][], outputs: Float32Array[][]): void {
    this.#globals.currentTime = this.#frames / this.sampleRate;
    this.#processor.process(inputs, outputs);
    this.#frames += 128;
  }
}

export function tone(
  frequency: number,
  rate: number,
  seconds: number,
  size = 0.5,
): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(Math.round(rate * seconds));
  for (let i = 0; i < samples.length; i++) samples[i] = size * Math.sin((2 * Math.PI * frequency * i) / rate);
  return samples;
}

export function biggestStep(samples: Float32Array): number {
  let most = 0;
  for (let i = 1; i < samples.length; i++) most = Math.max(most, Math.abs(samples[i]! - samples[i - 1]!));
  return most;
}
