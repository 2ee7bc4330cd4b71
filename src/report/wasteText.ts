/** What was paid for nothing, why, and what would help: for a terminal and as Markdown. */
import type { BreakCause, Waste, WasteItem, WasteKind } from '../analysis/waste/waste.ts';
import { WASTE_KINDS } from '../analysis/waste/waste.ts';
import type { SessionFold } from '../model/fold.ts';
import {
  formatCount,
  formatDuration,
  formatKnownUsd,
  formatPercent,
  formatTokens,
  formatUsd,
  plural,
} from '../model/format.ts';
import { inFolder } from '../model/inFolder.ts';
import { markdownText } from '../model/markdownText.ts';
import { firstOf, moreLines, moreText } from './bounds.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';
import { sanitizeLine, wrapFacts } from './terminalText.ts';

const KINDS: Record<WasteKind, [one: string, many: string]> = {
  failedPhase: ['failed phase', 'failed phases'],
  retry: ['vain attempt', 'vain attempts'],
  redundantRead: ['read of what was known', 'reads of what was known'],
  cacheBreak: ['cold cache', 'cold caches'],
};

/** Waste of one kind, and of cache breaks of one cause. */
interface WasteReason {
  kind: WasteKind;
  cause?: BreakCause;
  count: number;
  nanoUsd: number;
  durationMs: number;
  tokens: number;
  /** Breaks whose price is not known. */
  unpriced: number;
}

/** By kind, and cache breaks by cause; the dearest first. */
function wasteReasons(waste: Waste): WasteReason[] {
  const kinds = WASTE_KINDS.filter((kind) => kind !== 'cacheBreak')
    .map((kind) => ({ kind, ...waste.byKind[kind], tokens: 0, unpriced: 0 }))
    .filter(({ count }) => count > 0);
  const breaks = waste.byCause.map((sum) => ({
    ...sum,
    kind: 'cacheBreak' as const,
    durationMs: 0,
  }));
  return [...kinds, ...breaks].sort((x, y) => y.nanoUsd - x.nanoUsd || y.count - x.count);
}

const price = ({ nanoUsd, count, unpriced }: WasteReason): string =>
  unpriced === count
    ? `${count === 1 ? 'has' : 'have'} no known price`
    : `cost ${formatKnownUsd(nanoUsd, unpriced)}`;

/** One sentence of what happened, and one of what would help. */
function wasteSentence(reason: WasteReason): string {
  const { kind, cause, count, durationMs, tokens } = reason;
  const took = durationMs >= 1000 ? ` and ${formatDuration(durationMs)}` : '';
  const again = `${formatTokens(tokens)} tokens that the cache had held were paid again`;
  switch (kind) {
    case 'failedPhase':
      return `${plural(count, 'phase')} that ended in failure cost ${formatUsd(reason.nanoUsd)}${took}: look at the first error in ${count === 1 ? 'it' : 'each'}, and stop such a run sooner (a budget or loop rule does it).`;
    case 'retry':
      return `${plural(count, 'attempt')} that failed, of calls made again with nothing changed in between, cost ${formatUsd(reason.nanoUsd)}${took}: tell the agent what is wrong, or have a loop rule stop it.`;
    case 'redundantRead':
      return `${plural(count, 'read')} of lines that the agent had and nobody had changed cost ${formatUsd(reason.nanoUsd)}${took}: the lines are also carried twice from then on; say in the project's instructions not to read again what is known.`;
    default:
      break;
  }
  switch (cause) {
    case 'time':
      return `${plural(count, 'pause')} longer than the cache lives ${price(reason)}: ${again}. Go on before the cache has gone, or compact or start anew before a long pause.`;
    case 'model':
      return `${plural(count, 'change')} of the model ${price(reason)}: ${again}. Each model has a cache of its own; change it where the context is small, or in a new session.`;
    case 'compaction':
      return `${plural(count, 'compaction')} after which not even the beginning was found ${price(reason)}: ${again}. Compact less often, at the end of a task.`;
    case 'restart':
      return `${plural(count, 'restart')} of the session ${price(reason)}: ${again}. Resume it before the cache has gone, or start a new one for a new task.`;
    case 'tools':
      return `${plural(count, 'change')} of settings or tools ${price(reason)}: ${again}. Connect servers and choose modes before the first prompt.`;
    default:
      return `${plural(count, 'request')} whose beginning was another one ${price(reason)}: ${again}. The trace does not tell why; agents do this when they drop old results or reasoning, providers when they need the room.`;
  }
}

