// The page of a notebook host: runs cells, keeps what the comms say, and lets output frames have what the host's rules
// let through. The rules are in the address; the test reads and drives `window.host`.
const rules = Object.fromEntries(new URLSearchParams(location.search));
const socket = new WebSocket(`ws://${location.host}/kernel`);
socket.binaryType = "arraybuffer";

const host = {
  // How messages of threads come whose cell or handler is over: "push" at once, "drop" never, "hold" with the next one.
  late: rules.late ?? "push",
  ready: false,
  sent: {}, // messages of ours to the kernel, by type
  got: {}, // and to the frames
  lost: 0, // messages dropped or held back
  largest: 0, // bytes of the largest buffer, either way
  cells: {},
  errors: [],
  run,
  remove: (cell) => host.cells[cell].element.remove(),
};
window.host = host;

const states = new Map(); // comm id -> the state that a model is made from
const frames = new Map(); // window -> comm ids of its models
const running = new Set(); // requests that the kernel has begun and not ended
let held = [];
let partial = null;

socket.onmessage = ({ data }) => {
  if (typeof data === "string") {
    partial = { ...JSON.parse(data), buffers: [] };
  } else partial.buffers.push(data);
  if (partial.buffers.length === partial.count) receive(partial);
};

function receive(message) {
  const { type, parent, content } = message;
  if (type === "ready") host.ready = true;
  else if (type === "status") {
    if (content.execution_state === "busy") {
      running.add(parent);
      const waiting = held;
      held = [];
      for (const one of waiting) deliver(one);
    } else if (content.execution_state === "idle") {
      running.delete(parent);
      if (host.cells[parent]) host.cells[parent].done = true;
    }
  } else if (type.startsWith("comm_")) {
    if (host.late === "push" || running.has(parent)) deliver(message);
    else {
      host.lost += 1;
      if (host.late === "hold") held.push(message);
    }
  } else if (type === "error") host.errors.push(`${content.ename}: ${content.evalue}`);
  else if (type === "display_data" || type === "execute_result") {
    const view = content.data["application/vnd.jupyter.widget-view+json"];
    if (view && host.cells[parent]) show(host.cells[parent], view.model_id);
  }
}

function deliver({ type, content, buffers }) {
  const id = content.comm_id;
  const data = content.data;
  if (type === "comm_open") states.set(id, data.state);
  else if (type === "comm_close") states.delete(id);
  if (data?.method === "update") Object.assign(states.get(id) ?? {}, data.state);
  if (data?.method === "custom") count(host.got, data.content?.type);
  for (const buffer of buffers) host.largest = Math.max(host.largest, buffer.byteLength);
  if (type === "comm_open") return; // a model is made when it is displayed, not before
  for (const [frame, models] of frames) {
    if (models.has(id)) frame.postMessage({ type, id, data: JSON.parse(JSON.stringify(data ?? {})), buffers }, "*");
  }
}

function count(table, kind) {
  table[kind] = (table[kind] ?? 0) + 1;
}

function show(cell, model) {
  const frame = document.createElement("iframe");
  if (rules.allow) frame.allow = rules.allow;
  if (rules.sandbox) frame.setAttribute("sandbox", rules.sandbox);
  frame.style.cssText = "width:100%;height:1350px;border:0";
  const other = location.hostname === "localhost" ? "127.0.0.1" : "localhost"; // another origin, and another site
  frame.src = `http://${other}:${location.port}/frame.html${location.search}#${model}`;
  cell.element.append(frame);
}

function send(message, buffers = []) {
  socket.send(JSON.stringify({ ...message, count: buffers.length }));
  for (const buffer of buffers) socket.send(buffer);
}

window.addEventListener("message", ({ source, data }) => {
  if (data.type === "state") {
    if (!frames.has(source)) frames.set(source, new Set());
    frames.get(source).add(data.id);
    source.postMessage({ type: "state", id: data.id, data: structuredClone(states.get(data.id) ?? null) }, "*");
  } else if (data.type === "send") {
    if (data.data.method === "custom") count(host.sent, data.data.content?.type);
    if (data.data.method === "update") Object.assign(states.get(data.id) ?? {}, data.data.state);
    for (const buffer of data.buffers) host.largest = Math.max(host.largest, buffer.byteLength);
    send({ type: "comm_msg", content: { comm_id: data.id, data: data.data } }, data.buffers);
  } else if (data.type === "error") host.errors.push(data.text);
});

function run(code) {
  const cell = `cell${Object.keys(host.cells).length}`;
  const element = document.createElement("section");
  document.body.append(element);
  host.cells[cell] = { element, done: false };
  send({ type: "execute", cell, content: { code } });
  return cell;
}
