/** What a person chose in this browser, kept for the next page; a sandboxed frame has no memory. */

const PREFIX = "smallest_nb.";

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // the next page asks again
  }
}
