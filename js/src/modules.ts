/**
 * The widgets' modules that this page has loaded. The kernel sends a module with the first widget of a kind only; the
 * next ones bring a small one (src/loader.ts), which takes it from here. Hosts evaluate each widget's module on its own,
 * so the page's global object is the only place that all of them see.
 */

/** The default export of a widget: what a host calls for the functions that drive it. */
export type Factory = () => {
  initialize(context: { model: unknown; signal?: AbortSignal }): () => void;
  render(context: { el: HTMLElement; signal?: AbortSignal }): () => void;
};

interface Entry {
  factory: Factory | null;
  /** Under way at the moment: several widgets of a kind may bring the module at once. */
  loading: Promise<void> | null;
  waiting: ((factory: Factory) => void)[];
}

const SHARED = Symbol.for("smallest_nb.modules");

function entry(key: string): Entry {
  const page = globalThis as { [SHARED]?: Map<string, Entry> };
  page[SHARED] ??= new Map();
  const known = page[SHARED].get(key) ?? { factory: null, loading: null, waiting: [] };
  page[SHARED].set(key, known);
  return known;
}

/** Offer a module to other widgets of the same kind and build. */
export function offer(name: string, factory: Factory): void {
  const known = entry(`${name}@${__BUILD__}`);
  known.factory = factory;
  for (const waiting of known.waiting.splice(0)) waiting(factory);
}

/** Return a module if the page has it. */
export function find(key: string): Factory | null {
  return entry(key).factory;
}

/** Load a module unless the page has it or loads it already; `load` ends when it was offered, or cannot be. */
export async function loadOnce(key: string, load: () => Promise<void>): Promise<void> {
  const known = entry(key);
  if (known.factory) return;
  known.loading ??= load().finally(() => {
    known.loading = null;
  });
  await known.loading;
}

/** Call once the page has a module. */
export function whenFound(key: string, found: (factory: Factory) => void): void {
  const known = entry(key);
  if (known.factory) found(known.factory);
  else known.waiting.push(found);
}
