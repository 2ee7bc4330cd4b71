/** What an explanation says, in words that text and Markdown share. */

import type { Mended } from '../analysis/phases/outcome.ts';
import type { SessionPhase } from '../analysis/phases/phase.ts';
import { WASTE_KINDS, type WasteKind } from '../analysis/waste/waste.ts';
import { formatCount, formatDuration, formatUsd, MISSING, plural } from '../model/format.ts';
import { knownCostText } from '../model/knownCost.ts';
import { isCostKnown, type SessionSummary } from '../model/summary.ts';
import type { ExplainedCall, ExplainedFile, ExplainedPhase, Explanation } from './explainReport.ts';

/** How text from a trace is made harmless, and how a step is named. */
export interface Tongue {
  clean(text: string): string;
  /** @param step 0-based */
  step(step: number): string;
  /** Text of a command or a path. */
  code(text: string): string;
}

export const STATUS_WORDS: Record<SessionSummary['status'], string> = {
  live: 'running',
  idle: 'waits for the next prompt',
  waiting: 'waits for an answer',
  paused: 'paused',
  ended: 'ended',
  failed: 'stopped without an end',
};

/** `8m 41s · $0.31 · 12 calls · 1 error · steps 12–40`. */
export function phaseFacts(phase: SessionPhase, wastedNanoUsd: number): string[] {
  const { startMs, endMs, calls, errors, denied, retries, firstStep, lastStep } = phase;
  return [
    formatDuration(endMs - startMs),
    ...(phase.responses === 0 ? [] : [knownCostText(phase)]),
    ...(calls > 0 ? [plural(calls, 'call')] : []),
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(denied > 0 ? [`${formatCount(denied)} denied`] : []),
    ...(retries > 0 ? [plural(retries, 'retry', 'retries')] : []),
    ...(wastedNanoUsd > 0 ? [`${formatUsd(wastedNanoUsd)} wasted`] : []),
    firstStep === lastStep ? `step ${firstStep + 1}` : `steps ${firstStep + 1}–${lastStep + 1}`,
  ];
}

const MENDED_WORDS: Record<Mended, string> = {
  no: 'nothing mended it',
  'went on': 'work went on',
  right: 'came right later',
  meant: 'as it should, for the test came first',
};

export interface Line {
  key: 'read' | 'looked' | 'changed' | 'ran' | 'failed' | 'denied' | 'said';
  /** Joined by commas; of `ran`, `failed` and `denied` each is a line. */
  items: string[];
  /** What is left out. */
  more: number;
}

/** Of a phase that is told whole. */
const MOST_FILES = 200;

/**
 * What a phase read, changed, ran, and how that failed.
 *
 * @param some files that are named, unless the phase is told whole
 */
export function phaseLines(told: ExplainedPhase, tongue: Tongue, some: number): Line[] {
  const files = told.whole ? MOST_FILES : some;
  const lines: Line[] = [];
  const put = (key: Line['key'], items: string[], more = 0): void => {
    if (items.length > 0) lines.push({ key, items, more });
  };
  const isRunning = told.phase.outcome === 'running';
  const first = (list: readonly ExplainedFile[], text: (file: ExplainedFile) => string) =>
    [list.slice(0, files).map(text), Math.max(0, list.length - files)] as const;
  put(
    'read',
    ...first(
      told.read.filter(({ changes }) => changes === 0),
      ({ path, reads }) => times(tongue.code(shortPath(path)), reads),
    ),
  );
  if (told.looked > 0) {
    put('looked', [
      plural(told.looked, 'search or read by command', 'searches and reads by command'),
    ]);
  }
  put('changed', ...first(told.changed, (file) => changedFile(file, tongue)));
  put(
    'ran',
    told.calls.map((call) => callWords(call, tongue)),
    told.moreCalls,
  );
  put(
    'failed',
    told.failures.map(({ step, words, message, mended }) => {
      const said = message === '' ? '' : `${tongue.clean(message)} (`;
      const after = mended === 'no' && isRunning ? 'not mended yet' : MENDED_WORDS[mended];
      return `${tongue.step(step)}, ${after}: ${said}${tongue.code(cutWords(words))}${said === '' ? '' : ')'}`;
    }),
    told.moreFailures,
  );
  put(
    'denied',
    told.denied.map(({ step, words, rule }) => {
      const by = rule === '' ? '' : ` by ${tongue.clean(rule)}`;
      return `${tongue.step(step)}${by}: ${tongue.code(words)}`;
    }),
    told.moreDenied,
  );
  if (told.answer !== '') {
    put(
      'said',
      told.answer.split('\n').map((line) => tongue.clean(line)),
    );
  }
  return lines;
}

