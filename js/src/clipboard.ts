/** Copies text, also where a page that is not secure has no clipboard of its own. */

/** `from`: an element that holds the same text, to be selected where there is no other way. */
export async function copy(text: string, from: HTMLElement): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const range = document.createRange();
  range.selectNodeContents(from);
  getSelection()?.removeAllRanges();
  getSelection()?.addRange(range);
  if (!document.execCommand("copy")) throw new Error("select the text and copy it by hand");
}
