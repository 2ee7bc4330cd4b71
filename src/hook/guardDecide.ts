/** The decision of one hook: rules, what the session has come to, and the call. */
import { homedir } from 'node:os';
import { guardedCall } from '../guard/decision/callOf.ts';
import { decide } from '../guard/decision/decide.ts';
import type { GuardedCall } from '../guard/decision/guardedCall.ts';
import { readFacts } from '../guard/decision/sessionFacts.ts';
import { shellWorld } from '../guard/decision/shellWorld.ts';
import type { Verdict } from '../guard/decision/verdict.ts';
import { readRaised } from '../guard/raised.ts';
import { loadRules } from '../guard/rules/compiled.ts';
import { asks, type Condition, type Metric, type RuleSet } from '../guard/rules/rule.ts';
import { startDetached } from './detached.ts';
import type { BeforeTool, GuardMoment } from './guardMoment.ts';
import { logProblem } from './log.ts';
import { part } from './parts.ts';

/**
 * A decision is made by then, ms of our own work: on a machine that is busy with other things nothing is let through for
 * that, but the hook must be over before its agent gives up on it.
 */
export const DEADLINE_MS = 200;
const LATEST_MS = 4000;
/** Of events and of a transcript that are read at most, bytes. */
const MAX_BYTES = 1_048_576;

/** What only the agent's transcript knows. */
const FROM_TRANSCRIPT: ReadonlySet<Metric> = new Set([
  'cost_usd',
  'cost_per_hour',
  'tokens',
  'context_pct',
  'project_cost_7d',
]);

/** … and what the hooks of all agents but Claude Code tell of some calls, and not of others. */
const LATE_IN_HOOKS: ReadonlySet<Metric> = new Set([
  ...FROM_TRANSCRIPT,
  'errors',
  'consecutive_errors',
  'consecutive_test_failures',
  'retries',
  'files_modified',
  'lines_changed',
]);

/** What is lost with a trace that is removed, but for what was kept of it before. Money is kept whenever some is spent. */
const COUNTED: ReadonlySet<Metric> = new Set([
  'errors',
  'consecutive_errors',
  'consecutive_test_failures',
  'retries',
  'files_modified',
  'lines_changed',
  'tool_calls',
  'subagents',
  'subagent_depth',
]);

export interface Decision {
  rules: RuleSet;
  verdict: Verdict;
  /** Somebody removed or cut the session's trace. */
  cut?: boolean;
  call?: GuardedCall;
}

const env = process.env;

/** A repository may have given its agent another home: its commands mean that one. */
const { AGENT_STRACE_AGENT_HOME: agentHome } = env;
const agentEnv = agentHome === undefined ? env : { ...env, HOME: agentHome };

/** @throws where there are rules, and they cannot be read */
export function rulesOf({ known }: GuardMoment): RuleSet {
  const of = { project: known.project, session: known.session_id, env };
  return loadRules(of, () => part('rules').compile);
}

/** @throws where it cannot be decided at all */
export function decisionOn(
  at: GuardMoment & { tool?: BeforeTool['tool']; call?: BeforeTool['call'] },
): Decision {
  const { known, agent, tool } = at;
  const rules = rulesOf(at);
  if (rules.rules.length === 0) return { rules, verdict: { action: 'allow', fired: [] } };
  const late = agent === 'claude' ? FROM_TRANSCRIPT : LATE_IN_HOOKS;
  const ofTranscript = rules.rules.some(({ when }) => asksFor(when, late));
  if (ofTranscript && !at.silent) readTranscript(at);
  const session = known.session_id;
  const { facts, more, cut } = readFacts({
    session,
    traceDir: known.trace_dir,
    env,
    maxBytes: MAX_BYTES,
    firstSeen: known.first_seen,
    ...(rules.rules.some(({ when }) => asksFor(when, COUNTED, true)) && { keepBytes: 0 }),
  });
  // Its event is in the trace by now: it is one call, not two.
  facts.deciding(at.call);
  if (more) startDetached('--fold', { session, traceDir: known.trace_dir });
  const deadline = timer();
  const call = tool && guardedCall(tool, agent, worldOf(at, tool.cwd));
  const verdict = decide({
    rules,
    ...(call && { call }),
    facts,
    nowMs: Date.now(),
    where: 'hook',
    raised: readRaised(session, env),
    deadline,
    home: env.HOME || homedir(),
    project: known.project,
    ignoreCase: ignoresCase(),
    regex: (source) => part('regex').regexOf(source),
  });
  // What a short look finds out is true all the same.
  const failed = verdict.failed ?? (more && verdict.action === 'allow' ? 'tail' : undefined);
  return {
    rules,
    ...(call && { call }),
    cut,
    verdict: failed === undefined ? verdict : { ...verdict, failed },
  };
}

/** Whether two names that differ by their case only are one file's, as on most disks of macOS and Windows: the stricter side. */
export const ignoresCase = (platform: string = process.platform): boolean =>
  platform === 'darwin' || platform === 'win32';

/** @returns whether time is up */
function timer(): () => boolean {
  // `performance` would cost 1 ms more.
  const started = process.uptime();
  const before = process.cpuUsage();
  return () => {
    const passed = (process.uptime() - started) * 1000;
    if (passed <= DEADLINE_MS) return false;
    const { user, system } = process.cpuUsage(before);
    return passed > LATEST_MS || (user + system) / 1000 > DEADLINE_MS;
  };
}

function worldOf({ payload, known }: GuardMoment, cwd: string) {
  const agentId = payload.agent_id ?? payload.agentId;
  return {
    ...shellWorld({ cwd: cwd || known.project, env: agentEnv }),
    // Most calls are no commands: the reader is loaded for those that are.
    readCommand: (...given: Parameters<ReturnType<typeof reader>>) => reader()(...given),
    ...(typeof agentId === 'string' && agentId !== '' && { agentId }),
  };
}

const reader = () => part('shell').readCommand;

/** Whether a condition asks for one of these metrics. @param loops … or for calls that are repeated */
const asksFor = (when: Condition, metrics: ReadonlySet<Metric>, loops = false): boolean =>
  asks(when, (one) =>
    one.kind === 'metric'
      ? metrics.has(one.metric)
      : loops && (one.kind === 'loop' || one.kind === 'sequence'),
  );

/** As at a turn's end; nothing where another process reads it. */
function readTranscript({ agent, known, transcript }: GuardMoment): void {
  if (transcript === '' && agent === 'claude') return;
  try {
    part('transcripts').appendTranscript({
      agent,
      session: known.session_id,
      transcript,
      traceDir: known.trace_dir,
      maxBytes: MAX_BYTES,
    });
  } catch (error) {
    logProblem('transcript', error);
  }
}
