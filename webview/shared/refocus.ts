/** Gives the focus to an element, where the one that had it went away with what the person did. */
export function refocus(selector: string): void {
  requestAnimationFrame(() => {
    if (document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
  });
}
