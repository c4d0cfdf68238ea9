/** Speaker side of the audio thread: plays queued blocks, waits for the waterline, fades on stop, reports where it is. */
import type { FromPlayer, ToPlayer } from "./player-messages";
import { BlockQueue } from "./ring";

interface Stream {
  id: string;
  waterline: number;
  queue: BlockQueue;
  ended: boolean;
  flowing: boolean;
  begun: boolean;
  rendered: number;
  underruns: number;
}

const REPORT_SECS = 0.05;

class PlayerProcessor extends AudioWorkletProcessor {
  #streams: Stream[] = [];
  #fadeTotal = 0;
  #fadeLeft = 0;
  #nextReport = 0;

  constructor() {
    super();
    this.port.onmessage = (event: MessageEvent<ToPlayer>) => this.#receive(event.data);
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0]?.[0];
    if (!out) return true;
    let at = 0;
    while (at < out.length) {
      const stream = this.#streams[0];
      if (!stream) break;
      if (!stream.flowing) {
        if (!stream.ended && stream.queue.available < stream.waterline) break;
        stream.flowing = true;
        if (!stream.begun) {
          stream.begun = true;
          this.#post({ type: "started", stream: stream.id, at: currentTime });
        }
      }
      const got = stream.queue.read(out, at, out.length - at);
      this.#fade(out, at, got);
      stream.rendered += got;
      at += got;
      if (this.#fadeTotal > 0 && this.#fadeLeft <= 0) {
        this.#finishStop();
        break;
      }
      if (at === out.length) break;
      if (this.#fadeTotal > 0) {
        this.#finishStop(); // nothing left to fade
      } else if (stream.ended) {
        this.#streams.shift();
        this.#finished(stream);
      } else {
        stream.underruns += 1;
        stream.flowing = false;
        break;
      }
    }
    if (this.#fadeTotal > 0 && (this.#streams.length === 0 || !this.#streams[0]!.flowing)) this.#finishStop();
    this.#report();
    return true;
  }

  #receive(message: ToPlayer): void {
    if (message.type === "open") {
      this.#streams.push({
        id: message.stream,
        waterline: message.waterline,
        queue: new BlockQueue(),
        ended: false,
        flowing: false,
        begun: false,
        rendered: 0,
        underruns: 0,
      });
      return;
    }
    if (message.type === "stop") {
      this.#streams.splice(1);
      if (this.#streams.length === 0) return;
      this.#fadeTotal = Math.max(1, message.fade);
      this.#fadeLeft = this.#fadeTotal;
      return;
    }
    const stream = this.#streams.find((s) => s.id === message.stream);
    if (!stream) return;
    if (message.type === "push") stream.queue.push(message.samples);
    else stream.ended = true;
  }

  #fade(out: Float32Array, at: number, count: number): void {
    if (this.#fadeTotal === 0) return;
    for (let i = 0; i < count; i++) {
      const left = Math.max(0, this.#fadeLeft--);
      out[at + i]! *= left / this.#fadeTotal;
    }
  }

  /** The streams that were open when `stop` came are gone; those opened since go on. */
  #finishStop(): void {
    const stopped = this.#streams.shift();
    this.#fadeTotal = this.#fadeLeft = 0;
    if (stopped) this.#finished(stopped);
  }

  #finished({ id, rendered, underruns }: Stream): void {
    this.#post({ type: "finished", stream: id, rendered, underruns });
  }

  #report(): void {
    const stream = this.#streams[0];
    if (!stream?.begun || currentTime < this.#nextReport) return;
    this.#nextReport = currentTime + REPORT_SECS;
    this.#post({
      type: "position",
      stream: stream.id,
      rendered: stream.rendered,
      buffered: stream.queue.available,
      underruns: stream.underruns,
    });
  }

  #post(message: FromPlayer): void {
    this.port.postMessage(message);
  }
}

registerProcessor("snb-player", PlayerProcessor);
