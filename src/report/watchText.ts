/** What `watch` shows: one line a session, and one for each rule that trips. */
import { formatCount, formatElapsed, formatPercent, formatRate } from '../model/format.ts';
import { type StepView, stepTitle } from '../model/step.ts';
import type { SessionSummary } from '../model/summary.ts';
import { costCell } from './costText.ts';
import { STATUS_MARKS } from './sessionTable.ts';
import type { Style } from './style.ts';
import { cutToWidth, sanitizeLine } from './terminalText.ts';

const NANO = 1e9;

export interface WatchLine {
  /** Short. */
  id: string;
  summary: SessionSummary;
  last?: StepView;
  /** USD an hour. */
  perHour?: number;
  /** `at this rate $5.00 in 6 minutes`. */
  forecast?: string;
  /** `killed`, `stopped`: how it ended, where that is known. */
  ended?: string;
}

/** As in lists, where the end has none. */
const SIGNS = { ...STATUS_MARKS, ended: '✓' };

const WORDS: Record<SessionSummary['status'], string> = {
  live: '',
  idle: 'waits for a prompt',
  waiting: 'waits for an answer',
  paused: 'paused',
  ended: 'ended',
  failed: 'gone',
};

/** @param width columns; undefined: nothing is cut */
export function watchLine(
  { id, summary, last, perHour, forecast, ended }: WatchLine,
  { style, width, nowMs }: { style: Style; width?: number | undefined; nowMs: number },
): string {
  const { status, context, current } = summary;
  const parts = [costCell(summary.cost)];
  if (perHour !== undefined && perHour >= 0.01) parts.push(formatRate((perHour / 60) * NANO));
  if (forecast !== undefined) parts.push(forecast);
  parts.push(`${formatCount(summary.calls)} ${summary.calls === 1 ? 'call' : 'calls'}`);
  if (context?.window !== undefined && context.window > 0) {
    parts.push(`context ${formatPercent(context.tokens / context.window)}`);
  }
  const words = ended ?? WORDS[status];
  if (words !== '') parts.push(words);
  else if (summary.thinkingSinceMs !== undefined) {
    parts.push(`thinks ${formatElapsed(nowMs - summary.thinkingSinceMs)}`);
  }
  if (last !== undefined) {
    const step = sanitizeLine(stepTitle(last));
    const since = current === undefined ? '' : ` ${formatElapsed(nowMs - current.startedAtMs)}`;
    parts.push(`${step}${since}`);
  }
  const head = `${SIGNS[status]} ${sanitizeLine(summary.agent)} ${sanitizeLine(id)}`;
  const text = `${head}  ${parts.join(' · ')}`;
  const line = cutToWidth(text, width);
  const paint = status === 'failed' ? style.red : status === 'paused' ? style.yellow : undefined;
  return paint === undefined ? line : paint(line);
}

export interface TripLine {
  id: string;
  line: 'prevent' | 'interrupt' | 'verify';
  action: string;
  state: string;
  detail: string;
  rule: string;
  dryRun: boolean;
  /** Something was done to the agent. */
  acted?: boolean;
  problem?: string;
}

const DOES: Record<string, string> = { pause: 'pauses', stop: 'stops', kill: 'kills' };

/** One line in plain words. The texts may be anything. */
export function tripLine(trip: TripLine): string {
  const what = trip.dryRun
    ? `would ${trip.action}`
    : trip.state === 'killed'
      ? 'killed'
      : trip.state === 'stopped'
        ? 'stopped'
        : trip.state === 'failed'
          ? `could not ${trip.action}`
          : trip.action === 'pause' && trip.acted === true
            ? 'paused'
            : trip.line === 'prevent'
              ? ({ deny: 'denied', ask: 'asked', alert: 'alert' }[trip.action] ??
                `call held, ${DOES[trip.action] ?? trip.action}`)
              : (DOES[trip.action] ?? trip.action);
  const alarm = trip.line === 'verify' ? 'A DENIED CALL RAN: ' : '';
  const problem = trip.problem === undefined ? '' : ` (${sanitizeLine(trip.problem)})`;
  return `${sanitizeLine(trip.id)}: ${what}: ${alarm}${sanitizeLine(trip.detail)} [${sanitizeLine(trip.rule)}]${problem}`;
}
