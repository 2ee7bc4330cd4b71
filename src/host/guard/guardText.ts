/** What the window says of rules that tripped. Pure: plain text, made safe by whoever shows it. */
import { basename, isAbsolute, relative } from 'node:path';
import type { Approval } from '../../guard/approvals.ts';
import type { Trip } from '../../guard/trips.ts';
import { formatUsd } from '../../model/format.ts';
import { agentName } from '../../model/summary.ts';
import { cut, oneLine } from '../../model/text.ts';

/** Of a call in a sentence, UTF-16 units. */
const MAX_CALL = 60;

export const agentOf = ({ agent }: { agent: string }): string => cut(agentName(agent), 40);

/** Acts upon the agent, as opposed to telling it no, or telling only. */
export const isGrave = ({ action, line, dryRun }: Trip): boolean =>
  dryRun !== true &&
  (line === 'verify' || action === 'pause' || action === 'stop' || action === 'kill');

/** Its rule is a limit of the session's cost, and the trip says what it came to. */
export const isCost = ({ rule, value }: Trip): boolean =>
  value !== undefined && /^\s*cost_usd\b/.test(rule.text);

/** `cost $5.02 is over $5.00`, else what the rule says. */
const why = ({ detail, rule }: Trip): string => oneLine(detail || rule.message || rule.text, 200);

const callOf = ({ call }: Trip): string =>
  call ? oneLine(call.target || call.tool, MAX_CALL) || 'A call' : 'A call';

const DONE_TO = { pause: 'is paused', stop: 'was stopped', kill: 'was killed' } as const;
const DOING_TO = { pause: 'is being paused', stop: 'is being stopped', kill: 'is being killed' };
const FAILED_TO = {
  pause: 'could not be paused',
  stop: 'could not be stopped',
  kill: 'could not be killed',
};

/**
 * One line: who, what, why.
 *
 * @param pending it was told, and nothing has been done yet
 */
export function headlineOf(trip: Trip, pending: boolean): string {
  const agent = agentOf(trip);
  if (trip.line === 'verify') return `${callOf(trip)} ran although it was denied.`;
  const { action } = trip;
  if (action !== 'pause' && action !== 'stop' && action !== 'kill') return `${agent}: ${why(trip)}`;
  if (trip.state === 'failed') return `${agent} ${FAILED_TO[action]}: ${why(trip)}`;
  const over = trip.state === 'resumed' || trip.state === 'raised';
  const did = over ? 'was paused' : pending ? DOING_TO[action] : DONE_TO[action];
  return isCost(trip) ? `${agent} ${did} at ${usd(trip.value)}` : `${agent} ${did}: ${why(trip)}`;
}

const usd = (value = Number.NaN): string => formatUsd(value * 1e9);

/** For the notification: a sentence or two. */
export function noticeText(trip: Trip, pending: boolean): string {
  const agent = agentOf(trip);
  if (trip.line === 'verify')
    return `${headlineOf(trip, false)} ${agent} ignored its rule ${trip.rule.name}.`;
  if (trip.dryRun)
    return `Dry run: ${agent}: ${why(trip)}. The rule ${trip.rule.name} would ${trip.action}.`;
  const { action, value, limit } = trip;
  if (action === 'pause' || action === 'stop' || action === 'kill') {
    const did =
      trip.state === 'failed' ? FAILED_TO[action] : pending ? DOING_TO[action] : DONE_TO[action];
    const reason =
      isCost(trip) && limit !== undefined
        ? `cost ${usd(value)} passed your limit of ${usd(limit)}`
        : why(trip);
    return `${agent} ${did}: ${reason}.${trip.problem ? ` ${trip.problem}` : ''}`;
  }
  if (action === 'alert') return `${agent}: ${why(trip)} (rule ${trip.rule.name}).`;
  return `${agent} was denied ${callOf(trip)} (rule ${trip.rule.name}).`;
}

/** For the notification of a call that waits. */
export function requestText(request: Approval): string {
  const { call } = request;
  const what = oneLine(call.target, 120) || call.tool;
  const why = request.rule.message ? ` ${oneLine(request.rule.message, 160)}` : '';
  return `${agentOf(request)} asks for your word (rule ${request.rule.name}): ${what}${why === '' ? '' : ` –${why}`}`;
}

/** The last name of a path, of this system or another. */
export const projectName = (path: string): string =>
  path.split(/[\\/]/).filter(Boolean).at(-1) ?? '';

/** `.watch-rules.yaml:12`; undefined: built in. @param project absolute path, or empty */
export function placeOf(
  { file, line }: { file?: string; line?: number },
  project: string,
): string | undefined {
  if (file === undefined || file === '' || !isAbsolute(file)) return undefined;
  const inside = project === '' ? '' : relative(project, file);
  const shown =
    inside === '' || inside.startsWith('..') || isAbsolute(inside) ? basename(file) : inside;
  return line === undefined ? shown : `${shown}:${line}`;
}

/** Why a process was left alone, for people. */
export const LEFT_ALONE: Record<string, string> = {
  otherUser: 'runs as another user',
  editor: 'is part of the editor',
  ours: 'is the recorder',
  service: 'is a service of the system',
  terminal: 'is a terminal',
  refused: 'the system refused',
  stoppedBefore: 'was stopped before',
  busy: 'could not be reached in time',
};
