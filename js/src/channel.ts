/** Typed messages over the model's comm: numbered, in order, once each, whatever the host does to them. */
import { KernelClock } from "./clock";
import { kernelFacts, onKernelStatus } from "./host";
import {
  bytesOf,
  type Envelope,
  PROBE,
  PROTOCOL_VERSION,
  parse,
  type ToKernel,
  type ToPage,
} from "./protocol";
import { type Expected, Pull } from "./pull";

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

/** What a person should know of the connection to the kernel. */
export interface Trouble {
  text: string;
  /** The same for a screen reader: without the seconds, each change of which would be read out. */
  spoken: string;
  /** It does not end by itself. */
  urgent: boolean;
}

function trouble(text: string, urgent: boolean): Trouble {
  return { text, spoken: text, urgent };
}

/** What a page says of itself in `hello`. */
type Able = Omit<Extract<ToKernel, { type: "hello" }>, "type" | "pull" | "parts">;

type Handler<K extends ToPage["type"]> = (message: Extract<ToPage, { type: K }>, bytes: Uint8Array) => void;

/** A view that comes back within this was moved: sound and microphone go on. */
export const MOVED_MS = 2000;
const TICK_MS = 50;
const PING_TICKS = 3;
const HELLO_MS = 3000;
/** A kernel that the host calls idle answers within this; one that does not has no such widget. */
const IDLE_MS = 2000;
/** From a press until the page says what it waits for. */
const PATIENCE_MS = 2000;
/** What the engines have to say when no view is left, such as the last words of a recording, is waited for this long. */
const LEAVE_MS = 5000;
/** Presses that wait until the kernel knows the page. */
const MOST_WAITING = 20;
const FIRST_PINGS = 3;
const PING_MS = 10_000;
/** A press is followed by a ping, but not at once: in JupyterLab each message holds up what the press brings by 5 to 10 ms. */
const ACT_PING_MS = 150;
const MAX_HELD = 500;
/** Polls without anything of what is missing before starting again as a new page. */
const MAX_FRUITLESS = 5;
/** What a person does; the kernel's answer comes from a thread. */
const ACTS: ReadonlySet<string> = new Set([
  "press",
  "fetch",
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

/** A message on its way to the kernel. */
interface Outgoing {
  message: ToKernel;
  bytes: Uint8Array | undefined;
  part: string;
  at: number;
}

export function pageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

export class Channel {
  page = pageId();
  /** What the kernel found wrong with this page. */
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
  #onHidden: (() => void | Promise<void>)[] = [];
  #onEnd: (() => void)[] = [];
  #onTrouble: (() => void)[] = [];
  #trouble = "";
  #expected = new Map<string, Expected>();
  #views = 0;
  #hiding: ReturnType<typeof setTimeout> | undefined;
  #lastHello = 0;
  /** When the first hello left that was not answered yet. */
  #helloSince = 0;
  #fruitless = 0;
  #ticks = 0;
  #pings = 0;
  #lastPing = 0;
  /** When a ping is due that shows whether a person's act has arrived. */
  #pingAt: number | null = null;
  /** No view shows the widget: the kernel does not know this page, and nothing is sent or taken. */
  #away = true;
  /** The kernel is known to be gone, until it answers again. */
  #lost = false;
  /** Presses that wait for the welcome, and presses that are not answered yet. */
  #waiting: Outgoing[] = [];
  #unanswered: Outgoing[] = [];
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
    window.addEventListener("pagehide", () => this.#end(), { signal });
    // A page that comes back from the browser's cache has sent `bye`.
    const back = (event: PageTransitionEvent) => event.persisted && this.#views > 0 && this.#comeBack();
    window.addEventListener("pageshow", back, { signal });
    const alive = () => this.#lookAtHost();
    model.on("comm_live_update", alive as never);
    onKernelStatus(model, alive, signal);
    signal.addEventListener("abort", () => {
      this.#end(); // a model that is gone shows nothing any more
      model.off("msg:custom", receive as never);
      model.off("comm_live_update", alive as never);
      clearInterval(this.#timer);
      clearTimeout(this.#hiding);
    });
  }

  /** Whether the kernel knows this page, and is not known to be gone. */
  get ready(): boolean {
    return this.#next !== null && !this.#lost;
  }

  /** Whether the kernel is known to be gone. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Whether the host says that it has no connection to the kernel at the moment. */
  get disconnected(): boolean {
    return kernelFacts(this.#model).disconnected;
  }

  /** Whether a person's act of a part has not reached the kernel yet. */
  unanswered(part = ""): boolean {
    return [...this.#waiting, ...this.#unanswered].some((sent) => sent.part === part);
  }

  /** What a person should know of the connection now, or null. */
  get trouble(): Trouble | null {
    if (this.#away) return null;
    if (this.problem) return trouble(this.problem, true);
    if (this.#lost) return trouble(GONE, true);
    const facts = kernelFacts(this.#model);
    if (facts.disconnected) {
      return trouble("The connection to the notebook server is lost; waiting until it is back.", false);
    }
    const waits = [...this.#waiting, ...this.#unanswered].map((sent) => sent.at);
    if (this.#next === null) waits.push(this.#helloSince + HELLO_MS - PATIENCE_MS);
    const waited = performance.now() - Math.min(...waits);
    if (waited < PATIENCE_MS) return null;
    const secs = 2 * Math.floor(waited / 2000);
    if (facts.busy) {
      const spoken = "Waiting for the kernel, which is busy with a cell";
      return { text: `${spoken} (${secs} s).`, spoken: `${spoken}.`, urgent: false };
    }
    const reasons = "it is busy, or it was restarted (then run the cell again).";
    return {
      text: `The kernel has not answered for ${secs} s: ${reasons}`,
      spoken: `The kernel does not answer: ${reasons}`,
      urgent: false,
    };
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

  /** Call when no view has been left for a while; what it returns is waited for before the page says `bye`. */
  onHidden(callback: () => void | Promise<void>): void {
    this.#onHidden.push(callback);
  }

  /** Call when the page goes away, before it says `bye`: there is no time for anything but a last message. */
  onEnd(callback: () => void): void {
    this.#onEnd.push(callback);
  }

  /** Call when `trouble` has another text, or an act was sent or answered. */
  onTrouble(callback: () => void, signal: AbortSignal): void {
    this.#onTrouble.push(callback);
    signal.addEventListener("abort", () => {
      this.#onTrouble = this.#onTrouble.filter((other) => other !== callback);
    });
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

  /** Send one message of a part; PCM goes as a binary buffer. A person's act waits until the kernel knows this page. */
  send(message: ToKernel, bytes?: Uint8Array, part = ""): void {
    if (this.#away && message.type !== "bye") return;
    const outgoing = { message, bytes, part, at: performance.now() };
    if (!ACTS.has(message.type)) this.#post(outgoing);
    else if (this.#next === null && !this.#lost) {
      this.#waiting.push(outgoing);
      this.#waiting.splice(0, this.#waiting.length - MOST_WAITING);
    } else this.#act(outgoing);
    this.#lookAtTrouble();
  }

  /** Say what a part expects; hosts that lose messages are asked only while something is. */
  expect(expected: Expected, part = ""): void {
    this.#expected.set(part, expected);
    const all = [...this.#expected.values()];
    this.#pull.expected = all.includes("sound")
      ? "sound"
      : all.includes("something")
        ? "something"
        : "nothing";
  }

  /** Send a person's act, and soon a ping whose answer shows that it has arrived. */
  #act(outgoing: Outgoing): void {
    if (this.#lost) {
      this.#sayHello(); // the page says that it is lost; perhaps it is not any more
      return;
    }
    this.#pull.act(performance.now());
    this.#unanswered.push(outgoing);
    this.#unanswered.splice(0, this.#unanswered.length - MOST_WAITING);
    this.#post(outgoing);
    this.#pingAt ??= performance.now() + ACT_PING_MS;
  }

  #post({ message, bytes, part }: Outgoing): void {
    const ack = this.#next === null ? 0 : this.#next - 1;
    const whose = part ? { part } : {};
    const content = { v: PROTOCOL_VERSION, page: this.page, ack, ...whose, ...message };
    this.#pull.sent(performance.now());
    try {
      this.#model.send(content, undefined, bytes ? [bytes] : []);
    } catch (error) {
      if (this.#away) return; // as where the kernel has closed the widget
      if (!this.#lost) console.warn("[smallest_nb] the kernel cannot be reached", error);
      this.#lose();
    }
  }

  /** The kernel is gone: nothing waits for it any more. */
  #lose(): void {
    this.#waiting = [];
    this.#unanswered = [];
    if (this.#lost) return;
    this.#lost = true;
    for (const callback of this.#onGone) callback();
    this.#lookAtTrouble();
  }

  /** The kernel has answered something. */
  #answered(): void {
    if (!this.#lost) return;
    this.#lost = false;
    if (this.#next !== null) for (const callback of this.#onWelcome) callback();
  }

  #lookAtHost(): void {
    if (this.#away) return;
    const facts = kernelFacts(this.#model);
    const silent = this.#next === null && performance.now() - this.#helloSince > IDLE_MS;
    if (facts.gone || (facts.idle && silent)) this.#lose();
  }

  #lookAtTrouble(): void {
    const text = `${this.ready} ${this.#waiting.length + this.#unanswered.length} ${this.trouble?.text ?? ""}`;
    if (text === this.#trouble) return;
    this.#trouble = text;
    for (const callback of this.#onTrouble) callback();
  }

  /** No view has come back: end what the engines do, with their last words, and leave. */
  async #leave(): Promise<void> {
    const ended = Promise.all(this.#onHidden.map((callback) => callback()));
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LEAVE_MS))]);
    if (this.#views === 0) this.#end();
  }

  #end(): void {
    for (const callback of this.#onEnd) callback();
    this.#sayBye();
  }

  #sayBye(): void {
    if (this.#away) return;
    this.#away = true;
    this.send({ type: "bye" });
    this.#forget();
    this.#lookAtTrouble();
  }

  /** A view has come; what was sent meanwhile is not caught up with. */
  #comeBack(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#greetAsNew();
  }

  #forget(): void {
    this.#next = null;
    this.#fruitless = 0;
    this.#again = false;
    this.#pieces = [];
    this.#held.clear();
    for (const part of this.#parts.values()) part.owner = null;
  }

  /** For the kernel this is another page: there is nothing to catch up with. */
  #greetAsNew(): void {
    this.page = pageId();
    this.#forget();
    this.#helloSince = performance.now();
    this.#sayHello();
  }

  #sayHello(): void {
    this.#lastHello = performance.now();
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

  #startAfresh(): void {
    this.send({ type: "bye" });
    this.#greetAsNew();
  }

  /** The kernel has forgotten this page, and with it what was not answered yet. */
  #forgotten(): void {
    this.#waiting = [...this.#unanswered.splice(0), ...this.#waiting];
    this.#greetAsNew();
  }

  #tick(): void {
    if (this.#away) return;
    this.#lookAtHost();
    this.#lookAtTrouble();
    if (!this.ready) {
      // A kernel that is busy answers late and one that was restarted not at all; ask again, seldom.
      if (performance.now() - this.#lastHello > HELLO_MS) this.#sayHello();
      return;
    }
    if (++this.#ticks % PING_TICKS === 0) this.#maybePing();
    if (this.#pull.due(performance.now(), this.#held.size > 0)) this.#poll();
  }

  /** A few at first, then seldom, and only while latencies are of interest. */
  #maybePing(): void {
    if (this.#pingAt !== null) {
      if (performance.now() >= this.#pingAt) this.#ping();
      return;
    }
    const quiet = performance.now() - this.#lastPing;
    if (this.#pings >= FIRST_PINGS && !(this.#pull.expecting(performance.now()) && quiet > PING_MS)) return;
    this.#pings += 1;
    this.#ping();
  }

  #ping(): void {
    this.#pingAt = null;
    this.#lastPing = performance.now();
    const error = this.clock.errorMs;
    this.send({ type: "ping", t: this.#lastPing, trip: error === null ? null : 2 * error });
  }

  #receive(content: unknown, buffer: ArrayBuffer | ArrayBufferView | undefined): void {
    const message = parse(content);
    if (message === null || this.#away) return;
    const bytes = bytesOf(buffer);
    if (message.type === "welcome") {
      if (message.page === this.page) this.#welcomed(message);
    } else if (message.type === "pong") {
      if (message.page === this.page) this.#ponged(message);
    } else if (message.type === "unknown") {
      if (message.page === this.page && this.#next !== null) this.#forgotten();
    } else if (message.type === "probe") {
      if (message.page === this.page) this.#pull.probed();
    } else if (message.type === "polled") {
      if (message.page === this.page) {
        this.#answered();
        this.#polled(message);
      }
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

  #welcomed(message: Extract<ToPage, { type: "welcome" }>): void {
    for (const [name, owner] of Object.entries(message.owners)) this.part(name).owner = owner;
    if (this.#next === null) {
      this.#next = message.start;
      this.problem = message.problem;
      for (const seq of this.#held.keys()) if (seq < message.start) this.#held.delete(seq);
      this.#pull.welcomed(performance.now());
      this.#lost = false;
      for (const callback of this.#onWelcome) callback();
    } else this.#answered(); // of a hello that was said twice, or after a loss
    for (const outgoing of this.#waiting.splice(0)) this.#act(outgoing);
    this.#lookAtTrouble();
  }

  #ponged(message: Extract<ToPage, { type: "pong" }>): void {
    this.clock.add(message.t, message.k, performance.now());
    this.#unanswered = this.#unanswered.filter((sent) => sent.at > message.t);
    this.#answered();
    this.#lookAtTrouble();
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

  /** Whether the kernel is known to be gone. */
  get lost(): boolean {
    return this.channel.lost;
  }

  /** Whether the host has no connection to the kernel at the moment. */
  get disconnected(): boolean {
    return this.channel.disconnected;
  }

  /** Whether the kernel knows this page and, as far as the host knows, hears it. */
  get reachable(): boolean {
    return this.ready && !this.disconnected;
  }

  /** Whether what a person did here has not reached the kernel yet. */
  get unanswered(): boolean {
    return this.channel.unanswered(this.name);
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

  /** Call when what is to be said of the connection has changed, or what was done here has reached the kernel. */
  onTrouble(callback: () => void, signal: AbortSignal): void {
    this.channel.onTrouble(callback, signal);
  }

  /** Call when the page goes away, before it says `bye`. */
  onEnd(callback: () => void): void {
    this.channel.onEnd(callback);
  }

  /** Call when no view has been left for a while; what it returns is waited for. */
  onHidden(callback: () => void | Promise<void>): void {
    this.channel.onHidden(callback);
  }

  send(message: ToKernel, bytes?: Uint8Array): void {
    this.channel.send(message, bytes, this.name);
  }

  expect(expected: Expected): void {
    this.channel.expect(expected, this.name);
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
