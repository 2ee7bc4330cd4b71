/** Sessions and their subagents as a tree: in text, Markdown and JSON. */
import type { TreeNode, TreeSums } from '../analysis/tree/sessionTree.ts';
import {
  formatCount,
  formatDuration,
  formatKnownUsd,
  formatTokens,
  formatUsd,
  MISSING,
  plural,
} from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { type Bounded, SHOW_ALL } from './bounds.ts';
import { fencedText } from './markdownFence.ts';
import { seconds, type TokensJson, tokensJson, usd } from './sessionJson.ts';
import { createStyle, type Style } from './style.ts';
import { renderTable } from './table.ts';
import { sanitizeLine, wrapFacts } from './terminalText.ts';
import { titleLine } from './titleLine.ts';
import { type TreeLine, treeLines } from './treeLines.ts';

export interface TreeSumsJson {
  /** null: nothing of it has a price. */
  cost_usd: number | null;
  estimated_usd: number | null;
  responses: number;
  unpriced: number;
  tokens: TokensJson;
  tool_calls: number;
  errors: number;
  denied: number;
}

export interface TreeJson {
  kind: TreeNode['kind'];
  id: string;
  session_id: string;
  /** The agent's name, or the subagent's type. */
  name: string;
  title: string;
  status: TreeNode['status'];
  started_at: number | null;
  duration_ms: number | null;
  /** 1-based, in the session that started it; null where it is not known. */
  spawned_at_step: number | null;
  spawned_sure: TreeNode['sure'];
  own: TreeSumsJson;
  total: TreeSumsJson & { sessions: number; subagents: number };
  children: TreeJson[];
}

export function treeJson(nodes: readonly TreeNode[]): TreeJson | undefined {
  const made: TreeJson[] = [];
  for (const node of nodes) {
    const one = nodeJson(node);
    made.push(one);
    if (node.parent >= 0) made[node.parent]!.children.push(one);
  }
  return made[0];
}

const nodeJson = (node: TreeNode): TreeJson => ({
  kind: node.kind,
  id: node.id,
  session_id: node.sessionId,
  name: node.name,
  title: node.title,
  status: node.status,
  started_at: node.startMs > 0 ? seconds(node.startMs) : null,
  duration_ms: Number.isNaN(node.durationMs) ? null : Math.round(node.durationMs),
  spawned_at_step: node.step < 0 ? null : node.step + 1,
  spawned_sure: node.sure,
  own: sumsJson(node.own),
  total: { ...sumsJson(node.total), sessions: node.sessions, subagents: node.subagents },
  children: [],
});

const sumsJson = (sums: TreeSums): TreeSumsJson => ({
  cost_usd: isPriced(sums) ? usd(sums.nanoUsd) : null,
  estimated_usd: sums.estimatedNanoUsd > 0 ? usd(sums.estimatedNanoUsd) : null,
  responses: sums.responses,
  unpriced: sums.unpriced,
  tokens: tokensJson(sums.usage),
  tool_calls: sums.calls,
  errors: sums.errors,
  denied: sums.denied,
});

/** Something has a price; or all of it was billed to other sessions, so that it cost nothing. */
const isPriced = ({ responses, unpriced, copied }: TreeSums): boolean =>
  responses > unpriced || (responses === 0 && copied > 0);

/** `$4.37`, `≥$4.37`, `unpriced`, `~$0.02`, `$4.37 + ~$0.02`, `–`. */
function sumsCell(sums: TreeSums): string {
  const { nanoUsd, estimatedNanoUsd, unpriced } = sums;
  const guess = estimatedNanoUsd > 0 ? formatUsd(estimatedNanoUsd, { estimate: true }) : '';
  if (!isPriced(sums)) {
    return [guess, unpriced > 0 ? 'unpriced' : ''].filter(Boolean).join(' + ') || MISSING;
  }
  const billed = formatKnownUsd(nanoUsd, unpriced);
  return guess === '' ? billed : `${billed} + ${guess}`;
}

const SIGNS: Record<TreeNode['status'], string> = {
  ended: '✓',
  done: '✓',
  failed: '✗',
  live: '●',
  running: '●',
  idle: '●',
  waiting: '●',
  paused: '◐',
  unknown: MISSING,
};

export interface TreeTextOptions extends Bounded {
  style: Style;
  /** Columns; undefined: nothing is cut. */
  width?: number | undefined;
  /** Id of the session that started the root, where there is one. */
  parent?: string;
  short?: ShortId;
}

/** The title, the table, and what there is to say of it; empty where there are no nodes. */
export function treeText(nodes: readonly TreeNode[], options: TreeTextOptions): string {
  const [root] = nodes;
  if (root === undefined) return '';
  return `${titleLine(root.title, options)}\n${treeTable(nodes, options)}`;
}

/** An editor beside a side bar is as wide, columns. */
const DOCUMENT_WIDTH = 100;

