/** Typed messages over the model's comm: numbered, in order, once each, whatever the host does to them. */
import { KernelClock } from "./clock";
import {
  bytesOf,
  type Envelope,
  PROBE,
  PROTOCOL_VERSION,
  parse,
  type ToKernel,
  type ToPage,
} from "./protocol";
import { type Demand, Pull } from "./pull";

/** The part of anywidget's model that is used; 0.9.21 and later have it. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[] | ArrayBufferView[]): void;
}

const GONE = "The kernel was restarted or is away: run the cell again.";

/** What a page says of itself in `hello`. */
type Able = Omit<Extract<ToKernel, { type: "hello" }>, "type" | "pull" | "parts">;

type Handler<K extends ToPage["type"]> = (message: Extract<ToPage, { type: K }>, bytes: Uint8Array) => void;

/** A view that comes back within this was moved: sound and microphone go on. */
export const MOVED_MS = 2000;
const TICK_MS = 50;
const PING_TICKS = 3;
const HELLO_MS = 3000;
const FIRST_PINGS = 3;
const PING_MS = 10_000;
const MAX_HELD = 500;
/** Polls without anything of what is missing before starting again as a new page. */
const MAX_FRUITLESS = 5;
/** What a person does; the kernel's answer comes from a thread. */
const ACTS: ReadonlySet<string> = new Set([
  "press",
  "take",
  "transcript",
  "mic-state",
  "setting",
  "voice",
  "act",
  "key",
  "upload",
]);

function isColab(): boolean {
  return "google" in globalThis && "colab" in ((globalThis as { google?: object }).google ?? {});
}

function joined(pieces: Uint8Array[], last: Uint8Array): Uint8Array {
  if (pieces.length === 0) return last;
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, last.length));
  let at = 0;
  for (const piece of [...pieces, last]) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

export function pageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

export class Channel {
  page = pageId();
  problem: string | null = null;
  readonly clock = new KernelClock();
  #model: Model;
  #parts = new Map<string, PartChannel>();
  #next: number | null = null;
  #held = new Map<number, [Envelope<ToPage>, Uint8Array]>();
  #pieces: Uint8Array[] = [];
  #pull: Pull;
  #fresh = 0;
  #again = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #onWelcome: (() => void)[] = [];
  #onGone: (() => void)[] = [];
  #onHidden: (() => void)[] = [];
  #demands = new Map<string, Demand>();
  #views = 0;
  #hiding: ReturnType<typeof setTimeout> | undefined;
  #lastHello = 0;
  #fruitless = 0;
  #ticks = 0;
  #pings = 0;
  #lastPing = 0;
  #away = false;
  #hello: () => Able;

