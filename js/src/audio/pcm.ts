/** PCM16 and Float32, with rounding and saturation. Pure. */

/** Read little-endian PCM16; a trailing odd byte is refused because the kernel sends whole samples. */
export function pcm16(bytes: Uint8Array): Int16Array<ArrayBuffer> {
  if (bytes.byteLength % 2 !== 0)
    throw new RangeError(`PCM16 has two bytes per sample, got ${bytes.byteLength}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Int16Array(bytes.byteLength / 2);
  for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(2 * i, true);
  return samples;
}

/** Round and saturate one sample. */
export function toInt16(sample: number): number {
  return Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
}
