/** A post-mortem as files: `postmortem.md` for people, `watchdog-postmortem.json` for programs. Pure. */
import type { JsonObject } from '../model/event.ts';
import { formatDuration, formatUsd, MISSING, plural } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import type { Postmortem, PostmortemStep } from './postmortem.ts';

const NANO = 1e9;

const HEADINGS: Record<Postmortem['ending']['how'], string> = {
  killed: 'Killed',
  stopped: 'Stopped',
  crashed: 'Crashed',
  ended: 'Ended',
  running: 'Still running',
};

export function postmortemMarkdown(post: Postmortem): string {
  return `${[
    `# ${HEADINGS[post.ending.how]}: ${markdownText(post.title) || 'untitled session'}`,
    markdownText(post.ending.why),
    facts(post),
    cause(post),
    list('Was running', post.running.map(stepText)),
    files(post),
    good(post),
    list('Last steps', post.lastSteps.map(stepText)),
    list('Signs', post.hints),
    `## To go on\n\nPaste this into a new session:\n\n${fence(post.recovery)}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

/** Seconds since the epoch as `2026-11-26 04:35:00 UTC`. */
const moment = (seconds: number): string =>
  Number.isFinite(seconds) && seconds > 0 && seconds < 8e9
    ? `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
    : MISSING;

function facts(post: Postmortem): string {
  const { rule } = post;
  const where =
    rule?.file === undefined
      ? ''
      : ` (${markdownText(rule.file)}${rule.line ? `:${rule.line}` : ''})`;
  const lines = [
    ...(rule === undefined
      ? []
      : [`- **Rule**: ${markdownText(rule.name)}: ${markdownText(rule.text)}${where}`]),
    `- **Agent**: ${[post.agent, post.model].filter(Boolean).map(markdownText).join(', ')}`,
    `- **Cost at the end**: ${post.costUsd === null ? 'not known' : formatUsd(post.costUsd * NANO)}`,
    `- **Duration**: ${formatDuration(post.durationMs)}, from ${moment(post.startedAt)} to ${moment(post.endedAt)}`,
    `- **Steps**: ${plural(post.calls, 'call')}, ${plural(post.errors, 'error')}`,
    `- **Folder**: ${markdownText(post.cwd) || MISSING}`,
    `- **Session**: ${markdownText(post.session)}`,
  ];
  return lines.join('\n');
}

function cause({ rootCause: root }: Postmortem): string {
  if (root === undefined) return '';
  const tried = root.attempts > 1 ? ` It was tried ${root.attempts} times.` : '';
  const after =
    root.stepsAfter > 0
      ? ` After it came ${plural(root.stepsAfter, 'step')}${root.costAfterUsd > 0 ? ` and ${formatUsd(root.costAfterUsd * NANO)}` : ''}.`
      : '';
  const said = root.message === '' ? '' : `: ${markdownText(root.message)}`;
  return `## Where it went wrong\n\nThe first failure that was never made good: ${markdownText(root.step)}${said}.${tried}${after}`;
}

function files(post: Postmortem): string {
  const lines = post.halfChanged.map(({ path, why, added, removed }) => {
    const counts = added + removed > 0 ? ` (+${added} −${removed})` : '';
    return `${markdownText(path)}${counts}: ${markdownText(why)}`;
  });
  if (post.unknownCommands > 0) {
    lines.push(
      `Of ${plural(post.unknownCommands, 'command')} it is not known whether they changed other files.`,
    );
  }
  return section('Files that may be half changed', lines);
}

const good = ({ lastGood: last }: Postmortem): string =>
  last === undefined
    ? ''
    : `The last command that showed the work to be good: ${markdownText(last.step)}, ${moment(last.at)}.`;

const stepText = ({ step, outcome, failed }: PostmortemStep): string =>
  `${failed ? '✗ ' : ''}${step}${outcome === '' ? '' : ` (${outcome})`}`;

const list = (heading: string, lines: readonly string[]): string =>
  section(heading, lines.map(markdownText));

const section = (heading: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `## ${heading}\n\n${lines.map((line) => `- ${line}`).join('\n')}`;

/** A block that the text in it cannot end: longer than any run of its sign there. */
function fence(text: string): string {
  const runs = text.match(/`{3,}/g) ?? [];
  const sign = '`'.repeat(Math.max(3, ...runs.map(({ length }) => length + 1)));
  return `${sign}text\n${text.trimEnd()}\n${sign}`;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The shape of the Python tool's file; its readers know no other keys. */
export function watchdogJson(post: Postmortem): JsonObject {
  return {
    session_id: post.session,
    terminated_at: post.endedAt,
    reason: post.ending.why,
    elapsed_seconds: round(post.durationMs / 1000, 2),
    cost_at_death: round(post.costUsd ?? 0, 6),
    last_tool_call: post.lastCall?.data ?? {},
    last_llm_response: post.lastResponse?.data ?? {},
    recovery_context: post.recovery,
    max_cost_dollars: isMoney(post) ? (post.limit ?? 0) : 0,
    budget_at_death: isMoney(post) ? round((post.limit ?? 0) - (post.costUsd ?? 0), 6) : 0,
  };
}

const isMoney = (post: Postmortem): boolean =>
  /\bcost_usd\b|\bbudget\b/.test(post.rule?.text ?? '');
