/** The model that a host gives, and the kernel at the other end of its comm. */
import type { Channel, Model } from "../src/channel";

type Handler = (...args: unknown[]) => void;

export type Sent = Record<string, unknown> & { type: string; page: string };

interface FakeKernel {
  status: string;
  connectionStatus: string;
  statusChanged?: { connect(slot: () => void): void; disconnect(slot: () => void): void };
}

export class FakeComm implements Model {
  sent: { content: Sent; buffers: unknown }[] = [];
  /** What JupyterLab gives its models. */
  widget_manager: { kernel: FakeKernel | null } | undefined;
  /** The comm is closed, as after a restart. */
  broken = false;
  readonly #handlers = new Map<string, Set<Handler>>();
  #seq = 1;

  constructor(readonly state: Record<string, unknown> = {}) {}

  get(name: string): unknown {
    return this.state[name] ?? null;
  }
  set(name: string, value: unknown): void {
    this.state[name] = value;
    this.#emit(`change:${name}`);
  }
  save_changes(): void {}
  on(event: string, callback: (...args: never[]) => void): void {
    this.#handlers.set(event, (this.#handlers.get(event) ?? new Set()).add(callback as Handler));
  }
  off(event: string, callback: (...args: never[]) => void): void {
    this.#handlers.get(event)?.delete(callback as Handler);
  }
  send(content: unknown, _callbacks?: unknown, buffers?: unknown): void {
    if (this.broken) throw new Error("Cannot send");
    this.sent.push({ content: content as Sent, buffers });
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const callback of this.#handlers.get(event) ?? []) callback(...args);
  }

  deliver(content: object, buffer?: ArrayBuffer | ArrayBufferView): void {
    this.#emit("msg:custom", content, buffer ? [buffer] : []);
  }

  /** The page's present id, from what it said last. */
  get page(): string {
    return this.sent.at(-1)?.content.page ?? "";
  }

  welcome(start = 1, page = this.page, owners: Record<string, string> = { "": page }): void {
    this.#seq = start;
    this.deliver({ v: 1, type: "welcome", page, start, owners, problem: null });
  }

  /** A numbered message. */
  kernel(type: string, fields: object = {}): void {
    this.deliver({ v: 1, seq: this.#seq++, to: null, type, ...fields });
  }

  /** Answer the last ping. */
  pong(): void {
    const { page, t } = this.of("ping").at(-1) as Sent;
    this.deliver({ v: 1, type: "pong", page, t, k: 0 });
  }

  of(...types: string[]): Sent[] {
    return this.sent.map((message) => message.content).filter((message) => types.includes(message.type));
  }
}

/** Show the widget, as a host that draws its output; return what takes the view away again. */
export function show(channel: Channel): () => void {
  const view = new AbortController();
  channel.addView(view.signal);
  return () => view.abort();
}