/** The same as Markdown: its table is a block of code, so that its columns and branches stand under each other. */
export function treeMarkdown(nodes: readonly TreeNode[], { most }: Bounded = {}): string {
  const table = treeTable(nodes, {
    style: createStyle(false),
    width: DOCUMENT_WIDTH,
    most,
    how: '',
  });
  const title = markdownText(nodes[0]?.title ?? '') || 'Untitled session';
  return `# Tree: ${title}\n\n${fencedText(table.trimEnd().split('\n'))}\n`;
}

/** @param how a person sees what is left out; empty: that is not said */
function treeTable(
  nodes: readonly TreeNode[],
  options: TreeTextOptions & { how?: string },
): string {
  const { style, width, most, parent, how, short = (id: string) => id.slice(0, 8) } = options;
  const root = nodes[0];
  if (root === undefined) return '';
  const lines = treeLines(nodes, most);
  const isWhole = lines.every(({ rest }) => rest === undefined);
  const totalOf = ({ node, rest }: TreeLine): TreeSums => rest?.total ?? node!.total;
  const number = (title: string, expendable: number, of: (sums: TreeSums) => number) => ({
    title,
    expendable,
    align: 'right' as const,
    text: (one: TreeLine) => formatCount(of(totalOf(one))),
    paint: (cell: string, one: TreeLine) => (of(totalOf(one)) === 0 ? style.dim(cell) : cell),
  });
  /** Of a node only. */
  const own = (text: (node: TreeNode) => string) => (one: TreeLine) =>
    one.node === undefined ? '' : text(one.node);
  const table = renderTable<TreeLine>(
    [
      {
        title: 'agent',
        flexible: true,
        text: ({ lead, node, rest }) =>
          `${lead}${rest === undefined ? label(node, short) : rest.words}`,
        paint: (cell, { node }) =>
          node === undefined ? style.dim(cell) : node.depth === 0 ? style.bold(cell) : cell,
      },
      {
        title: 'step',
        expendable: 4,
        align: 'right',
        text: own(({ step, sure }) =>
          step < 0 ? '' : `${sure === 'likely' ? '~' : ''}${step + 1}`,
        ),
      },
      {
        title: 'own',
        expendable: 3,
        align: 'right',
        text: own((node) => sumsCell(node.own)),
      },
      {
        title: 'total',
        align: 'right',
        text: (one) => sumsCell(totalOf(one)),
      },
      number('calls', 2, ({ calls }) => calls),
      {
        ...number('errors', 5, ({ errors }) => errors),
        paint: (cell, one) => (totalOf(one).errors > 0 ? style.red(cell) : style.dim(cell)),
      },
      {
        title: 'tokens',
        expendable: 6,
        align: 'right',
        text: (one) => {
          const { usage } = totalOf(one);
          return formatTokens(usage.input_tokens + usage.output_tokens);
        },
      },
      {
        title: 'duration',
        expendable: 7,
        align: 'right',
        text: own(({ durationMs }) => formatDuration(durationMs)),
      },
      {
        title: 'status',
        expendable: 8,
        text: own(({ status }) => `${SIGNS[status]} ${status}`),
        paint: (cell, { node }) => (node?.status === 'failed' ? style.red(cell) : style.dim(cell)),
      },
    ],
    lines,
    { style, ...(width === undefined ? {} : { width }) },
  );
  const notes = [
    `${plural(root.sessions + 1, 'session')} · ${plural(root.subagents, 'subagent')} · ${sumsCell(root.total)} · ${plural(root.total.calls, 'call')} · ${plural(root.total.errors, 'error')}`,
    ...(parent === undefined
      ? []
      : [
          `Started by the session ${sanitizeLine(short(parent))}: agent-strace tree ${sanitizeLine(short(parent))}`,
        ]),
    ...(isWhole ? [] : [tellingText(how)]),
    ...(nodes.length === 1 ? ['It started no subagents and no sessions.'] : []),
    ...(nodes.some(({ sure, step }) => sure === 'likely' && step >= 0)
      ? ['~ the call that ran when it began: no id says that it started it']
      : []),
  ];
  return [`${table}`, ...notes.flatMap((note) => wrapFacts(note, width)).map(style.dim), ''].join(
    '\n',
  );
}

const tellingText = (how = SHOW_ALL): string =>
  `What failed and what cost most is shown${how === '' ? '' : `: ${how}`}.`;

function label({ kind, id, name, title, depth }: TreeNode, short: ShortId): string {
  const own = sanitizeLine(name) || (kind === 'session' ? 'session' : 'subagent');
  const task = depth === 0 ? '' : sanitizeLine(title);
  if (kind === 'session')
    return [`${own} ${sanitizeLine(short(id))}`, task].filter(Boolean).join(': ');
  return task === '' ? `${own} ${sanitizeLine(id).slice(0, 8)}` : `${own}: ${task}`;
}

/** A beginning of a session's id that will do. */
type ShortId = (id: string) => string;