  /** `parts`: those that this page draws; the widget itself is the part without a name. */
  constructor(
    model: Model,
    hello: () => Able,
    signal: AbortSignal,
    readonly parts: readonly string[] = [""],
  ) {
    this.#model = model;
    this.#hello = hello;
    this.#pull = new Pull(isColab()); // a hint: what the host really does is found out
    const receive = (content: unknown, buffers?: (ArrayBuffer | ArrayBufferView)[]) =>
      this.#receive(content, buffers?.[0]);
    model.on("msg:custom", receive as never);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    window.addEventListener("pagehide", () => this.send({ type: "bye" }), { signal });
    // A page that comes back from the browser's cache has sent `bye`.
    window.addEventListener("pageshow", (event) => event.persisted && this.#startAfresh(), { signal });
    signal.addEventListener("abort", () => {
      model.off("msg:custom", receive as never);
      clearInterval(this.#timer);
      clearTimeout(this.#hiding);
    });
    this.#sayHello();
  }

  get ready(): boolean {
    return this.#next !== null;
  }

  /** The messages of one part of the widget. */
  part(name = ""): PartChannel {
    const known = this.#parts.get(name) ?? new PartChannel(this, name);
    this.#parts.set(name, known);
    return known;
  }

  /** Whether messages come only when they are asked for. */
  get pulls(): boolean {
    return this.#pull.on;
  }

  /** Call when the kernel has answered, now and after each reconnect. */
  onWelcome(callback: () => void): void {
    this.#onWelcome.push(callback);
    if (this.ready) callback();
  }

  /** Call when a message could not be sent because the widget's kernel is gone. */
  onGone(callback: () => void): void {
    this.#onGone.push(callback);
  }

  /** Call when no view has been left for a while: the kernel need hold nothing ready for this page. */
  onHidden(callback: () => void): void {
    this.#onHidden.push(callback);
  }

  /** Count a view until the signal. A host that moves or redraws one removes the old one first. */
  addView(signal: AbortSignal): void {
    this.#views += 1;
    clearTimeout(this.#hiding);
    this.#comeBack();
    signal.addEventListener("abort", () => {
      this.#views -= 1;
      if (this.#views === 0) this.#hiding = setTimeout(() => this.#leave(), MOVED_MS);
    });
  }

  /** Send one message of a part; PCM goes as a binary buffer. */
  send(message: ToKernel, bytes?: Uint8Array, part = ""): void {
    const ack = this.#next === null ? 0 : this.#next - 1;
    const whose = part ? { part } : {};
    const content = { v: PROTOCOL_VERSION, page: this.page, ack, ...whose, ...message };
    const now = performance.now();
    this.#pull.sent(now);
    if (ACTS.has(message.type)) this.#pull.act(now);
    try {
      this.#model.send(content, undefined, bytes ? [bytes] : []);
      if (this.problem === GONE) this.problem = null;
    } catch (error) {
      const known = this.problem === GONE;
      this.problem = GONE;
      console.warn("[smallest_nb] the kernel cannot be reached", error);
      if (!known) for (const callback of this.#onGone) callback();
    }
  }

  /** Say what a part expects; hosts that lose messages are asked only while something is. */
  expect(demand: Demand, part = ""): void {
    this.#demands.set(part, demand);
    const all = [...this.#demands.values()];
    this.#pull.demand = all.includes("sound") ? "sound" : all.includes("something") ? "something" : "nothing";
  }

  #leave(): void {
    for (const callback of this.#onHidden) callback();
    if (!this.#away) this.send({ type: "bye" });
    this.#away = true;
    this.#next = null;
    this.#held.clear();
  }

  /** A view has come; what was sent meanwhile is not caught up with. */
  #comeBack(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#startAfresh();
  }

  #sayHello(): void {
    this.#lastHello = Date.now();
    this.send({ type: "hello", pull: this.#pull.on, parts: [...this.parts], ...this.#hello() }, PROBE);
  }

  #poll(): void {
    this.#fresh = 0;
    this.send({ type: "poll", pull: this.#pull.on, again: this.#again });
    this.#pull.asked(performance.now());
  }

  /** The end of an answer: is everything here, and if not, was it lost on its way or dropped by the kernel? */
  #polled(message: Extract<ToPage, { type: "polled" }>): void {
    const was = this.#pull.on;
    this.#pull.answered(performance.now(), message.probed);
    const missing = this.#next !== null && message.newest >= this.#next;
    this.#again = missing && this.#fresh === 0;
    this.#fruitless = this.#again ? this.#fruitless + 1 : 0;
    if (this.#next !== null && message.oldest > this.#next) this.#startAfresh();
    else if (this.#fruitless > MAX_FRUITLESS) this.#startAfresh();
    else if (missing || this.#pull.on !== was) this.#poll();
  }

  /** Go on as a new page: for the kernel there is nothing to catch up with. */
  #startAfresh(): void {
    this.send({ type: "bye" });
    this.page = pageId();
    this.#next = null;
    this.#fruitless = 0;
    this.#again = false;
    this.#pieces = [];
    this.#held.clear();
    this.#sayHello();
  }

  #tick(): void {
    if (this.#away) return;
    if (!this.ready) {
      // A kernel that is busy answers late and one that was restarted not at all; ask again, seldom.
      if (Date.now() - this.#lastHello > HELLO_MS) this.#sayHello();
      return;
    }
    if (++this.#ticks % PING_TICKS === 0) this.#maybePing();
    if (this.#pull.due(performance.now(), this.#held.size > 0)) this.#poll();
  }

  /** A few at first, then seldom, and only while latencies are of interest. */
  #maybePing(): void {
    const quiet = performance.now() - this.#lastPing;
    if (this.#pings >= FIRST_PINGS && !(this.#pull.expecting(performance.now()) && quiet > PING_MS)) return;
    this.#pings += 1;
    this.#lastPing = performance.now();
    const error = this.clock.errorMs;
    this.send({ type: "ping", t: this.#lastPing, trip: error === null ? null : 2 * error });
  }

  #receive(content: unknown, buffer: ArrayBuffer | ArrayBufferView | undefined): void {
    const message = parse(content);
    if (message === null || this.#away) return;
    const bytes = bytesOf(buffer);
    if (message.type === "welcome") {
      if (message.page !== this.page) return;
      for (const [name, owner] of Object.entries(message.owners)) this.part(name).owner = owner;
      if (this.#next !== null) return; // the answer to a hello that was said twice
      this.#next = message.start;
      this.problem = message.problem;
      for (const seq of this.#held.keys()) if (seq < message.start) this.#held.delete(seq);
      this.#pull.welcomed(performance.now());
      for (const callback of this.#onWelcome) callback();
    } else if (message.type === "pong") {
      if (message.page === this.page) this.clock.add(message.t, message.k, performance.now());
    } else if (message.type === "probe") {
      if (message.page === this.page) this.#pull.probed();
    } else if (message.type === "polled") {
      if (message.page === this.page) this.#polled(message);
    } else if (message.type === "soon") {
      if (!message.to || message.to === this.page) this.#pull.act(performance.now());
      if (message.to === this.page && this.ready) this.#poll(); // the kernel wants to know whether it hears us
    } else if (typeof message.seq === "number") {
      if (this.#next !== null && (message.seq < this.#next || this.#held.has(message.seq))) return;
      this.#fresh += 1;
      const changed = this.#pull.arrived(performance.now(), message.via, message.age ?? 0);
      if (this.#held.size < MAX_HELD) this.#held.set(message.seq, [message, bytes]);
      if (changed && this.ready) this.#poll(); // which reports it to the kernel
    }
    this.#deliver();
  }

  #deliver(): void {
    if (this.#next === null) return;
    for (let entry = this.#held.get(this.#next); entry; entry = this.#held.get(this.#next)) {
      this.#held.delete(this.#next);
      this.#next += 1;
      const [message, last] = entry;
      if (message.to && message.to !== this.page) continue;
      if (message.type === "piece") {
        this.#pieces.push(last);
        continue;
      }
      const bytes = joined(this.#pieces.splice(0), last);
      this.#parts.get(message.part ?? "")?.deliver(message, bytes);
    }
  }
}

/** One part's side of the conversation: its own messages, and the page that owns it. */
export class PartChannel {
  owner: string | null = null;
  #handlers = new Map<string, (message: never, bytes: Uint8Array) => void>();

  constructor(
    readonly channel: Channel,
    readonly name: string,
  ) {}

  get isOwner(): boolean {
    return this.owner === this.channel.page;
  }

  get ready(): boolean {
    return this.channel.ready;
  }

  get pulls(): boolean {
    return this.channel.pulls;
  }

  get problem(): string | null {
    return this.channel.problem;
  }

  get clock(): KernelClock {
    return this.channel.clock;
  }

  /** Register the handler of a message type. */
  on<K extends ToPage["type"]>(type: K, handler: Handler<K>): void {
    this.#handlers.set(type, handler as (message: never, bytes: Uint8Array) => void);
  }

  /** Call when the kernel has answered, now and after each reconnect. */
  onWelcome(callback: () => void): void {
    this.channel.onWelcome(callback);
  }

  /** Call when a message could not be sent because the widget's kernel is gone. */
  onGone(callback: () => void): void {
    this.channel.onGone(callback);
  }

  /** Call when no view has been left for a while. */
  onHidden(callback: () => void): void {
    this.channel.onHidden(callback);
  }

  send(message: ToKernel, bytes?: Uint8Array): void {
    this.channel.send(message, bytes, this.name);
  }

  expect(demand: Demand): void {
    this.channel.expect(demand, this.name);
  }

  /** Take a message of this part, in order. */
  deliver(message: Envelope<ToPage>, bytes: Uint8Array): void {
    if (message.type === "owner") this.owner = message.page;
    try {
      this.#handlers.get(message.type)?.(message as never, bytes);
    } catch (error) {
      console.error(`[smallest_nb] handling ${message.type} failed`, error);
    }
  }
}
