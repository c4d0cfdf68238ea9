/**
 * Speaker side of the audio thread: plays queued blocks, waits for the prebuffer, pauses, fades, reports where it is.
 *
 * The stream that `stop` meets fades out while the next one already sounds: that is the cross-fade.
 */
import type { FromPlayer, ToPlayer } from "./player-messages";
import { Ramp } from "./ramp";
import { StretchQueue } from "./stretch-queue";

interface Stream {
  id: string;
  prebufferThreshold: number;
  startDelay: number;
  reserve: number;
  /** When the first of its sound came, on the audio clock. */
  firstAt: number | null;
  queue: StretchQueue;
  gain: Ramp;
  ended: boolean;
  flowing: boolean;
  begun: boolean;
  underruns: number;
  /** It was stopped and sounds on until the next one starts, until then at the latest; it fades for `fade` samples. */
  held: { until: number; fade: number } | null;
}

const REPORT_SECS = 0.05;
/** What is left of the last sample after each further one when the sound runs dry: silence, but no click. */
const DECAY = 0.97;
const REFILL_FADE = 96;

function release(stream: Stream): void {
  if (stream.held) stream.gain.to(0, stream.held.fade);
  stream.held = null;
}

/** Whether enough time has passed since the first sound; a stream that ran dry waits for the threshold. */
function isDue({ begun, firstAt, startDelay }: Stream): boolean {
  return !begun && firstAt !== null && currentTime >= firstAt + startDelay / sampleRate;
}

class PlayerProcessor extends AudioWorkletProcessor {
  #streams: Stream[] = [];
  #leaving: Stream[] = [];
  #pausing = new Ramp();
  #paused = false;
  #scratch = new Float32Array(128);
  #last = 0;
  #nextReport = 0;

  constructor() {
    super();
    this.port.onmessage = (event: MessageEvent<ToPlayer>) => this.#receive(event.data);
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0]?.[0];
    if (!out) return true;
    if (this.#scratch.length < out.length) this.#scratch = new Float32Array(out.length);
    this.#render(out);
    const leaving = this.#leaving;
    for (let i = leaving.length - 1; i >= 0; i--) {
      const stream = leaving[i]!;
      const held = stream.held;
      if (held && (currentTime >= held.until || stream.queue.available <= held.fade + out.length))
        release(stream);
      this.#mix(stream, out, 0, out.length, 1);
      if (stream.gain.value > 0 && stream.queue.available > 0) continue;
      leaving.splice(i, 1);
      this.#finished(stream);
    }
    this.#report();
    return true;
  }

  #render(out: Float32Array): void {
    let at = 0;
    while (at < out.length && !(this.#paused && this.#pausing.value === 0)) {
      const stream = this.#streams[0];
      if (!stream) break;
      if (!stream.flowing) {
        if (!stream.ended && stream.queue.available < stream.prebufferThreshold && !isDue(stream)) break;
        this.#start(stream);
      }
      if (!stream.ended && !this.#paused && stream.queue.available < stream.reserve) stream.queue.stretch();
      // A pause takes just the samples of its fade: what follows is for the time after it.
      const count = this.#paused ? Math.min(this.#pausing.remaining, out.length - at) : out.length - at;
      at += this.#mix(stream, out, at, count, null);
      if (at === out.length || (this.#paused && this.#pausing.value === 0)) break;
      if (stream.queue.available > 0) continue;
      if (stream.ended) {
        this.#streams.shift();
        this.#finished(stream);
      } else {
        stream.underruns += 1;
        stream.flowing = false;
        break;
      }
    }
    if (this.#paused) this.#last = 0; // its own fade has ended there
    for (; at < out.length && Math.abs(this.#last) > 1e-4; at++) {
      this.#last *= DECAY;
      out[at]! += this.#last;
    }
    if (at < out.length) this.#last = 0;
  }

  #start(stream: Stream): void {
    stream.flowing = true;
    if (stream.begun) {
      stream.gain.value = 0;
      stream.gain.to(1, REFILL_FADE);
      return;
    }
    stream.begun = true;
    for (const one of this.#leaving) if (one.held) release(one);
    this.#post({ type: "started", stream: stream.id, at: currentTime, buffered: stream.queue.available });
  }

  /** Add what a stream has to the output, with its gain and that of the pause; return how many samples it had. */
  #mix(stream: Stream, out: Float32Array, at: number, count: number, pausing: number | null): number {
    const got = stream.queue.read(this.#scratch, 0, count);
    let value = 0;
    for (let i = 0; i < got; i++) {
      value = this.#scratch[i]! * stream.gain.next() * (pausing ?? this.#pausing.next());
      out[at + i]! += value;
    }
    if (pausing === null && got > 0) this.#last = stream.ended && stream.queue.available === 0 ? 0 : value;
    return got;
  }

  #receive(message: ToPlayer): void {
    if (message.type === "open") {
      const gain = new Ramp(message.fadeIn > 0 ? 0 : 1);
      gain.to(1, message.fadeIn);
      this.#streams.push({
        id: message.stream,
        prebufferThreshold: message.prebufferThreshold,
        startDelay: message.startDelay,
        reserve: message.reserve,
        firstAt: null,
        queue: new StretchQueue(sampleRate),
        gain,
        ended: false,
        flowing: false,
        begun: false,
        underruns: 0,
        held: null,
      });
    } else if (message.type === "stop") this.#stop(message.fade, message.hold);
    else if (message.type === "pause") {
      this.#paused = true;
      this.#pausing.to(0, message.fade);
    } else if (message.type === "resume") {
      this.#paused = false;
      this.#pausing.to(1, message.fade);
    } else if (message.type === "buffering") {
      for (const stream of this.#streams) {
        stream.prebufferThreshold = message.prebufferThreshold ?? stream.prebufferThreshold;
        stream.reserve = message.reserve;
      }
    } else {
      const stream = this.#streams.find((s) => s.id === message.stream);
      if (!stream) return;
      if (message.type === "push") {
        stream.firstAt ??= currentTime;
        stream.queue.push(message.samples);
      } else stream.ended = true;
    }
  }

  /** The streams that are open are gone; those opened from now on play. */
  #stop(fade: number, hold: number): void {
    for (const one of this.#leaving) if (one.held) release(one);
    const [current] = this.#streams.splice(0);
    if (current?.flowing && this.#pausing.value > 0) {
      current.gain.value *= this.#pausing.value;
      if (hold > 0) current.held = { until: currentTime + hold / sampleRate, fade };
      else current.gain.to(0, fade);
      this.#leaving.push(current);
      this.#last = 0;
    } else if (current) this.#finished(current);
    this.#paused = false;
    this.#pausing = new Ramp();
  }

  #finished({ id, queue, underruns }: Stream): void {
    this.#post({ type: "finished", stream: id, rendered: queue.consumed, underruns });
  }

  #report(): void {
    const stream = this.#streams[0];
    if (!stream?.begun || currentTime < this.#nextReport) return;
    this.#nextReport = currentTime + REPORT_SECS;
    this.#post({
      type: "position",
      stream: stream.id,
      rendered: stream.queue.consumed,
      buffered: stream.queue.available,
      underruns: stream.underruns,
    });
  }

  #post(message: FromPlayer): void {
    this.port.postMessage(message);
  }
}

registerProcessor("snb-player", PlayerProcessor);
