/** Line of a patch text (`*** Begin Patch …`) that names a file: what is done with it, and its path. */
export const PATCH_FILE = /^\*\*\* (Add File|Update File|Delete File|Move to): (.+?)\s*$/;

/** Paths that a patch text names, as it gives them; none for any other text. */
export function patchPaths(text: string): string[] {
  if (!text.includes('*** Begin Patch')) return [];
  return text.split('\n').flatMap((line) => PATCH_FILE.exec(line)?.[2] ?? []);
}
