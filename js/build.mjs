// Builds the front ends into smallest_nb/notebook/static: one self-contained module and style sheet per widget.
// Worklets are compiled on their own and inlined as text, because a module loaded from a blob cannot import siblings.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, "../smallest_nb/notebook/static");
const WIDGETS = [
  "tuner",
  "transcriber",
  "conversation",
  "listening",
  "player",
  "microphone",
  "transcript-view",
  "settings",
  "doctor",
];
const LIMIT_BYTES = 96_000;

async function bundleWorklet(path) {
  const result = await build({
    entryPoints: [path],
    bundle: true,
    format: "iife",
    target: "es2022",
    minify: true,
    write: false,
  });
  return result.outputFiles[0].text;
}

/** `import source from "./x.worklet.ts?worklet"` gives the built worklet as text, to esbuild and to vitest alike. */
export const workletPlugin = {
  esbuild: () => ({
    name: "worklet",
    setup(b) {
      b.onResolve({ filter: /\?worklet$/ }, (args) => ({
        path: resolve(args.resolveDir, args.path.replace(/\?worklet$/, "")),
        namespace: "worklet",
      }));
      b.onLoad({ filter: /.*/, namespace: "worklet" }, async (args) => ({
        contents: await bundleWorklet(args.path),
        loader: "text",
        watchFiles: [args.path],
      }));
    },
  }),
  vite: () => ({
    name: "worklet",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith("?worklet")) return null;
      return `export default ${JSON.stringify(await bundleWorklet(id.replace(/\?worklet$/, "")))};`;
    },
  }),
};

function filesUnder(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

/** The same hash as hatch_build.py's source_hash. */
function sourceHash() {
  const digest = createHash("sha256");
  const files = [...filesUnder(join(here, "src")), join(here, "build.mjs"), join(here, "package.json")];
  const named = files.map((f) => [relative(here, f).replaceAll("\\", "/"), f]);
  for (const [name, path] of named.sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    digest.update(`${name}\0`).update(readFileSync(path)).update("\0");
  }
  return digest.digest("hex");
}

const ENTRIES = [...WIDGETS.map((name) => `widgets/${name}`), "tab", "listen-page", "loader"];

function options(watch, hash, entry) {
  return {
    entryPoints: [join(here, `src/${entry}.ts`)],
    entryNames: "[name]",
    outdir: out,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: !watch,
    sourcemap: watch ? "inline" : false,
    define: {
      __BUILD__: JSON.stringify(hash.slice(0, 12)),
      __WIDGET__: JSON.stringify(basename(entry)),
      "define.amd": "false",
    },
    plugins: [workletPlugin.esbuild()],
    logLevel: "warning",
  };
}

/** As the kernel sends it with the first widget of a kind; see notebook/widgets/front_end.py. */
function writePacked(name) {
  const css = readdirSync(out).includes(`${name}.css`) ? readFileSync(join(out, `${name}.css`), "utf8") : "";
  const whole = JSON.stringify({ esm: readFileSync(join(out, `${name}.js`), "utf8"), css });
  writeFileSync(join(out, `${name}.packed`), gzipSync(whole, { level: 9 }).toString("base64"));
}

function writeManifest(hash) {
  const files = {};
  for (const name of readdirSync(out).filter((f) => f !== "manifest.json")) {
    const bytes = readFileSync(join(out, name));
    if (bytes.length > LIMIT_BYTES) throw new Error(`${name} has ${bytes.length} bytes, over ${LIMIT_BYTES}`);
    files[name] = createHash("sha256").update(bytes).digest("hex");
    console.log(`${name.padEnd(24)} ${(bytes.length / 1000).toFixed(1)} kB`);
  }
  const manifest = { build: hash.slice(0, 12), source_hash: hash, files };
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const hash = sourceHash();
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  if (process.argv.includes("--watch")) {
    for (const entry of ENTRIES) await (await context(options(true, hash, entry))).watch();
    console.log("watching js/src; run Jupyter with ANYWIDGET_HMR=1");
  } else {
    for (const entry of ENTRIES) await build(options(false, hash, entry));
    for (const name of WIDGETS) writePacked(name);
    writeManifest(hash);
  }
}
