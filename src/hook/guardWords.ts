/** What the guard says to the agent and its person: plain words of one line, whatever the trace holds. */
import type { Fired, Verdict } from '../guard/decision/verdict.ts';
import { DENIED } from '../guard/proofOfRun.ts';
import type { Rule } from '../guard/rules/rule.ts';
import { plainText } from '../guard/store.ts';
import { redactText } from '../redact/redact.ts';

/** Longest answer, UTF-16 units: some agents show it whole in their prompt. */
const MAX_REASON = 900;

/** Without secrets, and what steers a terminal. */
export const safeWords = (text: string, max: number): string =>
  plainText(redactText(text.slice(0, 8000), {}, 'secrets'), max);

/** What became of the question whether the call may run. */
export type Asked = 'deny' | 'timeout' | 'nobody';

const ASKED: Record<Asked, string> = {
  deny: 'The person at the editor said no.',
  timeout: 'A person was asked, and did not answer in time.',
  nobody: 'It needs a person’s word, and nobody could be asked.',
};

const shortName = ({ name, file, line }: Rule): string => {
  const place = file === undefined ? '' : ` (${file.split(/[\\/]/).at(-1)}:${line ?? 1})`;
  return `“${plainText(name, 100)}”${place}`;
};

/** Why a call does not run, for the agent: the rule, what it saw, and what to do now. */
export function reasonFor({ rule, detail, action }: Fired, asked?: Asked): string {
  const parts = [
    `${DENIED}, rule ${shortName(rule)}: ${safeWords(detail, 300)}.`,
    ...(asked === undefined ? [] : [ASKED[asked]]),
    ...(rule.message === undefined ? [] : [ended(safeWords(rule.message, 300))]),
    NEXT[action === 'alert' ? 'deny' : action],
  ];
  return plainText(parts.join(' '), MAX_REASON);
}

const RETRY = 'Trying it again, or in another way, will not help';
const NEXT = {
  ask: `${RETRY}: go on without it, or tell the person what you need it for.`,
  deny: `${RETRY}: go on without it, or tell the person what you need it for.`,
  pause: `${RETRY}: the session is paused until a person lets it go on.`,
  stop: `${RETRY}: the session ends here. Say in a sentence what is left to do.`,
  kill: `${RETRY}: the session ends here.`,
};

/** Of a whole call, UTF-16 units: a person reads it before they answer. */
const MAX_CALL = 12_000;

/** A call's input as plain text: the command, else each part below its name. Redacted. */
export function callText(input: unknown): string {
  if (typeof input !== 'object' || input === null) return '';
  const parts = Object.entries(input);
  const [only] = parts.filter(([name]) => name === 'command' || name === 'cmd');
  const shown =
    typeof only?.[1] === 'string'
      ? only[1]
      : parts
          .map(([name, value]) => {
            const text = typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}`;
            return text.includes('\n') ? `${name}:\n${text}` : `${name}: ${text}`;
          })
          .join('\n');
  const clean = redactText(shown.slice(0, 2 * MAX_CALL), {}, 'secrets');
  return clean.length > MAX_CALL ? `${clean.slice(0, MAX_CALL)}…` : clean;
}

/** For the person who is asked by the agent's own prompt. */
export const questionFor = ({ rule, detail }: Fired): string =>
  plainText(
    [
      `agent-strace asks, rule ${shortName(rule)}: ${safeWords(detail, 300)}.`,
      ...(rule.message === undefined ? [] : [ended(safeWords(rule.message, 300))]),
    ].join(' '),
    MAX_REASON,
  );

const FAILED: Record<NonNullable<Verdict['failed']>, string> = {
  deadline: 'its rules took longer than 200 ms',
  tail: 'the session has written more than could be read in time',
  error: 'its rules or its files could not be read (see ~/.agent-strace/log/hook.log)',
};

/** Why nothing could be decided. */
export const failureDetail = (failed: NonNullable<Verdict['failed']>): string =>
  `the guard could not decide: ${FAILED[failed]}`;

/** … and it was chosen that nothing runs then. */
export const failureReason = (failed: NonNullable<Verdict['failed']>): string =>
  `${DENIED}: ${failureDetail(failed)}, and the person chose that no tool runs then. ` +
  (failed === 'tail'
    ? 'It catches up: try once more in a few seconds.'
    : 'Tell the person; “agent-strace guard” shows what is wrong.');

const ended = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);
