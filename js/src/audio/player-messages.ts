/** Messages between the page and its player worklet. */

export type ToPlayer =
  | { type: "open"; stream: string; waterline: number }
  | { type: "push"; stream: string; samples: Float32Array }
  | { type: "end"; stream: string }
  | { type: "stop"; fade: number };

export type FromPlayer =
  | { type: "position"; stream: string; rendered: number; buffered: number; underruns: number }
  | { type: "started"; stream: string; at: number }
  | { type: "finished"; stream: string; rendered: number; underruns: number };
