/** The lines of a tree; of a very large one those that tell most, with sums of what is left out. */
import { addSums, emptySums, type TreeNode, type TreeSums } from '../analysis/tree/sessionTree.ts';
import { formatCount } from '../model/format.ts';
import { moreText } from './bounds.ts';

/** Nodes that are shown, where there are more. */
const USUAL = 40;

export type TreeLine = { lead: string } & (
  | { node: TreeNode; rest?: undefined }
  /** Nodes under one that are not listed, with all below them. */
  | { rest: { words: string; total: TreeSums }; node?: undefined }
);

/** @param most nodes; Infinity: all */
export function treeLines(nodes: readonly TreeNode[], most = USUAL): TreeLine[] {
  const isShown = telling(nodes, most);
  const below = new Map<number, number[]>();
  const hidden = new Map<number, Hidden>();
  /** Of each the nearest above it that is shown. */
  const above = new Int32Array(nodes.length).fill(-1);
  for (const [at, { parent, status, total }] of nodes.entries()) {
    if (parent < 0) continue;
    above[at] = isShown[parent] === 1 ? parent : above[parent]!;
    if (isShown[at] === 1) {
      const siblings = below.get(parent);
      if (siblings === undefined) below.set(parent, [at]);
      else siblings.push(at);
      continue;
    }
    const sum = hidden.get(above[at]!) ?? { count: 0, failed: 0, total: emptySums() };
    hidden.set(above[at]!, sum);
    sum.count += 1;
    if (status === 'failed') sum.failed += 1;
    // What is below it is in its total.
    if (above[at] === parent) addSums(sum.total, total);
  }
  const lines: TreeLine[] = [];
  const open: ({ lead: string; next: string; at: number } | TreeLine)[] = [];
  if (nodes.length > 0) open.push({ lead: '', next: '', at: 0 });
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (!('at' in one)) {
      lines.push(one);
      continue;
    }
    const { lead, next, at } = one;
    lines.push({ lead, node: nodes[at]! });
    const rest = hidden.get(at);
    const children = below.get(at) ?? [];
    // What is shown last is pushed first.
    if (rest !== undefined) open.push({ lead: `${next}└─ `, rest: told(rest) });
    for (let nth = children.length - 1; nth >= 0; nth--) {
      const isLast = nth === children.length - 1 && rest === undefined;
      open.push({
        lead: `${next}${isLast ? '└─ ' : '├─ '}`,
        next: `${next}${isLast ? '   ' : '│  '}`,
        at: children[nth]!,
      });
    }
  }
  return lines;
}

interface Hidden {
  count: number;
  failed: number;
  total: TreeSums;
}

const told = ({ count, failed, total }: Hidden): { words: string; total: TreeSums } => ({
  words: `${moreText(count, '', '', '')}${failed > 0 ? `, ${formatCount(failed)} failed` : ''}`,
  total,
});

/** 1: shown. What failed, then the dearest, then the busiest, each with those above it. */
function telling(nodes: readonly TreeNode[], most: number): Uint8Array {
  const isShown = new Uint8Array(nodes.length);
  if (nodes.length <= most) return isShown.fill(1);
  const order = nodes.map((_, at) => at);
  const failed = (at: number): number => (nodes[at]!.status === 'failed' ? 1 : 0);
  order.sort(
    (x, y) =>
      failed(y) - failed(x) ||
      nodes[y]!.total.nanoUsd - nodes[x]!.total.nanoUsd ||
      nodes[y]!.total.calls - nodes[x]!.total.calls ||
      x - y,
  );
  let left = Math.max(1, most);
  for (const one of order) {
    for (let at = one; at >= 0 && isShown[at] !== 1; at = nodes[at]!.parent) {
      isShown[at] = 1;
      left--;
    }
    if (left <= 0) break;
  }
  return isShown;
}
