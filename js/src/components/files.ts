/** Sound files that play the microphone's part: chosen or dropped, sent to the kernel in pieces, transcribed one after the other. */
import type { Model, PartChannel } from "../channel";
import { h, setText } from "../dom";
import { observe } from "../lifecycle";

/** Bytes in one message; VS Code turns each of them into a number of its own on the way. */
const PIECE = 48_000;
/** Bytes on their way at once. */
const AHEAD = 8 * PIECE;
const LOOK_MS = 5000;
const PACES: [string, string][] = [
  ["1", "In real time"],
  ["4", "4 times as fast"],
  ["8", "8 times as fast"],
  ["20", "20 times as fast"],
];
const STATES: Record<string, string> = {
  receiving: "Loading",
  waiting: "Waiting",
  transcribing: "Transcribing",
  done: "Transcribed",
  stopped: "Stopped",
  failed: "Failed",
};

const ENDS = new Set(["done", "stopped", "failed"]);

interface Row {
  name: string;
  state: string;
  done: number;
  problem: string;
}

/** A file on its way to the kernel. */
class Sending {
  acknowledged = 0;
  #sent = 0;
  #looked = -1;

  constructor(
    readonly key: string,
    readonly file: File,
    readonly bytes: Uint8Array,
    readonly channel: PartChannel,
  ) {
    this.#send();
  }

  get over(): boolean {
    return this.acknowledged >= this.bytes.length;
  }

  acknowledge(received: number): void {
    this.acknowledged = received;
    this.#send();
  }

  /** Send again what has not come since the last look: a host may have lost it. */
  look(): void {
    if (this.acknowledged === this.#looked) {
      this.#sent = this.acknowledged;
      this.#send();
    }
    this.#looked = this.acknowledged;
  }

  #send(): void {
    const { key: file, bytes } = this;
    while (this.#sent < bytes.length && this.#sent - this.acknowledged < AHEAD) {
      const piece = bytes.slice(this.#sent, this.#sent + PIECE);
      const { name } = this.file;
      this.channel.send({ type: "upload", file, name, size: bytes.length, first: this.#sent }, piece);
      this.#sent += piece.length;
    }
  }
}

export class FilesEngine {
  readonly views = new Set<() => void>();
  problem = "";
  #sending = new Map<string, Sending>();
  #count = 0;

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    channel.on("upload-ack", (m) => {
      const sending = this.#sending.get(m.file);
      if (!sending) return;
      if (m.error) {
        this.problem = m.error;
        this.#sending.delete(m.file);
      } else {
        sending.acknowledge(m.received);
        if (sending.over) this.#sending.delete(m.file);
      }
      this.changed();
    });
    observe(model, ["rows", "pace", "status"], signal, () => this.changed());
    const timer = setInterval(() => {
      for (const sending of this.#sending.values()) sending.look();
    }, LOOK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  get rows(): Row[] {
    return (this.model.get("rows") ?? []) as Row[];
  }

  get busy(): boolean {
    return this.#sending.size > 0 || this.left > 0;
  }

  /** Files that are not transcribed yet. */
  get left(): number {
    return this.rows.filter((row) => !ENDS.has(row.state)).length;
  }

  async add(files: Iterable<File>): Promise<void> {
    this.problem = "";
    this.channel.expect("something");
    for (const file of files) {
      this.#count += 1;
      const key = `${this.channel.channel.page}-${this.#count}`;
      try {
        const bytes = new Uint8Array(await file.arrayBuffer());
        if (bytes.length === 0) this.problem = `${file.name} is empty.`;
        else this.#sending.set(key, new Sending(key, file, bytes, this.channel));
      } catch (error) {
        this.problem = `${file.name} could not be read: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    this.changed();
  }

  stop(): void {
    this.#sending.clear();
    this.channel.send({ type: "press", action: "stop" });
  }

  setPace(pace: number): void {
    this.model.set("pace", pace);
    this.model.save_changes();
  }

  changed(): void {
    this.channel.expect(this.busy ? "something" : "nothing");
    for (const view of this.views) view();
  }
}

/** Draw the way in and the files into an element; what is dropped on `target` comes in, too. */
export function mountFiles(
  files: FilesEngine,
  el: HTMLElement,
  target: HTMLElement,
  say: (text: string) => void,
  signal: AbortSignal,
): void {
  const picker = h("input", { type: "file", accept: "audio/*,video/*,.wav,.flac,.ogg,.mp3", multiple: true });
  picker.addEventListener("change", () => {
    void files.add([...(picker.files ?? [])]);
    picker.value = "";
  });
  const pace = h("select", { class: "snb-field" });
  pace.append(...PACES.map(([value, text]) => h("option", { value }, text)));
  pace.addEventListener("change", () => files.setPace(Number(pace.value)));
  const list = h("ul", { class: "snb-files", "aria-label": "Files" });
  const error = h("div", { class: "snb-error", role: "alert" });
  const stop = h("button", { class: "snb-link", type: "button", click: () => files.stop() }, "Cancel");
  const root = h(
    "div",
    { class: "snb-files-box" },
    h("label", { class: "snb-files-choose" }, h("span", { class: "snb-button" }, "Choose files"), picker),
    h("span", {}, "or drop them anywhere in this frame."),
    h("label", { class: "snb-files-pace" }, "Pace", pace),
    stop,
    list,
    error,
  );
  const said = new Map<string, string>();
  const paint = () => {
    for (const { name, state, problem } of files.rows) {
      const now = problem ? `${name}: ${problem}` : `${name}: ${STATES[state] ?? state}`;
      if (ENDS.has(state) && said.get(name) !== now) say(now);
      said.set(name, now);
    }
    pace.value = String(files.model.get("pace") ?? 8);
    list.replaceChildren(
      ...files.rows.map((row) => {
        const percent = Math.round(100 * row.done);
        const state = STATES[row.state] ?? row.state;
        const moving = row.state === "receiving" || row.state === "transcribing";
        const bar = h("progress", { max: "100", value: String(percent), "aria-label": row.name });
        return h(
          "li",
          { "data-state": row.state },
          h("span", { class: "snb-file-name" }, row.name),
          moving ? bar : null,
          h("span", { class: "snb-file-state" }, row.problem || (moving ? `${state} ${percent} %` : state)),
        );
      }),
    );
    stop.toggleAttribute("hidden", !files.busy);
    setText(error, files.problem);
  };
  for (const kind of ["dragenter", "dragover"])
    target.addEventListener(
      kind,
      (event) => {
        if (!(event as DragEvent).dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        target.toggleAttribute("data-drop", true);
      },
      { signal },
    );
  for (const kind of ["dragleave", "drop"])
    target.addEventListener(kind, () => target.removeAttribute("data-drop"), { signal });
  target.addEventListener(
    "drop",
    (event) => {
      const dropped = [...(event.dataTransfer?.files ?? [])];
      if (!dropped.length) return;
      event.preventDefault();
      void files.add(dropped);
    },
    { signal },
  );
  files.views.add(paint);
  signal.addEventListener("abort", () => {
    files.views.delete(paint);
    root.remove();
  });
  el.append(root);
  paint();
}
