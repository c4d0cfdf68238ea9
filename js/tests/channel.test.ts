import { describe, expect, it, vi } from "vitest";
import golden from "../../tests/wire/bridge.json";
import { Channel, type Model } from "../src/channel";
import { bytesOf, PROBE, parse } from "../src/protocol";

class FakeComm implements Model {
  sent: { content: Record<string, unknown>; buffers: unknown }[] = [];
  #callback: ((...args: unknown[]) => void) | undefined;
  get(): unknown {
    return null;
  }
  set(): void {}
  save_changes(): void {}
  on(_event: string, callback: (...args: never[]) => void): void {
    this.#callback = callback as (...args: unknown[]) => void;
  }
  off(): void {
    this.#callback = undefined;
  }
  send(content: unknown, _callbacks?: unknown, buffers?: unknown): void {
    this.sent.push({ content: content as Record<string, unknown>, buffers });
  }
  deliver(content: unknown, buffer?: ArrayBuffer | ArrayBufferView): void {
    this.#callback?.(content, buffer ? [buffer] : []);
  }
}

const HELLO = () => ({ build: "b", host: "other", secure: true, microphone: "ask", worklet: true });

function connected(start = 1): [FakeComm, Channel, number[]] {
  const comm = new FakeComm();
  const channel = new Channel(comm, HELLO, new AbortController().signal);
  const seen: number[] = [];
  channel.on("stream-audio", (m) => seen.push(m.first));
  welcome(comm, channel, start);
  return [comm, channel, seen];
}

function welcome(comm: FakeComm, channel: Channel, start: number): void {
  comm.deliver({ v: 1, type: "welcome", page: channel.page, start, owner: channel.page, problem: null });
}

const polls = (comm: FakeComm) => comm.sent.map((m) => m.content).filter((m) => m.type === "poll");

const audio = (seq: number, to: string | null = null) => ({
  v: 1,
  type: "stream-audio",
  stream: "s",
  first: seq,
  seq,
  to,
});

vi.stubGlobal("window", new EventTarget());

