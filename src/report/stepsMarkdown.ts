/** Some steps of a session as Markdown, to be pasted into an issue or a chat: all of it is of a trace, and hostile. */
import type { AnalysedSession } from '../analysis/analysed.ts';
import { stepDiff } from '../analysis/stepDiff.ts';
import { FLAG, TYPE } from '../model/columns.ts';
import { describeStep } from '../model/describe.ts';
import type { TraceEvent } from '../model/event.ts';
import { formatCount, formatDuration, formatUsd, plural } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { STEP_KINDS, type StepView } from '../model/step.ts';
import { cut } from '../model/text.ts';
import { visibleText } from '../model/visibleText.ts';
import { fenced } from './markdownFence.ts';

/** Steps in one text; what is more is counted. */
const MAX_STEPS = 500;
/** So many are given with what they changed and what came of them, more in one line each. */
const MAX_WHOLE = 25;
/** Of a diff or an output. */
const MAX_LINES = 60;
/** UTF-16 units. */
const MAX_LINE = 400;
const MAX_PROSE = 4000;
const MAX_TEXT = 200_000;
/** Larger events are not read, bytes. */
const MAX_EVENT = 1_500_000;

const PROMPT = STEP_KINDS.indexOf('prompt');
const MODIFY = STEP_KINDS.indexOf('modify');

/** The steps `from … to`, both inclusive. Reads their events, at most a few hundred. */
export function stepsMarkdown(session: AnalysedSession, from: number, to: number): string {
  const { fold } = session;
  const last = Math.min(to, fold.steps.length - 1);
  const end = Math.min(last, from + MAX_STEPS - 1);
  const whole = end - from < MAX_WHOLE;
  const parts: string[] = [];
  let length = 0;
  let step = from;
  for (; step <= end && length < MAX_TEXT; step++) {
    const part = stepText(session, step, whole);
    parts.push(part);
    length += part.length;
  }
  if (step <= last) parts.push(`… ${plural(last + 1 - step, 'more step')}`);
  return `${parts.join(whole ? '\n\n' : '\n')}\n`;
}

function stepText(session: AnalysedSession, step: number, whole: boolean): string {
  const { columns, steps } = session.fold;
  const row = steps.row(step);
  const isCall = columns.type[row] === TYPE.tool_call;
  const pair = isCall ? columns.pair[row]! : -1;
  const sized = (one: number): number => (one >= 0 && columns.size[one]! <= MAX_EVENT ? one : -1);
  const [event, result] = session.readEvents([sized(row), sized(pair)]);
  if (!event) return `- Step ${step + 1}: not in the trace any more`;
  const view = describeStep(session.fold, step, row, event, result);
  const head = headOf(session, step, row, view);
  if (!whole) return `- ${head}`;
  const said = prose(event, isCall);
  if (said !== '') return `**Step ${step + 1}**${sourceOf(columns.kind[row]!)}\n\n${said}`;
  const bodies = [
    ...(columns.kind[row] === MODIFY ? [diffText(event, result)] : []),
    outputText(columns.flags[row]!, event, result),
  ].filter((body) => body !== '');
  return [`- ${head}`, ...bodies.map(indented)].join('\n\n');
}

/** What a person or the agent said, as a quotation. */
function prose({ data }: TraceEvent, isCall: boolean): string {
  const words = data.prompt ?? data.text;
  if (isCall || typeof words !== 'string' || words.trim() === '') return '';
  return cut(words.trim(), MAX_PROSE)
    .split('\n')
    .map((line) => `> ${markdownText(line)}`.trimEnd())
    .join('\n');
}

const sourceOf = (kind: number): string =>
  kind === PROMPT ? ' · prompt' : kind === STEP_KINDS.indexOf('reasoning') ? ' · reasoning' : '';

function headOf({ fold }: AnalysedSession, step: number, row: number, view: StepView): string {
  const { columns } = fold;
  const flags = columns.flags[row]!;
  const ms = columns.durationMs[row]!;
  const nanoUsd = columns.kind[row] === PROMPT ? Number.NaN : fold.stepNanoUsd(row);
  const lines = [
    view.added ? `+${formatCount(view.added)}` : '',
    view.removed ? `−${formatCount(view.removed)}` : '',
  ]
    .filter(Boolean)
    .join(' ');
  const words = [view.verb, view.target].filter(Boolean).map(markdownText).join(' ');
  return [
    `**Step ${step + 1}** ${words}`.trimEnd(),
    markdownText(view.detail),
    lines,
    view.attempt === undefined ? '' : `retry ${view.attempt}`,
    (flags & FLAG.denied) !== 0 ? `denied${view.rule ? `: ${markdownText(view.rule)}` : ''}` : '',
    (flags & FLAG.error) !== 0 && !/^exit/.test(view.detail) ? 'failed' : '',
    Number.isNaN(ms) || columns.type[row] !== TYPE.tool_call ? '' : formatDuration(ms),
    Number.isNaN(nanoUsd) ? '' : formatUsd(nanoUsd, { estimate: (flags & FLAG.estimate) !== 0 }),
  ]
    .filter(Boolean)
    .join(' · ');
}

function diffText(event: TraceEvent, result: TraceEvent | undefined): string {
  const diff = stepDiff(event, result);
  if (!diff) return '';
  const signs = { same: ' ', added: '+', removed: '-' };
  const shown = diff.lines.slice(0, MAX_LINES);
  const hidden = diff.lines.length - shown.length + diff.more;
  return block(
    'diff',
    shown.map(({ kind, text }) => `${signs[kind]}${text}`),
    hidden,
  );
}

/** What came of it: of a failure always, else of a command. */
function outputText(flags: number, event: TraceEvent, result: TraceEvent | undefined): string {
  const { error, result: said } = result?.data ?? {};
  const failed = (flags & (FLAG.error | FLAG.denied)) !== 0;
  const words = typeof error === 'string' && error !== '' ? error : said;
  if (typeof words !== 'string' || words.trim() === '') return '';
  if (!failed && !/^(bash|shell|exec|run)/i.test(String(event.data.tool_name ?? ''))) return '';
  const lines = words
    .slice(0, MAX_LINES * MAX_LINE)
    .trimEnd()
    .split('\n');
  // How it ended is told last.
  const shown = lines.slice(-MAX_LINES);
  return block('', shown, lines.length - shown.length);
}

/** What came of a step, or what it changed. */
function block(language: string, lines: readonly string[], hidden: number): string {
  const safe = lines.map((line) => visibleText(cut(line.replaceAll('\t', '    '), MAX_LINE)));
  const more = hidden > 0 ? [`… ${plural(hidden, 'more line')}`] : [];
  return fenced(language, [...safe, ...more]);
}

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n');
