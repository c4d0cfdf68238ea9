/**
 * Messages between the page and its player worklet. Lengths are samples at the device's rate.
 *
 * A stream starts with `prebufferThreshold` samples, or `startDelay` after the first of them. With `hold`, what is stopped
 * sounds on for so long at most, until the next stream starts: only then does it fade. While less than `reserve` is in
 * hand and more will come, it is played a little more slowly.
 */

export type ToPlayer =
  | {
      type: "open";
      stream: string;
      prebufferThreshold: number;
      startDelay: number;
      reserve: number;
      fadeIn: number;
    }
  | { type: "push"; stream: string; samples: Float32Array }
  | { type: "end"; stream: string }
  | { type: "buffering"; reserve: number; prebufferThreshold?: number }
  | { type: "pause"; fade: number }
  | { type: "resume"; fade: number }
  | { type: "stop"; fade: number; hold: number };

export type FromPlayer =
  | { type: "position"; stream: string; rendered: number; buffered: number; underruns: number }
  | { type: "started"; stream: string; at: number; buffered: number }
  | { type: "finished"; stream: string; rendered: number; underruns: number };
