/** A page of its own for the microphone: the same widget, its messages over a WebSocket in place of the notebook's comm. */
import "./tab.css";
import type { Model } from "./channel";

type Handler = (...args: unknown[]) => void;

/** Stands for the model that a notebook host would give. */
class TabModel implements Model {
  #state: Record<string, unknown> = {};
  #changed: Record<string, unknown> = {};
  readonly #handlers = new Map<string, Set<Handler>>();
  #waiting: { content: unknown; left: number; buffers: ArrayBuffer[] } | null = null;

  constructor(
    readonly socket: WebSocket,
    ready: () => void,
  ) {
    socket.binaryType = "arraybuffer";
    let first = true;
    socket.addEventListener("message", (event) => {
      this.#take(event.data);
      if (first) ready();
      first = false;
    });
  }

  get(name: string): unknown {
    return this.#state[name];
  }

  set(name: string, value: unknown): void {
    this.#changed[name] = value;
    this.#put({ [name]: value });
  }

  save_changes(): void {
    this.socket.send(JSON.stringify({ set: this.#changed }));
    this.#changed = {};
  }

  on(event: string, callback: (...args: never[]) => void): void {
    const known = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, known.add(callback as Handler));
  }

  off(event: string, callback: (...args: never[]) => void): void {
    this.#handlers.get(event)?.delete(callback as Handler);
  }

  send(content: unknown, _callbacks?: unknown, buffers: (ArrayBuffer | ArrayBufferView)[] = []): void {
    if (this.socket.readyState !== WebSocket.OPEN) throw new Error("the notebook's kernel is away");
    this.socket.send(JSON.stringify({ content, buffers: buffers.length }));
    for (const buffer of buffers) this.socket.send(buffer as ArrayBuffer);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const callback of this.#handlers.get(event) ?? []) callback(...args);
  }

  #put(state: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(state)) {
      if (this.#state[name] === value) continue;
      this.#state[name] = value;
      this.#emit(`change:${name}`);
    }
  }

  #take(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      if (this.#waiting?.buffers.push(data) === this.#waiting?.left) this.#deliver();
      return;
    }
    const message = JSON.parse(String(data)) as {
      set?: Record<string, unknown>;
      content?: unknown;
      buffers?: number;
    };
    if (message.set) this.#put(message.set);
    if (!message.content) return;
    this.#waiting = { content: message.content, left: message.buffers ?? 0, buffers: [] };
    if (this.#waiting.left === 0) this.#deliver();
  }

  #deliver(): void {
    const message = this.#waiting;
    this.#waiting = null;
    if (message) this.#emit("msg:custom", message.content, message.buffers);
  }
}

const script = document.querySelector<HTMLScriptElement>("script[data-session]");
const status = document.getElementById("status") as HTMLElement;
const place = document.getElementById("widget") as HTMLElement;
history.replaceState(null, "", "/"); // the token was good for one load, and need not be seen
const socket = new WebSocket(`ws://${location.host}/socket?session=${script?.dataset.session ?? ""}`);
const life = new AbortController();
const model = new TabModel(socket, () => {
  const url = "/microphone.js"; // as the kernel serves it: no part of this bundle
  void import(url).then((module: { default: () => Record<string, (given: object) => void> }) => {
    const made = module.default();
    made.initialize?.({ model, signal: life.signal });
    made.render?.({ model, el: place, signal: life.signal });
  });
});
socket.addEventListener("close", () => {
  life.abort();
  status.textContent =
    "This tab is no longer connected to the notebook. Close it; the notebook has a button that opens another one.";
  document.body.dataset.gone = "true";
});
