/** How loud each pitch is over time: a short-time Fourier transform of a take. Pure. */
import type { Take } from "./take";

const SIZE = 512;
const FLOOR_DB = -80;

const WINDOW = Float32Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));

/** In-place radix-2 transform of SIZE values. */
function transform(re: Float32Array, im: Float32Array): void {
  for (let i = 1, j = 0; i < SIZE; i++) {
    let bit = SIZE >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let length = 2; length <= SIZE; length *= 2) {
    const angle = (-2 * Math.PI) / length;
    for (let start = 0; start < SIZE; start += length) {
      for (let k = 0; k < length / 2; k++) {
        const a = start + k;
        const b = a + length / 2;
        const cos = Math.cos(angle * k);
        const sin = Math.sin(angle * k);
        const real = re[b]! * cos - im[b]! * sin;
        const imaginary = re[b]! * sin + im[b]! * cos;
        re[b] = re[a]! - real;
        im[b] = im[a]! - imaginary;
        re[a] = re[a]! + real;
        im[a] = im[a]! + imaginary;
      }
    }
  }
}

export interface Spectrogram {
  columns: number;
  rows: number;
  /** Hz of the highest row. */
  top: number;
  /** 0 (-80 dB or less) to 255 (full scale), column by column, the lowest pitch first. */
  levels: Uint8Array;
}

/** Return the spectrogram of a whole take, `columns` moments wide, up to 8 kHz or half the sample rate. */
export function spectrogram(take: Take, columns: number): Spectrogram {
  const top = Math.min(8000, take.sampleRate / 2);
  const rows = Math.floor((top / take.sampleRate) * SIZE);
  const levels = new Uint8Array(columns * rows);
  const re = new Float32Array(SIZE);
  const im = new Float32Array(SIZE);
  for (let column = 0; column < columns; column++) {
    const centre = Math.round(((column + 0.5) / columns) * take.samples);
    const samples = take.read(Math.max(0, centre - SIZE / 2), SIZE);
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < samples.length; i++) re[i] = samples[i]! * WINDOW[i]!;
    transform(re, im);
    for (let row = 0; row < rows; row++) {
      const size = Math.hypot(re[row]!, im[row]!) / (SIZE / 4);
      const db = 20 * Math.log10(Math.max(size, 1e-6));
      levels[column * rows + row] = Math.max(0, Math.min(255, Math.round((1 - db / FLOOR_DB) * 255)));
    }
  }
  return { columns, rows, top, levels };
}
