/** What a listener's page keeps to: nothing is answered that was not heard, nothing of another trial is loaded. */
import { describe, expect, it, vi } from "vitest";
import type { TrialAnswer, TrialSound, TrialSource, TrialState } from "../src/components/trial-source";

vi.mock("../src/components/listening.css", () => ({}));
vi.stubGlobal("requestAnimationFrame", (paint: () => void) => setTimeout(paint, 0));
vi.stubGlobal("document", { hidden: false });
const { ListeningEngine } = await import("../src/components/listening");

const STATE: TrialState = {
  kind: "ab",
  phase: "test",
  listener: "Ada",
  trial: 0,
  place: 1,
  training: 0,
  total: 2,
  places: ["A", "B"],
};

class Trials implements TrialSource {
  state: TrialState | null = STATE;
  outcome = {};
  error = "";
  ready = true;
  answers: TrialAnswer[] = [];
  asked: [number, number, (sound: TrialSound) => void][] = [];
  changed = () => {};

  onChange(changed: () => void): void {
    this.changed = changed;
  }
  onSilence(): void {}
  begin(): void {}
  next(): void {}
  sounds(): void {}
  answer(answer: TrialAnswer): void {
    this.answers.push(answer);
  }
  sound(trial: number, place: number): Promise<TrialSound> {
    return new Promise((resolve) => this.asked.push([trial, place, resolve]));
  }
  async deliver(): Promise<void> {
    const [, , resolve] = this.asked.at(-1)!;
    resolve({ sampleRate: 8000, bytes: new Uint8Array(16000) });
    await new Promise((done) => setTimeout(done, 0));
  }
}

function made() {
  const trials = new Trials();
  const life = new AbortController();
  const engine = new ListeningEngine(trials, life.signal);
  return { trials, engine, end: () => life.abort() };
}

describe("ListeningEngine", () => {
  it("asks for one sound after the other, and drops those of a trial that is over", async () => {
    const { trials, engine, end } = made();
    expect(trials.asked.map(([trial, place]) => [trial, place])).toEqual([[0, 0]]);
    await trials.deliver();
    expect(trials.asked.map(([trial, place]) => [trial, place])).toEqual([
      [0, 0],
      [0, 1],
    ]);
    trials.state = { ...STATE, trial: 1, place: 2 };
    trials.changed();
    const late = trials.asked[1]!;
    late[2]({ sampleRate: 8000, bytes: new Uint8Array(80) });
    await new Promise((done) => setTimeout(done, 0));
    expect(engine.playback.coverage).toHaveLength(0);
    await trials.deliver();
    await trials.deliver();
    expect(engine.playback.duration).toBe(1);
    end();
  });

  it("takes no answer before every sound was heard, and sends it once", async () => {
    const { trials, engine, end } = made();
    await trials.deliver();
    await trials.deliver();
    engine.choose(0, 1);
    engine.next();
    expect(engine.values).toEqual([null]);
    engine.playback.coverage[0]!.add(0, 1);
    engine.choose(0, 1);
    expect(engine.complete).toBe(false);
    engine.playback.coverage[1]!.add(0, 1);
    engine.choose(0, 1);
    engine.next();
    engine.next();
    engine.choose(0, 0);
    expect(trials.answers.map(({ values, heard }) => [values, heard])).toEqual([[[1], [true, true]]]);
    end();
  });

  it("can be answered again when the answer was refused", async () => {
    const { trials, engine, end } = made();
    await trials.deliver();
    await trials.deliver();
    for (const one of engine.playback.coverage) one.add(0, 1);
    engine.choose(0, 0);
    engine.next();
    trials.error = "The answer could not be kept.";
    trials.changed();
    engine.next();
    expect(trials.answers).toHaveLength(2);
    end();
  });
});