/** A path outside of the session's folder by its end, which tells most. */
function shortPath(path: string): string {
  const parts = path.split('/');
  return path.startsWith('/') && parts.length > 5 ? `…/${parts.slice(-3).join('/')}` : path;
}

const times = (text: string, count: number): string => (count > 1 ? `${text} ×${count}` : text);
/** The message after it says more. */
const cutWords = (words: string): string => (words.length > 60 ? `${words.slice(0, 59)}…` : words);

function changedFile({ path, added, removed, changes }: ExplainedFile, tongue: Tongue): string {
  const lines = added + removed > 0 ? ` +${formatCount(added)} −${formatCount(removed)}` : '';
  return `${times(tongue.code(shortPath(path)), lines === '' ? changes : 1)}${lines}`;
}

const CALL_SIGNS = { ok: '✓', failed: '✕', denied: '⊘', open: '…' } as const;

/** `step 6, step 9, step 13 ✕ ✕ ✓ pytest -q`. */
function callWords(call: ExplainedCall, tongue: Tongue): string {
  const { outcomes, steps, count, words, detail, hidden } = call;
  const some = outcomes.length > 6 ? [...outcomes.slice(0, 3), ...outcomes.slice(-2)] : outcomes;
  const signs = some.map((each) => (hidden && each === 'ok' ? '?' : CALL_SIGNS[each])).join(' ');
  const where =
    steps.length > 3
      ? `${tongue.step(steps[0]!)} … ${tongue.step(steps.at(-1)!)}`
      : steps.map((step) => tongue.step(step)).join(', ');
  const facts = [
    ...(count > 3 ? [`${formatCount(count)} times`] : []),
    ...(detail === '' ? [] : [tongue.clean(detail)]),
    ...(hidden ? ['exit code hidden'] : []),
  ];
  const told = facts.length > 0 ? ` ${facts.join(', ')}:` : '';
  return `${where} ${signs}${told} ${tongue.code(words)}`;
}

/** How it all came out, in a few sentences. */
export function verdict(
  { phases, checks, summary, allRight, openStep, brokeOff }: Explanation,
  tongue: Tongue,
): string[] {
  const goesOn = phases.at(-1)?.outcome === 'running';
  const said: string[] = goesOn ? ['It goes on.'] : [];
  const failed = phases.filter(({ outcome }) => outcome === 'failed');
  const mixed = phases.filter(({ outcome }) => outcome === 'mixed');
  const last = failed.at(-1);
  if (last !== undefined) {
    const where = last.failedStep >= 0 ? ` (${tongue.step(last.failedStep)})` : '';
    const isEnd = phases.slice(last.index + 1).every(({ calls }) => calls === 0);
    const which = `${formatCount(failed.length)} of ${plural(phases.length, 'phase')} failed`;
    said.push(
      isEnd ? `It ended with a failure${where}.` : `${which}${where}; work went on after it.`,
    );
  } else if (mixed.length > 0)
    said.push(
      allRight
        ? 'What failed on the way came right.'
        : 'Something failed on the way, and work went on.',
    );
  else if (!allRight) said.push('Something failed, and nothing has mended it yet.');
  else if (summary.errors > 0) said.push('Nothing failed that mattered.');
  else if (summary.calls > 0) said.push('Nothing failed.');
  if (openStep >= 0) {
    said.push(`It ends in the middle of ${tongue.step(openStep)}: what came of that is not known.`);
  } else if (brokeOff) said.push('It broke off before an answer.');
  said.push(...checkWords({ checks, summary }, goesOn, tongue));
  return said;
}

