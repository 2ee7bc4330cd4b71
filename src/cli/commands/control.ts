import { createInterface } from 'node:readline/promises';
import { GUARD_TIMEOUT_S } from '../../agents/hookEntry.ts';
import { ownRecord } from '../../agents/process.ts';
import { act, type BrakeAction, notable } from '../../guard/brake.ts';
import type { ControlReport, Outcome, Why } from '../../guard/control.ts';
import { isHeld, settleByHand } from '../../guard/tripActs.ts';
import type { Trip } from '../../guard/trips.ts';
import { nameOf } from '../../guard/verify.ts';
import { plural } from '../../model/format.ts';
import { sanitizeLine } from '../../report/terminalText.ts';
import type { SessionEntry } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { CliError, Interrupted, type Io, printFacts, printJson, styleFor, warn } from '../io.ts';
import { uniquePrefixes } from '../listing.ts';
import { forPersonOnly } from '../personOnly.ts';
import { findSession, listEntries, openStore, processState, type TraceOptions } from '../traces.ts';

export interface ControlOptions extends TraceOptions {
  json?: boolean;
  /** Seconds. */
  grace?: number;
  yes?: boolean;
}

const DEFAULT_GRACE_S = 5;

/** Pauses, resumes, stops or kills the agent of a session. */
export async function control(
  io: Io,
  action: BrakeAction,
  id: string | undefined,
  options: ControlOptions,
): Promise<number> {
  const store = openStore(io, options);
  const entry =
    id === undefined || id === ''
      ? onlyLive(io, listEntries(io, store), action)
      : findSession(io, store, id);
  const agent = nameOf(ownRecord(entry.traceDir, entry.id, io.env)?.agent);
  if (action === 'kill' && options.yes !== true) {
    const answer = await agreed(io, agent);
    if (answer !== undefined) return answer;
  }
  if (action === 'resume' && isHeld(entry.id, io.env)) forPersonOnly(io, 'resume');
  const outcome = await brake(io, action, entry, options);
  const trips = outcome.ok && action !== 'pause' ? settleByHand(entry.id, action, io.env) : [];
  if (options.json === true) await printJson(io, outcomeJson(action, entry.id, outcome));
  else if (outcome.ok) {
    await tell(io, action, agent, entry.id, outcome);
    // The recorder and a watch may both have held it: to a person that is one rule.
    const again = new Set(trips.filter(({ state }) => state === 'resumed').map(nameOfRule));
    for (const name of again) {
      await printFacts(io, `The rule "${sanitizeLine(name)}" asks again at its next step.`);
    }
  } else warn(io, `Could not ${action}: ${sanitizeLine(outcome.message)}`, 'red');
  return outcome.ok && outcome.state !== 'partly' ? EXIT.ok : EXIT.none;
}

const nameOfRule = ({ rule }: Trip): string => rule.name;

async function brake(
  io: Io,
  action: BrakeAction,
  entry: SessionEntry,
  { grace = DEFAULT_GRACE_S }: ControlOptions,
): Promise<Outcome> {
  try {
    return await act(action, entry.traceDir, entry.id, { graceMs: grace * 1000, env: io.env });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new CliError(`The state folder cannot be used (${sanitizeLine(code)})`, EXIT.none);
  }
}

/** The one session whose agent runs (for `resume`: is paused). @throws CliError where there is none, or several */
function onlyLive(io: Io, entries: readonly SessionEntry[], action: BrakeAction): SessionEntry {
  const seen = new Set<number>();
  // The newest first: after /clear one process has several sessions, of which the last goes on.
  const live = entries.flatMap((entry) => {
    const { pid } = ownRecord(entry.traceDir, entry.id, io.env) ?? {};
    const state = pid === undefined ? 'gone' : processState(io, entry.id);
    if (pid === undefined || state === 'gone' || seen.has(pid)) return [];
    seen.add(pid);
    return [{ entry, paused: state === 'stopped' || state === 'held' }];
  });
  const fitting =
    action === 'resume'
      ? live.filter(({ paused }) => paused)
      : action === 'pause'
        ? live.filter(({ paused }) => !paused)
        : live;
  const [first, ...others] = fitting;
  if (first !== undefined && others.length === 0) return first.entry;
  if (first === undefined) {
    const all = live.length > 0 ? (action === 'resume' ? 'is paused' : 'is left to pause') : 'runs';
    throw new CliError(`No agent ${all} here.`, EXIT.none, 'See all sessions: agent-strace list');
  }
  const shortIds = uniquePrefixes(entries.map(({ id }) => id));
  const names = fitting.map(({ entry: { traceDir, id } }) => {
    const agent = nameOf(ownRecord(traceDir, id, io.env)?.agent);
    return `  agent-strace ${action} ${sanitizeLine(shortIds.get(id) ?? id)}   ${agent}`;
  });
  throw new CliError(
    `${plural(fitting.length, 'agent')} fit: say which one.`,
    EXIT.none,
    names.join('\n'),
  );
}

