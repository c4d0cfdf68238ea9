import { describe, expect, it, vi } from "vitest";
import golden from "../../tests/wire/bridge.json";
import { Channel, MOVED_MS } from "../src/channel";
import { bytesOf, PROBE, parse } from "../src/protocol";
import { FakeComm, show } from "./fake-comm";

const HELLO = () => ({ build: "b", host: "other", secure: true, microphone: "ask", worklet: true });

/** A page with a view, that has said hello. */
function greeting(comm = new FakeComm(), parts?: string[]): [FakeComm, Channel, number[], () => void] {
  const channel = new Channel(comm, HELLO, new AbortController().signal, parts);
  const seen: number[] = [];
  channel.part().on("stream-audio", (m) => seen.push(m.first));
  return [comm, channel, seen, show(channel)];
}

function connected(start = 1, parts?: string[]): ReturnType<typeof greeting> {
  const made = greeting(new FakeComm(), parts);
  made[0].welcome(start);
  return made;
}

const polls = (comm: FakeComm) => comm.of("poll");

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
    const [comm, , seen] = greeting();
    comm.deliver(audio(2));
    comm.deliver(audio(3));
    comm.welcome(3);
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
    comm.deliver({ v: 1, type: "welcome", page: "somebody else", start: 99, owners: {}, problem: "no" });
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
    expect(comm.of("bye").length).toBe(1);
    comm.welcome(102);
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
    channel.part().on("compare", (_m, bytes) => got.push([...bytes]));
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

  it("says that the kernel is gone, once, until it has answered again", () => {
    vi.useFakeTimers();
    const [comm, channel] = connected(1);
    const quiet = vi.spyOn(console, "warn").mockImplementation(() => {});
    let reports = 0;
    let welcomes = -1;
    channel.onWelcome(() => welcomes++);
    channel.onGone(() => {
      reports += 1;
      channel.send({ type: "press", action: "play" }); // a callback may send something itself
    });
    comm.broken = true;
    for (let n = 0; n < 3; n++) channel.send({ type: "press", action: "play" });
    expect([reports, channel.ready, channel.lost]).toEqual([1, false, true]);
    expect(channel.trouble).toMatchObject({ urgent: true });
    expect(channel.trouble?.text).toContain("run the cell again");
    comm.broken = false; // which proves nothing yet
    vi.advanceTimersByTime(3100);
    expect(channel.lost).toBe(true);
    comm.welcome();
    expect([channel.ready, channel.lost, channel.trouble, welcomes]).toEqual([true, false, null, 1]);
    comm.broken = true;
    channel.send({ type: "press", action: "play" });
    expect(reports).toBe(2);
    quiet.mockRestore();
    vi.useRealTimers();
  });

  it("P2 knows at once that no kernel answers where the host says that it is idle, or none", () => {
    vi.useFakeTimers();
    const comm = new FakeComm();
    comm.widget_manager = { kernel: { status: "idle", connectionStatus: "connected" } };
    const [, channel] = greeting(comm);
    expect(channel.trouble).toBeNull();
    vi.advanceTimersByTime(2100);
    expect([channel.lost, channel.trouble?.urgent]).toEqual([true, true]);
    const none = new FakeComm();
    none.widget_manager = { kernel: null };
    const [, other] = greeting(none);
    vi.advanceTimersByTime(60);
    expect(other.lost).toBe(true);
    vi.useRealTimers();
  });

  it("P3 takes a restart for a loss even though nothing was sent", () => {
    vi.useFakeTimers();
    const comm = new FakeComm();
    const kernel = { status: "idle", connectionStatus: "connected" };
    comm.widget_manager = { kernel };
    const [, channel] = greeting(comm);
    comm.welcome();
    kernel.status = "restarting";
    vi.advanceTimersByTime(60);
    kernel.status = "idle";
    vi.advanceTimersByTime(60);
    expect([channel.lost, channel.ready]).toEqual([true, false]);
    vi.useRealTimers();
  });

  it("P14 sees a restart that is over before it looks again", () => {
    const comm = new FakeComm();
    const slots = new Set<() => void>();
    const statusChanged = {
      connect: (slot: () => void) => slots.add(slot),
      disconnect: (slot: () => void) => slots.delete(slot),
    };
    const kernel = { status: "idle", connectionStatus: "connected", statusChanged };
    comm.widget_manager = { kernel };
    const life = new AbortController();
    const channel = new Channel(comm, HELLO, life.signal);
    show(channel);
    comm.welcome();
    for (const status of ["autorestarting", "starting", "idle"]) {
      kernel.status = status;
      for (const slot of slots) slot();
    }
    expect(channel.lost).toBe(true);
    life.abort();
    expect(slots.size).toBe(0);
  });

  it("P14 keeps a press for the welcome, and says after two seconds what it waits for", () => {
    vi.useFakeTimers();
    const comm = new FakeComm();
    const kernel = { status: "busy", connectionStatus: "connected" };
    comm.widget_manager = { kernel };
    const [, channel] = greeting(comm);
    const player = channel.part("player");
    player.send({ type: "press", action: "play" });
    expect([player.unanswered, channel.part("takes").unanswered]).toEqual([true, false]);
    expect([comm.of("press").length, channel.trouble]).toEqual([0, null]);
    vi.advanceTimersByTime(2100);
    expect(channel.trouble?.text).toBe("Waiting for the kernel, which is busy with a cell (2 s).");
    const { spoken } = channel.trouble!;
    expect(spoken).toBe("Waiting for the kernel, which is busy with a cell.");
    vi.advanceTimersByTime(4000);
    expect(channel.trouble).toMatchObject({ text: expect.stringContaining("(6 s)"), spoken });
    kernel.connectionStatus = "connecting";
    expect(channel.trouble?.text).toContain("connection to the notebook server");
    kernel.connectionStatus = "connected";
    comm.welcome();
    expect(comm.of("press")).toMatchObject([{ part: "player", action: "play" }]);
    expect(player.unanswered).toBe(true);
    const pings = comm.of("ping").length;
    vi.advanceTimersByTime(100);
    expect(comm.of("ping").length, "what the press brings comes first").toBe(pings);
    vi.advanceTimersByTime(250);
    comm.pong();
    expect([player.unanswered, channel.trouble]).toEqual([false, null]);
    vi.useRealTimers();
  });

  it("sends once more, as another page, what a kernel did not take that had forgotten it", () => {
    vi.useFakeTimers();
    const [comm, channel] = connected(1);
    channel.send({ type: "press", action: "play" });
    vi.advanceTimersByTime(350);
    comm.pong();
    channel.send({ type: "press", action: "stop" });
    const former = channel.page;
    for (let n = 0; n < 2; n++) comm.deliver({ v: 1, type: "unknown", page: former, to: former });
    expect([channel.page === former, channel.ready, comm.of("hello").length]).toEqual([false, false, 2]);
    comm.welcome(9);
    const sent = comm.of("press").filter((message) => message.page === channel.page);
    expect(sent).toMatchObject([{ action: "stop" }]);
    vi.useRealTimers();
  });

  it("P8 goes on where a view comes back soon, else leaves once and comes back as a new page", async () => {
    vi.useFakeTimers();
    const [comm, channel, seen, hide] = connected(1);
    const former = channel.page;
    const order: string[] = [];
    channel.onHidden(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100)); // the last words of a recording
      channel.send({ type: "played" } as never);
      order.push("hidden");
    });
    channel.onEnd(() => order.push("end"));
    hide();
    vi.advanceTimersByTime(MOVED_MS - 100);
    const hideAgain = show(channel);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([channel.page, channel.ready, comm.of("bye").length, order]).toEqual([former, true, 0, []]);
    hideAgain();
    await vi.advanceTimersByTimeAsync(MOVED_MS + 200);
    expect(order).toEqual(["hidden", "end"]);
    expect(comm.sent.slice(-2).map((m) => m.content.type)).toEqual(["played", "bye"]);
    const count = comm.sent.length;
    comm.deliver(audio(1));
    channel.send({ type: "press", action: "play" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect([comm.sent.length, channel.ready]).toEqual([count, false]);
    show(channel);
    expect(channel.page).not.toBe(former);
    expect(comm.sent.at(-1)?.content).toMatchObject({ type: "hello", page: channel.page });
    comm.welcome(2);
    comm.deliver(audio(2));
    expect(seen).toEqual([2]);
    vi.useRealTimers();
  });

  it("is no page before a view shows the widget", () => {
    const comm = new FakeComm();
    const channel = new Channel(comm, HELLO, new AbortController().signal);
    expect(comm.sent).toEqual([]);
    show(channel);
    expect(comm.of("hello").length).toBe(1);
  });

  it("hands each part its own messages, also where their pieces come interleaved", () => {
    const [comm, channel] = connected(1, ["", "player", "takes"]);
    expect(comm.of("hello")[0]?.parts).toEqual(["", "player", "takes"]);
    const got: [string, number[]][] = [];
    for (const name of ["player", "takes"])
      channel.part(name).on("compare", (_m, bytes) => got.push([name, [...bytes]]));
    const piece = (seq: number, ...bytes: number[]) =>
      comm.deliver({ v: 1, type: "piece", seq, to: null }, new Uint8Array(bytes));
    const last = (seq: number, part: string, ...bytes: number[]) =>
      comm.deliver(
        { v: 1, type: "compare", part, slot: "a", label: "", sample_rate: 8000, seq, to: null },
        new Uint8Array(bytes),
      );
    // Numbers are given to a message and its pieces in one go; on the way they may come in any order.
    piece(3, 30);
    last(2, "player", 11);
    last(4, "takes", 31);
    piece(1, 10);
    expect(got).toEqual([
      ["player", [10, 11]],
      ["takes", [30, 31]],
    ]);
  });

  it("knows the owner of each part", () => {
    const [comm, channel] = greeting(new FakeComm(), ["player", "microphone"]);
    comm.welcome(1, channel.page, { player: channel.page, microphone: "another" });
    expect([channel.part("player").isOwner, channel.part("microphone").isOwner]).toEqual([true, false]);
    comm.kernel("owner", { part: "microphone", page: channel.page });
    comm.kernel("owner", { part: "player", page: "another" });
    expect([channel.part("player").isOwner, channel.part("microphone").isOwner]).toEqual([false, true]);
  });

  it("survives a handler that throws", () => {
    const [comm, channel, seen] = connected(1);
    const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
    channel.part().on("stop", () => {
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
