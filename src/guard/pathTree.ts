/** Paths that were touched, as a tree, and the globs that they come to. */

/** Files in one folder from which on the folder stands for them. */
const MANY = 3;
/** Names that are held in all. */
const MAX_NODES = 200_000;

export interface Folder {
  /** @param path relative, may be a glob; empty: the folder itself. @param deep with all below it */
  add(path: string, deep: boolean): void;
  readonly root: Node;
}

interface Node {
  children: Map<string, Node>;
  /** Itself, not only what is in it. */
  own: boolean;
  /** It and all below. */
  deep: boolean;
}

const node = (): Node => ({ children: new Map(), own: false, deep: false });

export function folderTree(): Folder {
  const root = node();
  let left = MAX_NODES;
  return {
    root,
    add(path, deep) {
      let at = root;
      for (const part of path.split('/').filter(Boolean)) {
        if (part === '**') {
          at.deep = true;
          return;
        }
        let next = at.children.get(part);
        if (next === undefined) {
          // Too much to be told one by one: the folder stands for it.
          if (left-- <= 0) {
            at.deep = true;
            return;
          }
          next = node();
          at.children.set(part, next);
        }
        at = next;
      }
      at.own = true;
      if (deep) at.deep = true;
    },
  };
}

/**
 * The globs: folders in which three or more things were touched stand for all in them, but never the project itself, and none that
 * holds one of `single`, which are named one by one.
 *
 * @param single relative paths
 */
export function globsOf({ root }: Folder, single: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (at: Node, path: string): void => {
    if (at.deep) {
      found.push(path === '' ? './**' : `${path}/**`);
      return;
    }
    const isMany = at.children.size >= MANY && path !== '';
    if (isMany && !single.some((one) => one.startsWith(`${path}/`))) {
      found.push(`${path}/**`);
      return;
    }
    // A name alone would be one in any folder.
    if (at.own) found.push(path.includes('/') ? path : `./${path === '' ? '.' : path}`);
    for (const [name, child] of [...at.children].sort(([a], [b]) => (a < b ? -1 : 1)))
      visit(child, path === '' ? name : `${path}/${name}`);
  };
  visit(root, '');
  return found;
}
