/** Messages between the page and the kernel. Twin of smallest_nb/notebook/comm/messages.py; tests/wire/bridge.json holds both to it. */

export const PROTOCOL_VERSION = 1;

/** Five bytes that show whether the host hands binary buffers over unchanged. */
export const PROBE = new Uint8Array([0, 127, 128, 255, 10]);

/** What the browser really switched on. */
export interface Granted {
  device: string;
  echo_cancellation: boolean;
  noise_suppression: boolean;
  auto_gain_control: boolean;
}

/** Text, start and end in seconds, confidence. */
export type TimedWord = [string, number, number, number | null];

export interface Line {
  i: number;
  text: string;
  final: boolean;
  start: number | null;
  end: number | null;
  speaker: number | null;
  language: string | null;
  words: TimedWord[];
  /** What its recording is called, if it is the first line of another one. */
  mark?: string;
}

export type ToPage =
  | {
      type: "welcome";
      page: string;
      start: number;
      owners: Record<string, string | null>;
      problem: string | null;
    }
  | { type: "owner"; page: string }
  /** The kernel does not know this page, or has forgotten it; what it said was not taken. */
  | { type: "unknown"; page: string }
  /** A piece of the widget's module and style sheet, which this page asked for (src/loader.ts). */
  | { type: "module"; n: number; of: number; text: string }
  | { type: "pong"; page: string; t: number; k: number }
  /** Sent from a thread while no page asks: a host that loses it must be asked. */
  | { type: "probe"; page: string }
  /** The end of a poll's answer: the numbers that the kernel keeps, and whether the probe was sent a while ago. */
  | { type: "polled"; page: string; newest: number; oldest: number; probed: boolean }
  /** The kernel will have something to say by itself. */
  | { type: "soon" }
  /** Bytes that belong before those of the next message: hosts choke on large ones. */
  | { type: "piece" }
  | { type: "stream-open"; stream: string; sample_rate: number; queued: boolean }
  | { type: "stream-audio"; stream: string; first: number }
  /** How long a stream is, once that is known; its last samples may still come. */
  | { type: "stream-end"; stream: string; samples: number }
  | { type: "stop"; fade_ms: number }
  | { type: "playback"; action: string; at: number | null }
  /** One of two takes to be compared, whole, as PCM16 beside it. */
  | { type: "compare"; slot: string; label: string; sample_rate: number }
  | { type: "mic-start" }
  | { type: "mic-stop" }
  | { type: "mic-ack"; n: number }
  | { type: "lines"; reset: boolean; lines: Line[] }
  /** Second of the transcript that is being heard again, or null. */
  | { type: "now"; at: number | null }
  /** A file to be saved, as bytes beside it. */
  | { type: "file"; name: string; mime: string }
  /** The next bytes of a file to be saved, beside it: where they begin, and the whole file's length. */
  | { type: "file-part"; file: string; name: string; mime: string; size: number; first: number }
  /** The picture of a recording: a byte for each 40 ms beside it, from number `first` on; times in seconds. */
  | { type: "peaks"; first: number; reset: boolean; seconds: number; kept_from: number }
  /** How much of an uploaded file is here, and why no more of it is wanted. */
  | { type: "upload-ack"; file: string; received: number; error: string | null }
  /** The answer to an echo, with the five known bytes beside it. */
  | { type: "echo"; n: number }
  /** One of many messages in a row, whose number and time show what the host can take. */
  | { type: "burst"; n: number };

