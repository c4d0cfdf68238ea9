/**
 * Names the controls that ipywidgets draws: it puts a label beside a slider or a choice, but the two are
 * not tied together for people who do not see them ("slider, 1.0"). Boxes that hold a label and its control are marked `snb-control`.
 */

const BOX = ".snb-composite";
const UNNAMED = "select, input, textarea, [role='slider']";
const SETTLE_MS = 10_000;

export function nameControls(el: HTMLElement, signal: AbortSignal): void {
  let box: Element | null = null;
  const name = () => {
    for (const control of box?.querySelectorAll(".snb-control") ?? []) {
      const label = control.querySelector(".widget-label")?.textContent?.trim();
      if (!label) continue;
      for (const part of control.querySelectorAll(UNNAMED)) {
        if (!part.hasAttribute("aria-label")) part.setAttribute("aria-label", label);
      }
    }
  };
  const observer = new MutationObserver(name);
  // A view is put into its box after it was drawn, and its neighbours come one by one.
  const find = () => {
    box = el.closest(BOX);
    if (!box) return;
    clearInterval(looking);
    name();
    observer.observe(box, { childList: true, subtree: true });
    box.addEventListener("focusin", name, { signal });
    setTimeout(() => observer.disconnect(), SETTLE_MS);
  };
  const looking = setInterval(find, 100);
  const end = () => {
    clearInterval(looking);
    observer.disconnect();
  };
  setTimeout(() => clearInterval(looking), SETTLE_MS);
  signal.addEventListener("abort", end);
}
