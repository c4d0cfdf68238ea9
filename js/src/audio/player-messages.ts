/** Messages between the page and its player worklet. Lengths are samples at the device's rate. */

export type ToPlayer =
  | { type: "open"; stream: string; prebufferThreshold: number; fadeIn: number }
  | { type: "push"; stream: string; samples: Float32Array }
  | { type: "end"; stream: string }
  | { type: "prebuffer-threshold"; samples: number }
  | { type: "pause"; fade: number }
  | { type: "resume"; fade: number }
  | { type: "stop"; fade: number };

export type FromPlayer =
  | { type: "position"; stream: string; rendered: number; buffered: number; underruns: number }
  | { type: "started"; stream: string; at: number; buffered: number }
  | { type: "finished"; stream: string; rendered: number; underruns: number };
