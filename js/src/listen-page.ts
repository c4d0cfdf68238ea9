/** The page behind a link: the same test as in the notebook; trials and sounds come from the machine that serves it. */
import "./listen-page.css";
import { ListeningEngine, mountListening } from "./components/listening";
import type { Outcome, TrialAnswer, TrialSound, TrialSource, TrialState } from "./components/trial-source";
import { h } from "./dom";
import { recall, remember } from "./memory";

const TRIES = 5;
const RETRY_MS = 1000;
const AWAY =
  "The machine that serves this test cannot be reached. What you have answered is kept; load the page later.";

/** What the server refused, in its words. */
class Refusal extends Error {}

class ServedTrials implements TrialSource {
  state: TrialState | null;
  outcome: Outcome = {};
  error = "";
  readonly ready = true;
  #changed: (() => void)[] = [];
  #silence: (() => void)[] = [];

  constructor(
    readonly listener: string,
    state: TrialState,
  ) {
    this.state = state;
    addEventListener("pagehide", () => {
      for (const silence of this.#silence) silence();
    });
  }

  onChange(changed: () => void): void {
    this.#changed.push(changed);
  }

  onSilence(silence: () => void): void {
    this.#silence.push(silence);
  }

  async sound(trial: number, place: number): Promise<TrialSound> {
    const bytes = await (await ask("sound", { listener: this.listener, trial, place })).arrayBuffer();
    return { sampleRate: new DataView(bytes).getUint32(0, true), bytes: new Uint8Array(bytes, 4) };
  }

  begin(): void {
    void this.#act("begin", {});
  }

  next(): void {}

  answer(answer: TrialAnswer): void {
    void this.#act("answer", { ...answer });
  }

  sounds(): void {}

  async #act(action: string, data: object): Promise<void> {
    try {
      this.state = await stateOf(action, { ...data, listener: this.listener });
      this.error = "";
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
    if (this.state?.phase === "done") remember(memory, "");
    for (const changed of this.#changed) changed();
  }
}

/** Ask the server; a request that does not get there is sent again, and counts once however often it came. */
async function ask(action: string, data: object): Promise<Response> {
  const body = JSON.stringify(data);
  for (let left = TRIES; ; left--) {
    try {
      const response = await fetch(action, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
      });
      if (response.ok) return response;
      throw new Refusal(((await response.json()) as { error: string }).error);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      if (left <= 1) throw new Error(AWAY);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function stateOf(action: string, data: object): Promise<TrialState> {
  return ((await (await ask(action, data)).json()) as { state: TrialState }).state;
}

const memory = `listener.${location.pathname}`;
const main = document.getElementById("test") as HTMLElement;

function begin(listener: string, state: TrialState): void {
  const life = new AbortController();
  main.replaceChildren();
  mountListening(new ListeningEngine(new ServedTrials(listener, state), life.signal), main, life.signal);
}

function askName(): void {
  const name = h("input", {
    class: "snb-field",
    maxlength: "60",
    required: true,
    autocomplete: "off",
    id: "name",
  });
  const error = h("div", { class: "snb-error", role: "alert" });
  const form = h(
    "form",
    { class: "snb snb-frame snb-listen-name" },
    h("label", { for: "name" }, "Your name, or any name: nothing else is kept of you."),
    h("div", {}, name, h("button", { class: "snb-button snb-primary", type: "submit" }, "Go on")),
    error,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    stateOf("state", { listener: name.value, new: true }).then(
      (state) => {
        remember(memory, state.listener);
        begin(state.listener, state);
      },
      (problem: Error) => {
        error.textContent = problem.message;
      },
    );
  });
  main.replaceChildren(form);
  name.focus();
}

const known = recall(memory);
if (known) stateOf("state", { listener: known }).then((state) => begin(known, state), askName);
else askName();
