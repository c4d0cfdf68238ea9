/** Draws a take's spectrogram, once for each take and size. */
import { type Spectrogram, spectrogram } from "../audio/spectrogram";
import type { Take } from "../audio/take";

/** A colour between the background and the accent by level; both are read from the theme. */
function palette(canvas: HTMLCanvasElement): Uint8ClampedArray {
  const one = document.createElement("canvas");
  one.width = 256;
  one.height = 1;
  const paint = one.getContext("2d", { willReadFrequently: true });
  if (!paint) return new Uint8ClampedArray(1024);
  const style = getComputedStyle(canvas);
  const ramp = paint.createLinearGradient(0, 0, 256, 0);
  ramp.addColorStop(0, style.getPropertyValue("--snb-raised").trim() || "#eee");
  ramp.addColorStop(0.55, style.getPropertyValue("--snb-wave").trim() || "#8fb8b8");
  ramp.addColorStop(0.85, style.getPropertyValue("--snb-accent").trim() || "#0b6e6e");
  ramp.addColorStop(1, style.getPropertyValue("--snb-text").trim() || "#202124");
  paint.fillStyle = ramp;
  paint.fillRect(0, 0, 256, 1);
  return paint.getImageData(0, 0, 256, 1).data;
}

function draw(canvas: HTMLCanvasElement, found: Spectrogram): void {
  const paint = canvas.getContext("2d");
  if (!paint) return;
  canvas.width = found.columns;
  canvas.height = found.rows;
  const colours = palette(canvas);
  const image = paint.createImageData(found.columns, found.rows);
  for (let column = 0; column < found.columns; column++) {
    for (let row = 0; row < found.rows; row++) {
      const from = 4 * found.levels[column * found.rows + row]!;
      const to = 4 * ((found.rows - 1 - row) * found.columns + column);
      image.data.set(colours.subarray(from, from + 4), to);
    }
  }
  paint.putImageData(image, 0, 0);
}

export class SpectrumView {
  readonly canvas: HTMLCanvasElement;
  #drawn = "";
  #take: WeakRef<Take> | null = null;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
  }

  /** Whether a take can be drawn, or is: it must be here from its first sample to its last. */
  has(take: Take | null): boolean {
    return take !== null && ((take.whole && take.samples > 0) || this.#take?.deref() === take);
  }

  /** Draw a finished take; `theme` names the colours. */
  show(take: Take | null, theme: string): void {
    const width = Math.round(this.canvas.clientWidth * (window.devicePixelRatio || 1));
    if (!take?.whole || !take.samples || width === 0) return;
    const key = `${take.id} ${take.samples} ${width} ${theme}`;
    if (key === this.#drawn && this.#take?.deref() === take) return; // compared takes share their names
    this.#drawn = key;
    this.#take = new WeakRef(take);
    const found = spectrogram(take, Math.min(width, 1200));
    draw(this.canvas, found);
    this.canvas.setAttribute("aria-label", `Spectrogram, 0 to ${Math.round(found.top / 1000)} kHz`);
  }
}
