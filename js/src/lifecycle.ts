/** One AbortController per model and per view; works with and without the host's own `signal` (anywidget 0.9.21 has none). */

export class Lifecycle {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;

  constructor(host?: AbortSignal) {
    host?.addEventListener("abort", () => this.end());
  }

  end = (): void => {
    this.#controller.abort();
  };
}
