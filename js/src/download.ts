/** Lets a person save bytes that came from the kernel, whole or in parts, as a file. */
import type { PartChannel } from "./channel";
import { h } from "./dom";

export function download(name: string, mime: string, ...parts: Uint8Array[]): void {
  const url = URL.createObjectURL(new Blob(parts as BlobPart[], { type: mime }));
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Files that come in parts; `progress` gets the fraction that is here, and null when a file is whole. */
export function receiveFiles(channel: PartChannel, progress: (done: number | null) => void): void {
  let file = "";
  let parts: Uint8Array[] = [];
  let received = 0;
  channel.on("file-part", (m, bytes) => {
    if (m.first === 0) {
      file = m.file;
      parts = [];
      received = 0;
    }
    if (m.file !== file || m.first !== received) return;
    parts.push(bytes);
    received += bytes.length;
    channel.send({ type: "more", file, received });
    if (received < m.size) {
      progress(received / m.size);
      return;
    }
    download(m.name, m.mime, ...parts);
    parts = [];
    progress(null);
  });
}
