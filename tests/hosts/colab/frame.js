// An output frame: one manager of its own, models made when they are displayed, widget modules loaded and driven as
// anywidget does it (0.9.21, which Colab ships, has neither `signal` nor `host`; `afm=0.11` has a signal).
const rules = Object.fromEntries(new URLSearchParams(location.search));
const LOAD_MS = 2000;
if (rules.colab) window.google = { colab: { kernel: { accessAllowed: true } } };
if (rules.vscode) document.body.dataset.vscodeThemeKind = "vscode-dark";

const models = new Map(); // id -> promise of a model
const asked = new Map(); // id -> resolves with a state

class Model {
  #changed = new Set();
  #listeners = new Map();
  constructor(id, state) {
    this.id = id;
    this.state = state;
  }
  get(name) {
    return this.state[name];
  }
  set(name, value) {
    this.state[name] = value;
    this.#changed.add(name);
    this.emit(`change:${name}`, this, value);
  }
  save_changes() {
    const state = Object.fromEntries([...this.#changed].map((name) => [name, this.state[name]]));
    this.#changed.clear();
    this.#post({ method: "update", state, buffer_paths: [] }, []);
  }
  on(event, callback) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(callback);
  }
  off(event, callback) {
    if (callback) this.#listeners.get(event)?.delete(callback);
    else this.#listeners.delete(event);
  }
  emit(event, ...args) {
    for (const callback of [...(this.#listeners.get(event) ?? [])]) callback(...args);
  }
  send(content, _callbacks, buffers = []) {
    this.#post({ method: "custom", content }, buffers);
  }
  #post(data, buffers) {
    const bytes = buffers.map((b) => (b instanceof ArrayBuffer ? new Uint8Array(b) : new Uint8Array(b.buffer, b.byteOffset, b.byteLength)).slice());
    const plain = JSON.parse(JSON.stringify(data));
    window.parent.postMessage({ type: "send", id: this.id, data: plain, buffers: bytes }, "*");
  }
  receive(data, buffers) {
    if (data.method === "custom") {
      // Colab's manager hands over bytes; VS Code makes an array of numbers of each message on its way.
      const arrive = (b) => (rules.vscode ? new DataView(Uint8Array.from(Array.apply(null, new Uint8Array(b))).buffer) : new Uint8Array(b));
      this.emit("msg:custom", data.content, buffers.map(arrive));
    } else if (data.method === "update") {
      const news = Object.entries(data.state).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(this.state[name]));
      Object.assign(this.state, data.state);
      for (const [name, value] of news) this.emit(`change:${name}`, this, value);
      if (news.length) this.emit("change", this);
    }
  }
}

window.addEventListener("message", async ({ data: { type, id, data, buffers } }) => {
  if (type === "state") asked.get(id)?.(data);
  else if (models.has(id)) {
    const model = await models.get(id);
    if (type === "comm_close") model.emit("comm:close");
    else model.receive(data, buffers);
  }
});

function model(id) {
  if (!models.has(id)) models.set(id, make(id));
  return models.get(id);
}

async function make(id) {
  const state = await new Promise((resolve) => {
    asked.set(id, resolve);
    window.parent.postMessage({ type: "state", id }, "*");
  });
  if (state === null) throw new Error(`no model ${id}: its comm was never heard of`);
  const made = new Model(id, state);
  if (state._esm === undefined) return made;
  const url = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
  const late = new Promise((_, reject) => setTimeout(reject, LOAD_MS, new Error("initialize took too long")));
  const { default: exported } = await Promise.race([import(url), late]);
  made.widget = typeof exported === "function" ? await exported() : exported;
  const signal = rules.afm === "0.11" ? { signal: new AbortController().signal } : {};
  await Promise.race([made.widget.initialize?.({ model: made, experimental: {}, ...signal }), late]);
  return made;
}

async function view(id) {
  const made = await model(id);
  const element = document.createElement("div");
  element.dataset.model = made.get("_model_name");
  if (!made.widget) throw new Error(`${element.dataset.model} is no anywidget`);
  const style = document.createElement("style");
  style.textContent = made.get("_css") ?? "";
  element.append(style);
  await made.widget.render?.({ model: made, el: element, experimental: {} });
  return element;
}

const tell = (error) => window.parent.postMessage({ type: "error", text: String(error?.message ?? error) }, "*");
window.addEventListener("error", (event) => tell(event.error ?? event.message));
window.addEventListener("unhandledrejection", (event) => tell(event.reason));
document.body.append(await view(location.hash.slice(1)));
