/** Finds the host's theme and writes it as `data-theme` on our root, now and when it changes. */

function hostTheme(): "light" | "dark" {
  const body = document.body;
  const lab = body.getAttribute("data-jp-theme-light");
  if (lab !== null) return lab === "true" ? "light" : "dark";
  const code = body.getAttribute("data-vscode-theme-kind");
  if (code !== null) return code.includes("light") ? "light" : "dark";
  const html = document.documentElement;
  const named =
    html.getAttribute("theme") ?? html.getAttribute("data-theme") ?? body.getAttribute("data-theme");
  if (named === "dark" || named === "light") return named;
  if (html.classList.contains("dark") || body.classList.contains("dark")) return "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function followTheme(root: HTMLElement, signal: AbortSignal, changed: () => void = () => {}): void {
  const apply = () => {
    const theme = hostTheme();
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    changed();
  };
  apply();
  const observer = new MutationObserver(apply);
  for (const element of [document.body, document.documentElement]) {
    observer.observe(element, { attributes: true });
  }
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", apply, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
}