export type ToKernel =
  | {
      type: "hello";
      /** The parts of the widget that this page draws. */
      parts: string[];
      build: string;
      host: string;
      secure: boolean;
      microphone: string;
      worklet: boolean;
      pull: boolean;
    }
  /** `pull`: the host loses what is not asked for. `again`: what the last answer held did not come. */
  | { type: "poll"; pull: boolean; again: boolean }
  /** `trip`: the fastest round trip so far, ms. */
  | { type: "ping"; t: number; trip: number | null }
  | { type: "bye" }
  | { type: "press"; action: string }
  /** What a person did with a take in the list. */
  | { type: "take"; action: string; number: number; text: string }
  /** What a person did in the transcript: "hear" from a second on, "rename" a speaker, "save" in a format. */
  | { type: "transcript"; action: string; number: number; at: number; text: string }
  /** A person has set a setting; null leaves it to the API. */
  | { type: "setting"; name: string; value: unknown }
  /** What a person did with a voice: "choose", "preview", "star", or "load" the service's list. */
  | { type: "voice"; action: string; voice: string }
  /** What else a person did, and a text that goes with it. */
  | { type: "act"; action: string; text: string }
  /** An API key that a person typed, as UTF-8 beside it: hosts write the JSON of messages to their logs. */
  | { type: "key" }
  /** The next bytes of a file, beside it: where they begin, and the whole file's length. */
  | { type: "upload"; file: string; name: string; size: number; first: number }
  /** So many bytes of a file that is saved in parts are here. */
  | { type: "more"; file: string; received: number }
  /** Send a stream from a sample on: a person went to a place whose sound is not here, or not any more. */
  | { type: "fetch"; stream: string; first: number }
  | {
      type: "played";
      stream: string;
      position: number;
      received: number;
      /** It goes on from `position`, and has not got all of the stream. */
      more: boolean;
      underruns: number;
      state: string;
      first_ms: number | null;
      /** On the kernel's clock, ms: when the first samples came, and when the first one was rendered. */
      arrived: number | null;
      rendered: number | null;
      prebuffer_ms: number;
      clock_error_ms: number | null;
    }
  | {
      type: "mic-state";
      state: string;
      error: string | null;
      rate: number;
      dropped: number;
      granted: Granted | null;
    }
  | {
      type: "mic-chunk";
      n: number;
      /** Of the first chunk that the kernel has not acknowledged: none before it is sent again. */
      oldest: number;
      /** When the last sample was captured, on the kernel's clock, ms. */
      t: number | null;
      level: number;
      clipped: boolean;
      last: boolean;
    }
  | { type: "echo"; n: number }
  | { type: "burst"; run: number; n: number }
  /** Send the widget's module: this page does not have it. */
  | { type: "module" }
  /** What the page found out about itself; later facts are added. */
  | { type: "facts"; facts: Record<string, unknown> };

/** `via`: sent from a thread, inside a cell or handler, or again because the page asked, `age` ms after the first time. */
export type Envelope<T> = T & {
  v: number;
  /** The part of the widget; none is the widget itself. */
  part?: string;
  seq?: number | null;
  to?: string | null;
  via?: "thread" | "call" | "pull";
  age?: number;
};

const TO_PAGE: ReadonlySet<string> = new Set([
  "module",
  "welcome",
  "owner",
  "unknown",
  "pong",
  "probe",
  "polled",
  "soon",
  "piece",
  "stream-open",
  "stream-audio",
  "stream-end",
  "stop",
  "playback",
  "compare",
  "mic-start",
  "mic-stop",
  "mic-ack",
  "lines",
  "now",
  "file",
  "file-part",
  "peaks",
  "upload-ack",
  "echo",
  "burst",
] satisfies ToPage["type"][]);

/** Return the message, or null if it is not one of ours or of another version. */
export function parse(content: unknown): Envelope<ToPage> | null {
  if (typeof content !== "object" || content === null) return null;
  const message = content as Envelope<ToPage>;
  return message.v === PROTOCOL_VERSION && TO_PAGE.has(message.type) ? message : null;
}

/** Hosts give DataView, Uint8Array or ArrayBuffer, sometimes unaligned: return bytes of our own. */
export function bytesOf(buffer: ArrayBuffer | ArrayBufferView | undefined): Uint8Array {
  if (buffer === undefined) return new Uint8Array(0);
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer.slice(0));
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice();
}
