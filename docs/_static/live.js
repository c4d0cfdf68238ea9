// Wakes the boxes of the directive `live` up: the widgets' own bundles, and behind them, in place of a kernel, a tape
// (docs/_ext/tapes.py). Everything comes from this site.
const FADE_MS = 15;
const FOLDER = new URL("live/", import.meta.url);
const SORRY = "This page replays a recording: there is no kernel here that could do that.";
const tapes = [];

/** The part of anywidget's model that our bundles use. */
class Model {
  #traits;
  #before;
  #listeners = new Map();

  constructor(traits, hear) {
    this.#traits = structuredClone(traits);
    this.#before = traits;
    this.hear = hear;
    this.seq = 0;
  }

  get(name) {
    return this.#traits[name];
  }

  set(name, value) {
    if (JSON.stringify(this.#traits[name]) === JSON.stringify(value)) return;
    this.#traits[name] = value;
    this.#emit(`change:${name}`, this, value);
  }

  save_changes() {}

  on(event, callback) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(callback);
  }

  off(event, callback) {
    this.#listeners.get(event)?.delete(callback);
  }

  send(content) {
    setTimeout(() => this.hear(this, content)); // never at once, as from a real kernel
  }

  /** To the page; what belongs to a row has its number in it. */
  tell(message, buffers = [], numbered = true) {
    const seq = numbered ? ++this.seq : null;
    this.#emit("msg:custom", { v: 1, ...message, seq, to: null }, buffers);
  }

  /** What was switched on when a tape was stopped is off again. */
  settle() {
    for (const [name, value] of Object.entries(this.#before)) if (value === false) this.set(name, false);
  }

  #emit(event, ...args) {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) callback(...args);
  }
}

/** Stands where the kernel was, for the widgets of one tape: knows what it said, and when. */
class Tape {
  #events;
  #sound;
  #next = 0;
  #began = 0;
  #held = null;
  #timer = null;
  #plays = 0;

  constructor({ models, events }, sound) {
    this.#events = events;
    this.#sound = sound;
    this.widgets = models.map(({ bundle, traits }) => ({
      bundle,
      model: new Model(traits, (model, content) => this.#hear(model, content)),
    }));
  }

  #hear(model, content) {
    const { type, page, action, state } = content;
    if (type === "hello") {
      const message = { type: "welcome", page, start: model.seq + 1, owners: { "": page }, problem: null };
      model.tell(message, [], false);
    } else if (type === "ping") {
      model.tell({ type: "pong", page, t: content.t, k: performance.now() }, [], false);
    } else if (type === "press") {
      if (action === "play" || action === "replay") this.#play();
      else this.stop();
    } else if (type === "played") this.#hold(state === "paused");
    else if (type === "bye") this.stop();
    else if (type !== "poll") model.set("error", SORRY);
  }

  #play() {
    for (const tape of tapes) tape.stop(); // one sounds at a time
    this.#plays += 1;
    this.#next = 0;
    this.#began = performance.now();
    for (const { model } of this.widgets) model.set("error", "");
    this.#run();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#next = this.#events.length;
    this.#held = null;
    for (const { model } of this.widgets) {
      model.tell({ type: "stop", fade_ms: FADE_MS });
      model.settle();
    }
  }

  /** While the sound is paused, what was said with it waits. */
  #hold(paused) {
    if (paused && this.#held === null) {
      clearTimeout(this.#timer);
      this.#held = performance.now();
    } else if (!paused && this.#held !== null) {
      this.#began += performance.now() - this.#held;
      this.#held = null;
      this.#run();
    }
  }

  #run() {
    const now = performance.now() - this.#began;
    while (this.#next < this.#events.length && this.#events[this.#next][0] <= now) {
      this.#give(this.#events[this.#next++]);
    }
    if (this.#next === this.#events.length) return;
    this.#timer = setTimeout(() => this.#run(), this.#events[this.#next][0] - now);
  }

  /** Streams have names of their own each time: the page knows those that it had. */
  #give([, number, kind, what, place]) {
    const { model } = this.widgets[number];
    const fresh = (message) => (message?.stream ? { ...message, stream: `${message.stream}.${this.#plays}` } : message);
    if (kind === "msg") {
      const buffers = place ? [new DataView(this.#sound, place[0], place[1])] : [];
      model.tell(fresh(what), buffers);
    } else for (const [name, value] of Object.entries(what)) model.set(name, fresh(value));
  }
}

async function get(name) {
  const answer = await fetch(new URL(name, FOLDER));
  if (!answer.ok) throw new Error(`${name} is not there: ${answer.status}`);
  return answer;
}

/** The widget's own style sheet, once, and its module, as anywidget loads them. */
async function load(bundle) {
  const sheet = new URL(`${bundle}.css`, FOLDER).href;
  if (!document.querySelector(`link[href="${sheet}"]`)) {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: sheet });
    document.head.append(link);
    await new Promise((loaded) => link.addEventListener("load", loaded, { once: true }));
  }
  const made = (await import(new URL(`${bundle}.js`, FOLDER))).default;
  return typeof made === "function" ? made() : made;
}

async function wake(box) {
  const name = box.dataset.tape;
  const [recorded, sound] = await Promise.all([
    get(`${name}.json`).then((answer) => answer.json()),
    get(`${name}.bin`).then((answer) => answer.arrayBuffer()),
  ]);
  const stage = document.createElement("div");
  stage.className = "snb-live-stage";
  for (const tape of recorded.tapes.map((each) => new Tape(each, sound))) {
    tapes.push(tape);
    for (const { bundle, model } of tape.widgets) {
      const widget = await load(bundle);
      const el = stage.appendChild(document.createElement("div"));
      await widget.initialize({ model });
      await widget.render({ model, el });
    }
  }
  box.querySelector(".snb-live-stage").replaceWith(stage);
  box.dataset.awake = "true";
}

for (const box of document.querySelectorAll(".snb-live")) {
  // What stands in the box until now is true without a script too.
  wake(box).catch((error) => console.error("[smallest_nb] the recording cannot be shown", error));
}