function checkWords(
  { checks, summary }: Pick<Explanation, 'checks' | 'summary'>,
  goesOn: boolean,
  tongue: Tongue,
): string[] {
  const { runs, last, lastStep, editsAfter, commits, commitStep } = checks;
  const said: string[] = [];
  if (runs === 0) {
    if (summary.edits > 0) said.push('No tests were run that the trace knows of.');
  } else if (goesOn && last === 'running') {
    const before = runs === 1 ? '' : `ran ${plural(runs - 1, 'time')} before, and `;
    said.push(`Tests ${before}are running (${tongue.step(lastStep)}).`);
  } else {
    const how = {
      passed: 'passed',
      failed: 'failed',
      empty: 'ran no test',
      hidden: 'hid its exit code',
      running: 'has no result',
      none: '',
    }[last];
    const which =
      runs === 1 ? 'Tests ran once: it' : `Tests ran ${formatCount(runs)} times: the last run`;
    const after = editsAfter > 0 ? `, and ${plural(editsAfter, 'edit')} came after it` : '';
    said.push(`${which} ${how} (${tongue.step(lastStep)})${after}.`);
  }
  if (commits > 0) {
    said.push(
      commits === 1
        ? `Committed at ${tongue.step(commitStep)}.`
        : `${formatCount(commits)} commits, the last at ${tongue.step(commitStep)}.`,
    );
  }
  return said;
}

const WASTE_WORDS: Record<WasteKind, string> = {
  failedPhase: 'phases that failed',
  retry: 'attempts that failed, made again',
  redundantRead: 'files read again unchanged',
  cacheBreak: 'prompt caches lost',
};

export interface WasteLine {
  kind: WasteKind;
  words: string;
  count: number;
  nanoUsd: number;
  durationMs: number;
  /** Where, the dearest first; 0-based. */
  steps: number[];
}

/** What was paid for nothing, by kind; kinds without any are left out. */
export function wasteLines({ waste }: Explanation): WasteLine[] {
  return WASTE_KINDS.flatMap((kind) => {
    const { nanoUsd, durationMs, count } = waste.byKind[kind];
    if (count === 0) return [];
    const steps = waste.items.filter((item) => item.kind === kind).map(({ step }) => step);
    return [
      { kind, words: WASTE_WORDS[kind], count, nanoUsd, durationMs, steps: steps.slice(0, 3) },
    ];
  });
}

/** Waste in money; what has no price is never $0. */
export function wasteMoney(nanoUsd: number, { cost }: SessionSummary): string {
  if (nanoUsd === 0 && cost.unpriced > 0) return 'unpriced';
  if (nanoUsd === 0 && !isCostKnown(cost)) return MISSING;
  return formatUsd(nanoUsd);
}

/** `3 files changed +9 −4`. */
export function changedWords({ changed, added, removed }: Explanation['lines']): string {
  if (changed === 0) return 'none changed';
  const lines = added + removed > 0 ? ` +${formatCount(added)} −${formatCount(removed)}` : '';
  return `${formatCount(changed)} changed${lines}`;
}

/** Share of the session's cost, `7%`; empty where there is none to be a share of. */
export function wasteShare({ waste, summary }: Explanation): string {
  const { nanoUsd } = summary.cost;
  if (!(nanoUsd > 0) || waste.nanoUsd === 0) return '';
  const share = waste.nanoUsd / nanoUsd;
  return share < 0.01 ? '<1%' : `${Math.round(share * 100)}%`;
}
