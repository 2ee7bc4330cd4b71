import { phaseAt } from '../analysis/phases/phase.ts';
import { formatAge, formatTimeOfDay, formatUsd, MISSING } from '../model/format.ts';
import type { MarkKind } from '../model/lineMarks.ts';
import { agentName } from '../model/summary.ts';
import { cut, oneLine } from '../model/text.ts';
import { visibleText } from '../model/visibleText.ts';
import type { SessionStep } from './markedDocument.ts';
import { commandUri, markdown } from './plainText.ts';

/** What the marks say of one step; words of a trace are hostile and still as they came. */
export interface StepFacts {
  kind: MarkKind;
  sessionKey: string;
  /** Place in the list of steps; -1: it is in none. */
  step: number;
  steps: number;
  agent: string;
  /** `Edit`, `Read`, a command. */
  tool: string;
  added?: number;
  removed?: number;
  /** When it was over, ms since the epoch. */
  doneMs: number;
  /** Nano-dollars; NaN where unknown. */
  nanoUsd: number;
  prompt: string;
  /** Which of the session's prompts that is, from 1; 0: none is known. */
  phase: number;
  phases: number;
  phaseNanoUsd: number;
}

/** Reads at most two events of the trace. */
export function stepFacts({ session, row, kind }: SessionStep): StepFacts {
  const { trace } = session;
  const { fold } = trace;
  const { columns } = fold;
  const timeMs = columns.timeMs[row] ?? 0;
  const step = fold.steps.stepOf(row);
  const words = step < 0 ? undefined : trace.describe(step, step + 1)[0];
  const phases = fold.phases.all();
  const phase = phaseAt(phases, timeMs) + 1;
  const found = phases[phase - 1];
  const prompts = phases.filter(({ row: prompt }) => prompt >= 0).length;
  const prompt =
    found && found.row >= 0 ? trace.readEvents([found.row])[0]?.data.prompt : undefined;
  return {
    kind,
    sessionKey: session.key,
    step,
    steps: fold.steps.length,
    agent: agentName(fold.session.provider, fold.session.agentName),
    tool: words ? words.verb || words.target : '',
    ...(words?.added !== undefined && { added: words.added }),
    ...(words?.removed !== undefined && { removed: words.removed }),
    doneMs: columns.timeMs[columns.pair[row]!] ?? timeMs,
    nanoUsd: fold.stepNanoUsd(row),
    prompt: typeof prompt === 'string' ? prompt : '',
    phase: found && found.row >= 0 ? phase - (phases.length - prompts) : 0,
    phases: prompts,
    phaseNanoUsd: found?.nanoUsd ?? Number.NaN,
  };
}

/** The commands of the hover: the only ones that it may run. */
export const HOVER_COMMANDS = [
  'agentStrace.replay',
  'agentStrace.showStepDiff',
  'agentStrace.showWhy',
] as const;

/** Prompts are quoted so far, characters. */
const QUOTED = 160;

/**
 * The hover of a marked line, as Markdown with icons, trace text escaped. A line that was only read
 * gets two short lines, so that it does not stand in the way of what else is to be said.
 */
export function hoverText(step: StepFacts, earlier: readonly StepFacts[], nowMs: number): string {
  const age = markdown(formatAge(step.doneMs, nowMs));
  const agent = markdown(cut(step.agent, 40));
  const parts: string[] = [];
  if (step.kind === 'modified') {
    parts.push(`$(edit) **Changed by ${agent}**&nbsp;&nbsp;${age}`);
    if (step.prompt) parts.push(`> “${markdown(oneLine(step.prompt, QUOTED))}”`);
    const phase =
      step.phase > 0 ? `${step.phase} of ${step.phases} · ${usd(step.phaseNanoUsd)}` : MISSING;
    parts.push(
      [
        // A table needs a heading: what one looks for first is it.
        `| Cost of step&nbsp;&nbsp; | ${usd(step.nanoUsd)} |`,
        '|:---|:---|',
        `| Step | ${stepWords(step)} |`,
        `| Prompt | ${phase} |`,
      ].join('\n'),
    );
  } else {
    parts.push(
      `$(book) **Read by ${agent}**&nbsp;&nbsp;${stepWords(step)} · ${usd(step.nanoUsd)} · ${age}`,
    );
  }
  for (const other of earlier) {
    const done = other.kind === 'modified' ? 'Changed' : 'Read';
    const who = markdown(cut(other.agent, 40));
    parts.push(`${done} by ${who} before: ${stepWords(other)} · ${usd(other.nanoUsd)}`);
  }
  return [...parts, links(step)].filter(Boolean).join('\n\n');
}

function stepWords({ step, steps, tool, added, removed }: StepFacts): string {
  const place = step < 0 ? '' : `${step + 1} of ${steps}`;
  const lines = [
    added ? `+${added}` : '',
    // A minus sign, as all numbers have it.
    removed ? `−${removed}` : '',
  ];
  const words = [markdown(cut(tool, 40)), ...lines.map(markdown)].filter(Boolean).join(' ');
  return [place, words].filter(Boolean).join(', ');
}

function links({ kind, sessionKey, step }: StepFacts): string {
  if (step < 0) return '';
  const [replay, diff, why] = HOVER_COMMANDS.map((command) =>
    commandUri(command, sessionKey, step),
  );
  const all = [`[$(history) Open in replay](${replay} "Replay the session from this step")`];
  if (kind === 'modified') {
    all.push(`[$(diff) Show diff](${diff} "What this step changed")`);
  }
  all.push(`[$(question) Why?](${why} "What led to this step, back to the prompt")`);
  return `---\n\n${all.join('&nbsp;&nbsp;&nbsp;')}`;
}

/** `Claude Code · step 118 · 14:16 · $0.0312`. */
export function labelText(step: StepFacts, nowMs: number): string {
  return [
    visibleText(cut(step.agent, 40)),
    ...(step.step < 0 ? [] : [`step ${step.step + 1}`]),
    clock(step.doneMs, nowMs),
    ...(Number.isNaN(step.nanoUsd) ? [] : [formatUsd(step.nanoUsd)]),
  ].join(' · ');
}

/** `14:16` today, else the day: a label does not count minutes. */
function clock(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  if (at.toDateString() !== new Date(nowMs).toDateString()) return formatAge(atMs, nowMs);
  return formatTimeOfDay(atMs);
}

/** `Modified twice, read 4 times`. */
export function countWords({ reads, writes }: { reads: number; writes: number }): string {
  const words = [
    ...(writes > 0 ? [`modified ${times(writes)}`] : []),
    ...(reads > 0 ? [`read ${times(reads)}`] : []),
  ].join(', ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const times = (count: number): string =>
  count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;

const usd = (nanoUsd: number): string =>
  Number.isNaN(nanoUsd) ? MISSING : markdown(formatUsd(nanoUsd));
