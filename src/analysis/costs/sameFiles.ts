import type { SessionFold } from '../../model/fold.ts';

/**
 * Which file a path names: some agents say `a.ts` when they read and `/home/me/shop/a.ts` when they write.
 *
 * @returns by the code of a path, the code of the file; -1: it cannot be told. Undefined: all are what they are.
 */
export function sameFiles(fold: SessionFold): Int32Array | undefined {
  const { paths } = fold.files;
  const { cwd } = fold.session;
  const count = paths.names.length;
  const short: number[] = [];
  for (let code = 1; code < count; code++) if (!isWhole(paths.name(code))) short.push(code);
  if (short.length === 0 || short.length === count - 1) return undefined;
  const files = Int32Array.from({ length: count }, (_, code) => code);
  let byName: Map<string, number[]> | undefined;
  for (const code of short) {
    const path = paths
      .name(code)
      .replaceAll('\\', '/')
      .replace(/^(\.\/)+/, '');
    const placed = cwd === '' ? undefined : paths.find(`${cwd}/${path}`);
    if (placed !== undefined) {
      files[code] = placed;
      continue;
    }
    byName ??= wholeByName(paths.names);
    const ends = `/${path}`;
    const fits = (byName.get(nameOf(path)) ?? []).filter((whole) =>
      paths.name(whole).replaceAll('\\', '/').endsWith(ends),
    );
    if (path.startsWith('../') || fits.length > 1) files[code] = -1;
    else if (fits.length === 1) files[code] = fits[0]!;
  }
  return files;
}

const isWhole = (path: string): boolean => /^(\/|\\|[a-z]:[\\/]|[a-z][a-z+.-]*:\/\/)/i.test(path);
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** At most so many of one name: a hostile trace may hold any number. */
const MOST = 100;

function wholeByName(names: readonly string[]): Map<string, number[]> {
  const byName = new Map<string, number[]>();
  for (let code = 1; code < names.length; code++) {
    const path = names[code]!;
    if (!isWhole(path)) continue;
    const name = nameOf(path.replaceAll('\\', '/'));
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [code]);
    else if (same.length < MOST) same.push(code);
  }
  return byName;
}
