/** What `guard` prints of a {@link GuardStatus}: words for people, and JSON. */
import { relative } from 'node:path';
import { AGENTS } from '../../agents/agent.ts';
import { actionWithin } from '../../guard/rules/reach.ts';
import type { Rule } from '../../guard/rules/rule.ts';
import type { AgentGuard, GuardedBy, GuardStatus } from '../../guard/status.ts';
import { plural } from '../../model/format.ts';
import { moreText } from '../../report/bounds.ts';
import type { Style } from '../../report/style.ts';
import { renderTable, type TableColumn } from '../../report/table.ts';
import {
  cutToWidth,
  padToWidth,
  sanitizeLine,
  textWidth,
  wrapFacts,
} from '../../report/terminalText.ts';
import { isBelow } from '../../trace/paths.ts';
import { type Io, styleFor, widthOf } from '../io.ts';
import { problemLine, ruleSource } from '../ruleText.ts';
import { homely } from '../traces.ts';

/** Rules and trips that are shown; the rest is in the JSON. */
const MOST_RULES = 12;
const MOST_TRIPS = 5;
/** Columns, where there is no terminal; and of a name. */
const MOST_WIDTH = 120;
const MOST_NAME = 30;

export function statusText(io: Io, status: GuardStatus): string {
  const style = styleFor(io, io.stdout);
  return `${[
    headline(io, status, style),
    agentTable(io, status, style),
    ...rulesText(io, status, style),
    problemsText(io, status, style),
    tripsText(io, status, style),
    choicesText(io, status),
    nextText(io, status, style),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

function headline(io: Io, { on, project, rules, agents }: GuardStatus, style: Style): string {
  const where = sanitizeLine(homely(project));
  if (!on) {
    return opening(
      io,
      'The guard is off',
      `in ${where}: agents are recorded, and nothing is stopped.`,
      style.bold,
    );
  }
  const count = plural(rules.rules.length, 'rule');
  const dry = rules.dryRun === true ? ', told only (dry run)' : '';
  const guarded = agents.some(({ files }) => files.length > 0);
  return guarded
    ? opening(io, 'The guard is on', `in ${where}: ${count}${dry}.`, (text) =>
        style.bold(style.green(text)),
      )
    : opening(
        io,
        'The guard has no hooks',
        `in ${where}: ${count}, and no agent that is set up. Nothing is stopped.`,
        (text) => style.bold(style.yellow(text)),
      );
}

/** A sentence whose first words stand out, in lines of the terminal. */
function opening(io: Io, first: string, rest: string, paint: (text: string) => string): string {
  const text = wrapped(io, `${first} ${rest}`).join('\n');
  return text.startsWith(first) ? paint(first) + text.slice(first.length) : text;
}

/** In lines of the terminal; paths, which are to be copied, stay whole. */
const wrapped = (io: Io, text: string, indent = ''): string[] => {
  const width = widthOf(io);
  const room = width === undefined ? undefined : width - indent.length;
  return wrapFacts(text, room, 'keep').map((line) => indent + line);
};

interface AgentRow {
  guard: AgentGuard;
  by: GuardedBy | undefined;
}

function agentTable(io: Io, { agents, project }: GuardStatus, style: Style): string {
  const rows = agents
    .filter(({ installed, files }) => installed || files.length > 0)
    .flatMap((guard): AgentRow[] =>
      guard.files.length === 0
        ? [{ guard, by: undefined }]
        : guard.files.map((by) => ({ guard, by })),
    );
  if (rows.length === 0) return 'No agent was found on this machine.';
  const ifGuarded = (text: (row: AgentRow & { by: GuardedBy }) => string) => (row: AgentRow) =>
    row.by === undefined ? '' : text({ ...row, by: row.by });
  const columns: TableColumn<AgentRow>[] = [
    { title: 'AGENT', text: ({ guard }) => AGENTS[guard.agent].name },
    {
      title: 'GUARDED BY',
      text: ({ by }) => (by === undefined ? 'not set up' : fileText(by, project)),
      paint: (cell, { by }) =>
        by === undefined ? style.dim(cell) : by.current ? cell : style.yellow(cell),
      flexible: true,
    },
    {
      title: 'DENY',
      text: ifGuarded(({ guard, by }) =>
        by.denies ? `yes${guard.obeys.knownBy === 'documentation' ? ' ¹' : ''}` : 'no',
      ),
    },
    { title: 'ASK', text: ifGuarded(({ guard }) => ASK[guard.obeys.ask]), expendable: 1 },
    { title: 'STOP', text: ifGuarded(({ guard }) => STOP[guard.obeys.stop]), expendable: 2 },
    {
      title: 'RECORDER MISSING',
      text: ifGuarded(({ by }) => (by.closed ? 'no tool runs' : 'tools run')),
      expendable: 3,
    },
  ];
  const table = renderTable(columns, rows, { style, width: widthOf(io) }).trimEnd();
  const unseen = rows.some(({ guard, by }) => by?.denies && guard.obeys.knownBy !== 'tests');
  return unseen
    ? `${table}\n${style.dim('¹ by its documentation: not seen with the real one')}`
    : table;
}

const ASK = { agent: 'itself, or VS Code', editor: 'VS Code' } as const;
const STOP = { itself: 'itself', signal: 'by a signal', never: 'denied only' } as const;

/** In the project: as seen from there, which leaves room for the rest. */
const fileText = ({ file, current }: GuardedBy, project: string): string => {
  const shown = isBelow(file, project) ? relative(project, file) : homely(file);
  return `${sanitizeLine(shown)}${current ? '' : ' (older)'}`;
};

/** By where they come from, the built-in ones first. */
function rulesText(io: Io, { rules, off }: GuardStatus, style: Style): string[] {
  const sources = new Map<string, Rule[]>();
  for (const rule of rules.rules) {
    const source = ruleSource(rule, homely);
    sources.set(source, [...(sources.get(source) ?? []), rule]);
  }
  const width = widthOf(io) ?? MOST_WIDTH;
  const parts = [...sources].map(([source, list]) => {
    const shown = list.slice(0, MOST_RULES);
    const longest = shown.reduce(
      (most, { name }) => Math.max(most, textWidth(sanitizeLine(name))),
      0,
    );
    const names = Math.max(4, Math.min(MOST_NAME, longest, width - 11));
    const lines = shown.map(({ name, action, scope, text }) => {
      const does = actionWithin(action, scope, 'hook').padEnd(5);
      const head = `  ${does}  ${padToWidth(cutToWidth(sanitizeLine(name), names), names)}  `;
      const room = width - textWidth(head);
      return room < 12 ? head.trimEnd() : head + style.dim(cutToWidth(sanitizeLine(text), room));
    });
    const more = list.length - shown.length;
    const rest = moreText(more, '', '', 'agent-strace rules list');
    if (rest !== '') lines.push(...wrapped(io, rest, '  ').map(style.dim));
    return [...wrapped(io, source).map(style.bold), ...lines].join('\n');
  });
  if (off.length > 0) {
    const names = off.map(({ name, known, inForce }) => {
      const but = known ? '' : ' (no such rule)';
      return `${sanitizeLine(name)}${inForce ? ` (${ALL_THE_SAME})` : but}`;
    });
    parts.push(wrapped(io, `Switched off: ${names.join(', ')}`).join('\n'));
  }
  return parts;
}

const ALL_THE_SAME = 'in force while a file of rules cannot be read';

function problemsText(io: Io, { rules }: GuardStatus, style: Style): string {
  const lines = rules.problems.flatMap((problem) =>
    wrapped(io, problemLine(problem, homely), '  '),
  );
  const stale = rules.stale.flatMap((file) =>
    wrapped(io, `${sanitizeLine(homely(file))}: its last good version is in force`, '  '),
  );
  if (lines.length + stale.length === 0) return '';
  return [style.bold(style.red('Mistakes in rule files')), ...lines, ...stale].join('\n');
}

function tripsText(io: Io, { trips }: GuardStatus, style: Style): string {
  if (trips.length === 0) return '';
  const lines = trips.slice(0, MOST_TRIPS).map(({ at, action, rule, detail, state, dryRun }) => {
    const when = ago(io.now() / 1000 - at);
    const what = `${dryRun === true ? 'would ' : ''}${action}`;
    // What is denied is over with that: only what stands still, or came to an end, is in a state.
    const now = state === 'open' && !HOLDS.has(action) ? '' : ` (${state})`;
    const head = `  ${when.padEnd(8)} ${what.padEnd(6)} `;
    const width = widthOf(io);
    const room = width === undefined ? undefined : Math.max(20, width - head.length);
    const [first = '', ...others] = wrapFacts(
      `${sanitizeLine(rule.name)}: ${sanitizeLine(detail)}${now}`,
      room,
    );
    return [head + first, ...others.map((line) => ' '.repeat(head.length) + line)].join('\n');
  });
  return [style.bold('What tripped last'), ...lines].join('\n');
}

const HOLDS: ReadonlySet<string> = new Set(['pause', 'stop', 'kill']);

/** @param seconds since then */
function ago(seconds: number): string {
  if (seconds < 90) return 'just now';
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

function choicesText(io: Io, { choices: { safe, fail, ask }, rules }: GuardStatus): string {
  const forced = !safe && rules.rules.some(({ scope, fixed }) => scope === 'builtin' && !fixed);
  const facts = [
    `Safe set: ${safe ? 'on' : forced ? `off, but ${ALL_THE_SAME}` : 'off'}`,
    `can’t decide: ${fail === 'closed' ? 'no tool runs' : 'the tool runs'}`,
    `questions: ${{ auto: 'the agent’s own, else VS Code’s', agent: 'the agent’s own', editor: 'VS Code’s' }[ask]}`,
  ];
  return wrapped(io, facts.join(' · ')).join('\n');
}

function nextText(io: Io, { choices, agents, on }: GuardStatus, style: Style): string {
  const steps: [command: string, what: string][] = [];
  const guarded = agents.filter(({ files }) => files.length > 0);
  const older = guarded.filter(({ files }) => files.some(({ current }) => !current));
  const missed = agents.filter(({ installed, files }) => installed && files.length === 0);
  if (on)
    steps.push(["agent-strace rules test 'rm -rf ~'", 'what a call would meet, without making it']);
  if (!choices.safe) steps.push(['agent-strace guard on', 'stop the worst, in every project']);
  if (older.length > 0) {
    steps.push([
      `agent-strace setup --cli ${older.map(({ agent }) => agent).join(',')}`,
      'renew their hooks: these do not fit what you chose, or are older and wait 8 s for an answer at most',
    ]);
  }
  if (on && missed.length > 0) {
    steps.push([
      `agent-strace setup --cli ${missed.map(({ agent }) => agent).join(',')}`,
      'guard them, too',
    ]);
  }
  const width = widthOf(io);
  const lines = steps.flatMap(([command, what]) => {
    const line = `${command}   ${what}`;
    const fits = width === undefined || textWidth(line) <= width;
    return fits ? [line] : [command, ...wrapped(io, what, '    ')];
  });
  return lines.map(style.dim).join('\n');
}

export function statusJson(status: GuardStatus): Record<string, unknown> {
  const { project, on, choices, rules, off, agents, trips } = status;
  return {
    project,
    on,
    choices,
    rules: rules.rules.map(({ name, action, scope, text, message, file, line, fixed }) => ({
      name,
      action,
      scope,
      text,
      ...(message !== undefined && { message }),
      ...(file !== undefined && { file }),
      ...(line !== undefined && { line }),
      ...(fixed === true && { fixed }),
    })),
    ...(rules.budget !== undefined && { budget: rules.budget }),
    ...(rules.dryRun === true && { dry_run: true }),
    off: off.map(({ name }) => name),
    problems: rules.problems,
    stale: rules.stale,
    agents: agents.map(({ agent, installed, files, obeys }) => ({
      agent,
      name: AGENTS[agent].name,
      installed,
      files: files.map(({ file, scope, current, denies, holdMs, closed }) => ({
        file,
        scope,
        current,
        denies,
        hold_ms: holdMs,
        fail: closed ? 'closed' : 'open',
      })),
      obeys: { ...obeys, known_by: obeys.knownBy, knownBy: undefined },
    })),
    trips,
  };
}
