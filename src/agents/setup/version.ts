/** `2.1.330 (Claude Code)` → `2.1.330`. */
export function versionIn(text: string | undefined): string | undefined {
  return /\b(\d+\.\d+\.\d+)\b/.exec(text ?? '')?.[1];
}

/** Whether version `a` is `b` or newer. */
export function isAtLeast(a: string, b: string): boolean {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
