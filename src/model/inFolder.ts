/** A path as seen from a folder, where it is below it. @param folder empty: none is known */
export function inFolder(path: string, folder: string): string {
  if (folder === '' || !path.startsWith(folder)) return path;
  const rest = path.slice(folder.length);
  return rest.startsWith('/') || rest.startsWith('\\') ? rest.slice(1) : path;
}