describe("the channel", () => {
  it("says hello with five known bytes", () => {
    const [comm] = connected();
    expect(comm.sent[0]?.content).toMatchObject({ v: 1, type: "hello", build: "b", pull: false });
    expect(comm.sent[0]?.buffers).toEqual([PROBE]);
  });

  it("delivers in order and once, whatever arrives", () => {
    const [comm, , seen] = connected(5);
    for (const seq of [6, 5, 5, 8, 6, 7, 4]) comm.deliver(audio(seq));
    expect(seen).toEqual([5, 6, 7, 8]);
  });

  it("keeps what arrives before the welcome, and skips what is older", () => {
    const comm = new FakeComm();
    const channel = new Channel(comm, HELLO, new AbortController().signal);
    const seen: number[] = [];
    channel.on("stream-audio", (m) => seen.push(m.first));
    comm.deliver(audio(2));
    comm.deliver(audio(3));
    comm.deliver({ v: 1, type: "welcome", page: channel.page, start: 3, owner: null, problem: null });
    expect(seen).toEqual([3]);
  });

  it("asks again where a message is missing", () => {
    vi.useFakeTimers();
    const [comm] = connected(1);
    comm.deliver(audio(2));
    vi.advanceTimersByTime(200);
    expect(polls(comm)).toMatchObject([{ type: "poll", ack: 0 }]);
    vi.useRealTimers();
  });

  it("leaves messages for other pages and welcomes of others alone", () => {
    const [comm, channel, seen] = connected(1);
    comm.deliver(audio(1, "somebody else"));
    comm.deliver({ v: 1, type: "welcome", page: "somebody else", start: 99, owner: null, problem: "no" });
    comm.deliver(audio(2, channel.page));
    expect(seen).toEqual([2]);
    expect(channel.problem).toBeNull();
  });

  it("asks once more for what an answer did not bring, and then starts afresh as a new page", () => {
    vi.useFakeTimers();
    const [comm, channel, seen] = connected(1);
    const former = channel.page;
    const answer = (newest: number, oldest = 1) =>
      comm.deliver({ v: 1, type: "polled", page: channel.page, newest, oldest, probed: false });
    comm.deliver(audio(3));
    vi.advanceTimersByTime(150);
    expect(polls(comm)).toMatchObject([{ ack: 0, again: false }]);
    vi.advanceTimersByTime(3000);
    expect(polls(comm).length).toBe(1); // one at a time: the kernel may be busy
    comm.deliver({ ...audio(1), via: "pull", age: 10 });
    answer(3);
    expect(polls(comm).at(-1)).toMatchObject({ ack: 1, again: false }); // there is more
    for (let n = 0; n < 7; n++) answer(3);
    expect(polls(comm).at(-1)).toMatchObject({ ack: 1, again: true });
    expect(channel.page).not.toBe(former);
    expect(comm.sent.filter((m) => m.content.type === "bye").length).toBe(1);
    welcome(comm, channel, 102);
    comm.deliver(audio(102));
    expect(seen).toEqual([1, 102]);
    vi.useRealTimers();
  });

  it("starts afresh at once where the kernel no longer has what is missing", () => {
    vi.useFakeTimers();
    const [comm, channel] = connected(1);
    const former = channel.page;
    comm.deliver(audio(101));
    vi.advanceTimersByTime(150);
    comm.deliver({ v: 1, type: "polled", page: former, newest: 101, oldest: 50, probed: false });
    expect(channel.page).not.toBe(former);
    vi.useRealTimers();
  });

  it("puts the pieces of a large message together", () => {
    const [comm, channel] = connected(1);
    const got: number[][] = [];
    channel.on("compare", (_m, bytes) => got.push([...bytes]));
    comm.deliver({ v: 1, type: "piece", seq: 2, to: null }, new Uint8Array([3, 4]));
    comm.deliver({ v: 1, type: "piece", seq: 1, to: null }, new Uint8Array([1, 2]));
    comm.deliver(
      { v: 1, type: "compare", slot: "a", label: "", sample_rate: 8000, seq: 3, to: null },
      new Uint8Array([5]),
    );
    expect(got).toEqual([[1, 2, 3, 4, 5]]);
  });

  it("does not ask while nothing is expected, nor where messages come by themselves", () => {
    vi.useFakeTimers();
    const [comm, channel] = connected(1);
    comm.deliver({ v: 1, type: "probe", page: channel.page, via: "thread" });
    vi.advanceTimersByTime(60_000);
    expect(polls(comm)).toEqual([]);
    channel.expect("sound");
    for (let seq = 1; seq < 50; seq++) {
      comm.deliver({ ...audio(seq), via: "thread" });
      vi.advanceTimersByTime(200);
    }
    expect(polls(comm)).toEqual([]);
    vi.useRealTimers();
  });

  it("lets the kernel know that it must be asked if the probe never came", () => {
    vi.useFakeTimers();
    const [comm, channel] = connected(1);
    vi.advanceTimersByTime(2600);
    expect(polls(comm)).toMatchObject([{ pull: false }]);
    comm.deliver({ v: 1, type: "polled", page: channel.page, newest: 0, oldest: 1, probed: true });
    expect(polls(comm)).toMatchObject([{ pull: false }, { pull: true }]);
    comm.deliver({ v: 1, type: "polled", page: channel.page, newest: 0, oldest: 1, probed: true });
    vi.advanceTimersByTime(60_000);
    expect(polls(comm).length).toBe(2); // nothing is expected
    vi.useRealTimers();
  });

  it("says that the kernel is gone, until it is there again", () => {
    const [comm, channel] = connected(1);
    const quiet = vi.spyOn(console, "warn").mockImplementation(() => {});
    const send = comm.send.bind(comm);
    comm.send = () => {
      throw new Error("Cannot send");
    };
    channel.send({ type: "press", action: "play" });
    expect(channel.problem).toContain("run the cell again");
    comm.send = send;
    channel.send({ type: "press", action: "play" });
    expect(channel.problem).toBeNull();
    quiet.mockRestore();
  });

  it("reports once that the kernel is gone, and again after it was back", () => {
    const [comm, channel] = connected(1);
    const quiet = vi.spyOn(console, "warn").mockImplementation(() => {});
    const send = comm.send.bind(comm);
    const broken = () => {
      throw new Error("Cannot send");
    };
    let reports = 0;
    channel.onGone(() => {
      reports += 1;
      channel.send({ type: "press", action: "play" }); // a callback may send something itself
    });
    comm.send = broken;
    for (let n = 0; n < 3; n++) channel.send({ type: "press", action: "play" });
    expect(reports).toBe(1);
    comm.send = send;
    channel.send({ type: "press", action: "play" });
    comm.send = broken;
    channel.send({ type: "press", action: "play" });
    expect(reports).toBe(2);
    quiet.mockRestore();
  });

  it("leaves once without a view, hears nothing meanwhile, and comes back as a new page", () => {
    vi.useFakeTimers();
    const [comm, channel, seen] = connected(1);
    const former = channel.page;
    channel.leave();
    channel.leave();
    expect(comm.sent.filter((m) => m.content.type === "bye").length).toBe(1);
    const count = comm.sent.length;
    comm.deliver(audio(1));
    vi.advanceTimersByTime(10_000);
    expect(comm.sent.length).toBe(count);
    expect(channel.ready).toBe(false);
    channel.comeBack();
    expect(channel.page).not.toBe(former);
    expect(comm.sent.at(-1)?.content).toMatchObject({ type: "hello", page: channel.page });
    const { page } = channel;
    comm.deliver({ v: 1, type: "welcome", page, start: 2, owner: page, problem: null });
    comm.deliver(audio(2));
    expect(seen).toEqual([2]);
    vi.useRealTimers();
  });

  it("survives a handler that throws", () => {
    const [comm, channel, seen] = connected(1);
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    channel.on("stop", () => {
      throw new Error("handler");
    });
    comm.deliver({ v: 1, type: "stop", fade_ms: 1, seq: 1, to: null });
    comm.deliver(audio(2));
    expect(seen).toEqual([2]);
    expect(quiet).toHaveBeenCalledOnce();
    quiet.mockRestore();
  });
});

describe("the messages", () => {
  it("read every golden message", () => {
    for (const message of golden.to_page) expect(parse(message)?.type).toBe(message.type);
    expect([...PROBE]).toEqual(golden.probe);
  });

  it("refuse other versions and types", () => {
    expect(parse({ v: 2, type: "stop", fade_ms: 1 })).toBeNull();
    expect(parse({ v: 1, type: "nonsense" })).toBeNull();
    expect(parse("text")).toBeNull();
  });

  it("take buffers of any kind, unaligned too", () => {
    const raw = new Uint8Array([9, 1, 2, 3]).buffer;
    for (const buffer of [new DataView(raw, 1, 2), new Uint8Array(raw, 1, 2), raw.slice(1, 3)]) {
      expect([...bytesOf(buffer)]).toEqual([1, 2]);
    }
    expect(bytesOf(undefined).length).toBe(0);
  });
});
