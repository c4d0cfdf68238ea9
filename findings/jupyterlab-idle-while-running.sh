#!/usr/bin/env bash
# @jupyterlab/services 7.6.6 (JupyterLab 4.6.6) with ipykernel 7.4.0: while a cell runs, one message of a widget makes the
# kernel "idle" for JupyterLab, until the next request: its circle is empty and `kernel.status` is idle. The message is
# handled by a subshell, whose "busy" and "idle" are taken for those of the whole kernel.
# Observed 2026-12-01: busy while the cell sleeps; after one message idle, 2 s before the cell ended.
# Unexpected because subshells exist so that widgets answer while a cell runs. What waits for an idle kernel (an extension,
# a test, a person who looks at the circle) goes on too early.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'jupyter_server==2.21.1' 'ipykernel==7.4.0'
(cd "$work" && npm install --silent --no-fund --no-audit '@jupyterlab/services@7.6.6' 'ws@8.18.3')
mkdir "$work/home"
export JUPYTER_CONFIG_DIR="$work/config" JUPYTER_DATA_DIR="$work/data" JUPYTER_RUNTIME_DIR="$work/runtime" JUPYTER_PATH=
cat > "$work/status.cjs" <<'JS'
const { spawn } = require("node:child_process");
const { createServer } = require("node:net");
const { KernelManager, ServerConnection } = require("@jupyterlab/services");
const WebSocket = require("ws");

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
let server;

function freePort() {
  return new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}

(async () => {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}/`;
  const options = ["--no-browser", "--allow-root", "--ServerApp.port_retries=0", "--IdentityProvider.token=abc"];
  server = spawn(process.argv[2], ["server", `--port=${port}`, ...options], { cwd: process.argv[3], stdio: "ignore" });
  const settings = { baseUrl, wsUrl: baseUrl.replace("http", "ws"), token: "abc", WebSocket, fetch, Request, Headers };
  const serverSettings = ServerConnection.makeSettings(settings);
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(`${baseUrl}api/status?token=abc`).then((answer) => answer.ok, () => false)) break;
    await pause(200);
  }
  const kernel = await new KernelManager({ serverSettings }).startNew({ name: "python3" });
  await kernel.info;
  let comm;
  let answered = () => {};
  kernel.registerCommTarget("line", (opened) => {
    comm = opened;
    comm.onMsg = () => answered();
  });
  const answer = () => new Promise((done) => { answered = done; });
  await kernel.requestExecute({
    code: "from ipykernel.comm import Comm\nline = Comm('line')\nline.on_msg(lambda message: line.send({}))",
  }).done;
  await comm.subshellStarted;
  let next = answer();
  comm.send({}); // from its answer on ipykernel hands messages to the subshell that JupyterLab names
  await next;
  let over = false;
  const cell = kernel.requestExecute({ code: "import time; time.sleep(4)" }).done.then(() => { over = true; });
  await pause(1500);
  const before = kernel.status;
  next = answer();
  comm.send({});
  await next;
  await pause(500);
  const after = kernel.status;
  console.log(`a cell sleeps: ${before}; after a message of a widget: ${after}; the cell is ${over ? "over" : "running"}`);
  if (before !== "busy" || after !== "idle" || over) throw new Error("the behaviour has changed");
  await cell;
  await kernel.shutdown();
})()
  .then(() => 0, (error) => (console.error(error), 1))
  .then((code) => {
    server.once("exit", () => process.exit(code));
    server.kill();
  });
JS
(cd "$work" && node --no-warnings status.cjs "$work/venv/bin/jupyter" "$work/home")