function summary(waste: Waste, totalNanoUsd: number): string {
  const unpriced = waste.byCause.reduce((sum, cause) => sum + cause.unpriced, 0);
  if (waste.nanoUsd === 0 && unpriced > 0) return 'What was paid for nothing has no known price';
  const share =
    totalNanoUsd > 0
      ? `, ${formatPercent(waste.nanoUsd / totalNanoUsd)} of ${formatUsd(totalNanoUsd)}`
      : '';
  const took = waste.durationMs >= 1000 ? ` · ${formatDuration(waste.durationMs)}` : '';
  return `${formatKnownUsd(waste.nanoUsd, unpriced)} paid for nothing${share}${took}`;
}

type Options = { style: Style; width?: number | undefined };

const NO_WASTE =
  'Nothing was found that was paid for nothing: no failed phase, vain attempt, read of what was known, or cold cache.';

/** The sum, and a sentence a cause. */
export function wasteText(waste: Waste, totalNanoUsd: number, options: Options): string {
  const { style, width } = options;
  if (waste.items.length === 0) {
    return `${wrapFacts(NO_WASTE, width).map(style.dim).join('\n')}\n`;
  }
  const room = width === undefined ? undefined : width - 2;
  const lines = wasteReasons(waste).flatMap((reason) =>
    wrapFacts(wasteSentence(reason), room).map((part, at) => `${at === 0 ? '- ' : '  '}${part}`),
  );
  const head = wrapFacts(summary(waste, totalNanoUsd), width).map(style.yellow);
  return `${[...head, ...lines].join('\n')}\n`;
}

/** What an item was, in words. Hostile. */
function itemWords(fold: SessionFold, one: WasteItem): string {
  const broken = one.break;
  if (broken !== undefined) {
    return `${formatTokens(broken.tokens)} tokens again: ${broken.detail}`;
  }
  if (one.file >= 0) {
    return `${inFolder(fold.files.paths.name(one.file), fold.session.cwd)}, read ${plural(one.times, 'time')} before`;
  }
  return one.kind === 'retry' ? `attempt ${one.times}, which failed` : '';
}

const MOST = 50;

/** Each item with its step. */
export function wasteItemsText(fold: SessionFold, waste: Waste, options: Options): string {
  const { shown } = firstOf(waste.items, MOST);
  const count = WASTE_KINDS.reduce((sum, kind) => sum + waste.byKind[kind].count, 0);
  const table = renderTable<WasteItem>(
    [
      { title: 'step', align: 'right', text: ({ step }) => String(step + 1) },
      { title: 'kind', expendable: 2, text: ({ kind }) => KINDS[kind][0] },
      { title: 'what', flexible: true, text: (one) => sanitizeLine(itemWords(fold, one)) },
      {
        title: 'took',
        expendable: 1,
        align: 'right',
        text: ({ durationMs }) => (durationMs > 0 ? formatDuration(durationMs) : ''),
      },
      { title: 'cost', align: 'right', text: itemCost },
    ],
    shown,
    options,
  );
  const how = `--json has the dearest ${formatCount(waste.items.length)}`;
  return `${table}${moreLines(moreText(count - shown.length, '', '', how), options)}`;
}

const itemCost = ({ nanoUsd, break: broken }: WasteItem): string =>
  broken !== undefined && Number.isNaN(broken.nanoUsd) ? 'unpriced' : formatUsd(nanoUsd);

export function wasteMarkdown(fold: SessionFold, waste: Waste, totalNanoUsd: number): string {
  if (waste.items.length === 0) return NO_WASTE;
  const rows = waste.items
    .slice(0, MOST)
    .map(
      (one) =>
        `| ${one.step + 1} | ${KINDS[one.kind][0]} | ${markdownText(itemWords(fold, one))} | ${itemCost(one)} |`,
    );
  return [
    `${summary(waste, totalNanoUsd)}.`,
    '',
    ...wasteReasons(waste).map((reason) => `- ${wasteSentence(reason)}`),
    '',
    '| Step | Kind | What | Cost |',
    '| ---: | --- | --- | ---: |',
    ...rows,
  ].join('\n');
}