/** @returns the exit code where it is not to be done */
async function agreed(io: Io, agent: string): Promise<number | undefined> {
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) {
    io.stderr.write('Nothing was killed. To do it without being asked, add --yes\n');
    return EXIT.usage;
  }
  io.stderr.write(`Kill ${agent} and everything it runs? It can save nothing. [y/N] `);
  const lines = createInterface({ input: io.stdin, terminal: false });
  try {
    const answer = await lines.question('', { signal: io.signal });
    if (/^\s*(y|yes)\s*$/i.test(answer)) return undefined;
  } catch (error) {
    if (io.signal.aborted) throw new Interrupted();
    throw error;
  } finally {
    lines.close();
  }
  io.stderr.write('Nothing was killed.\n');
  return EXIT.none;
}

const WORDS: Record<Why, string> = {
  otherUser: "another user's",
  editor: 'an editor',
  terminal: 'in a terminal of its own',
  service: 'a service of yours',
  ours: 'this runs inside it',
  stoppedBefore: 'it was stopped already, by somebody else',
  busy: 'busy in the system',
  refused: 'the system refused it',
  gone: 'gone',
  sent: '',
};

async function tell(
  io: Io,
  action: BrakeAction,
  agent: string,
  id: string,
  report: ControlReport,
): Promise<void> {
  const style = styleFor(io, io.stdout);
  const state = {
    paused: 'is paused',
    running: 'goes on',
    ended: 'has ended',
    partly: 'is only partly',
  }[report.state];
  const done = report.processes.filter(
    (one) => one.role !== 'onlooker' && one.state !== 'leftAlone',
  );
  const how =
    report.kind === 'cooperative'
      ? report.state === 'paused'
        ? `: before its next tool it waits, as long as its hook may (${GUARD_TIMEOUT_S / 60} minutes; 8 s with hooks of an older set-up), then the tool runs. What runs now goes on.`
        : '.'
      : report.state === 'partly'
        ? ` ${{ pause: 'paused', resume: 'resumed', stop: 'stopped', kill: 'killed' }[action]}.`
        : ` (${plural(done.length, 'process', 'processes')}, ${Math.round(report.elapsedMs)} ms).`;
  await printFacts(io, `${agent} ${state}${how}`, (line) => line.replace(agent, style.bold));
  for (const one of notable(action, report)) {
    const why = one.why === undefined ? one.state : WORDS[one.why];
    warn(io, `Left alone: ${one.pid} ${sanitizeLine(one.name)} (${why})`);
  }
  if (report.unsaved !== undefined) {
    warn(
      io,
      `What was frozen could not be written down (${sanitizeLine(report.unsaved)}), so 'agent-strace resume' will not know it. Continue it with: kill -CONT ${done.map(({ pid }) => pid).join(' ')}`,
    );
  } else if (report.state === 'paused') {
    await printFacts(
      io,
      `To go on: agent-strace resume ${sanitizeLine(id.slice(0, 8))}`,
      style.dim,
    );
  }
}

function outcomeJson(action: BrakeAction, id: string, outcome: Outcome): Record<string, unknown> {
  const head = { action, session_id: id };
  if (!outcome.ok) {
    return { ...head, state: 'refused', reason: outcome.reason, message: outcome.message };
  }
  return {
    ...head,
    state: outcome.state,
    kind: outcome.kind,
    elapsed_ms: Math.round(outcome.elapsedMs * 10) / 10,
    processes: outcome.processes.map(({ pid, name, role, state, why }) => ({
      pid,
      name,
      role,
      state,
      ...(why !== undefined && { why }),
    })),
  };
}
