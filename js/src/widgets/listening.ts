/** The ListeningTest: trials and sounds come from the kernel. */
import type { Model, PartChannel } from "../channel";
import { ListeningEngine, mountListening } from "../components/listening";
import type { Outcome, TrialAnswer, TrialSound, TrialSource, TrialState } from "../components/trial-source";
import { observe, widget } from "../lifecycle";

interface Waiting {
  trial: number;
  place: number;
  resolve: (sound: TrialSound) => void;
}

class KernelTrials implements TrialSource {
  #waiting = new Map<string, Waiting>();
  #changed: (() => void)[] = [];
  #silence: (() => void)[] = [];

  constructor(
    readonly model: Model,
    readonly channel: PartChannel,
    signal: AbortSignal,
  ) {
    channel.on("compare", (m, bytes) => {
      this.#waiting.get(m.slot)?.resolve({ sampleRate: m.sample_rate, bytes });
      this.#waiting.delete(m.slot);
      this.#expect();
    });
    channel.on("owner", () => {
      if (!channel.isOwner) for (const silence of this.#silence) silence();
    });
    channel.onWelcome(() => {
      for (const { trial, place } of this.#waiting.values()) this.#ask(trial, place); // what a former page asked for is gone
      this.#tell();
    });
    channel.onGone(() => this.#tell());
    channel.onHidden(() => {
      for (const silence of this.#silence) silence();
    });
    observe(model, ["trial", "outcome", "error"], signal, () => this.#tell());
  }

  get state(): TrialState | null {
    const state = this.model.get("trial") as TrialState | null;
    return state?.kind ? state : null;
  }

  get outcome(): Outcome {
    return (this.model.get("outcome") as Outcome | null) ?? {};
  }

  get error(): string {
    return String(this.model.get("error") ?? "");
  }

  get ready(): boolean {
    return this.channel.ready;
  }

  onChange(changed: () => void): void {
    this.#changed.push(changed);
  }

  onSilence(silence: () => void): void {
    this.#silence.push(silence);
  }

  sound(trial: number, place: number): Promise<TrialSound> {
    return new Promise((resolve) => {
      this.#waiting.clear(); // a sound that another trial waited for is not wanted any more
      this.#waiting.set(`${trial}:${place}`, { trial, place, resolve });
      if (this.channel.ready) this.#ask(trial, place);
      this.#expect();
    });
  }

  begin(): void {
    this.channel.send({ type: "act", action: "begin", text: "" });
  }

  next(): void {
    this.channel.send({ type: "act", action: "next", text: "" });
  }

  answer(answer: TrialAnswer): void {
    this.channel.send({ type: "act", action: "answer", text: JSON.stringify(answer) });
  }

  sounds(): void {
    this.channel.send({ type: "press", action: "play" });
  }

  #ask(trial: number, place: number): void {
    this.channel.send({ type: "act", action: "sound", text: JSON.stringify({ trial, place }) });
  }

  #expect(): void {
    this.channel.expect(this.#waiting.size > 0 ? "something" : "nothing");
  }

  #tell(): void {
    for (const changed of this.#changed) changed();
  }
}

export default widget(
  (model, channel, signal) => new ListeningEngine(new KernelTrials(model, channel, signal), signal),
  mountListening,
);
