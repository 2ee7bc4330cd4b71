import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ownRecord } from '../../agents/process.ts';
import { writePriceTable } from '../../guard/decision/writePriceTable.ts';
import { runOnDeath } from '../../guard/onDeath.ts';
import { regexOf } from '../../guard/rules/regex.ts';
import type { Action, RuleProblem } from '../../guard/rules/rule.ts';
import { rulesFor } from '../../guard/rules/rulesFor.ts';
import type { Trip } from '../../guard/trips.ts';
import { Watch } from '../../guard/watch.ts';
import { type WatchFlags, watchRules } from '../../guard/watchRules.ts';
import { postmortemOf, savePostmortem, writePostmortem } from '../../guard/writePostmortem.ts';
import * as personalRules from '../../redact/personalRules.ts';
import { usePersonalRules } from '../../redact/redact.ts';
import { sanitizeLine } from '../../report/terminalText.ts';
import { openAppend } from '../../trace/files.ts';
import type { SessionEntry } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { CliError, Interrupted, type Io, sleep, warn } from '../io.ts';
import { problemLine } from '../ruleText.ts';
import {
  findSession,
  homely,
  openStore,
  projectOf,
  sharedPricer,
  type TraceOptions,
} from '../traces.ts';
import { tripText, WatchScreen } from '../watchScreen.ts';

export interface WatchCommandOptions extends TraceOptions, WatchFlags {
  onViolation?: 'terminal' | 'file' | 'kill';
  onDeath?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** How often the sessions are looked at, ms. */
const POLL_MS = 500;

/** Follows the sessions that run, and holds them to their rules until they end or Ctrl-C. */
export async function watch(
  io: Io,
  id: string | undefined,
  options: WatchCommandOptions,
): Promise<number> {
  const store = openStore(io, options);
  const entry = id === undefined ? undefined : findSession(io, store, id);
  const record = entry && ownRecord(entry.traceDir, entry.id, io.env);
  if (entry !== undefined && record === undefined) {
    throw new CliError(
      'This session was not recorded on this machine, so its process is not known and cannot be stopped',
      EXIT.none,
      'Read it with: agent-strace replay --live',
    );
  }
  const project = record?.project ?? projectOf(io);
  const { own, problems } = watchRules(options, { project, cwd: io.cwd, env: io.env });
  if (problems.length > 0) throw badRules(problems);
  usePersonalRules(personalRules);
  await writePriceTable(io.env).catch((error: Error) =>
    warn(io, `Rules on cost may not see all models: ${sanitizeLine(error.message)}`),
  );
  const screen = new WatchScreen(io, options.json === true);
  const engine = new Watch({
    sessions: () => store.list().sessions,
    ...(entry !== undefined && { only: entry.id }),
    project,
    own,
    rules: (of, session) => rulesFor({ project: of, session, env: io.env }),
    env: io.env,
    pricer: await sharedPricer(),
    regex: regexOf,
    ...(options.dryRun === true && { dryRun: true }),
    ...(options.onViolation === 'kill' && { kill: true }),
    tripped: (trip) => {
      screen.trip(trip);
      if (options.onViolation === 'file') logAlert(io, trip);
    },
    problem: (message) => screen.note(`agent-strace: ${message}`),
    postmortem: (trip) => writePostmortem(trip, io.env),
    died: async (trip, path) => {
      screen.postmortem(trip.session, path);
      await onDeath(io, options, trip.session, path);
    },
    crashed: async (gone) => await crashed(io, options, gone, screen),
  });
  try {
    const inForce = rulesFor({ project, env: io.env });
    for (const problem of inForce.problems)
      warn(io, `Rules: ${problemLine(problem, homely)}`, 'red');
    screen.start(own.length, inForce.rules.length, project, entry?.id);
    screen.weak(inForce.rules.filter(({ scope, action }) => scope === 'repo' && ACTS.has(action)));
    for (;;) {
      screen.show(await engine.tick());
      if (engine.done) break;
      await sleep(io, POLL_MS);
    }
  } catch (error) {
    // Ctrl-C is how a watch is ended.
    if (!(error instanceof Interrupted)) throw error;
  } finally {
    engine.close();
    screen.end();
  }
  return engine.killed ? WATCHED.killed : engine.tripped ? WATCHED.tripped : EXIT.ok;
}

/** Part of the contract: docs/commands.md. */
const WATCHED = { tripped: 2, killed: 3 } as const;

const ACTS: ReadonlySet<Action> = new Set<Action>(['pause', 'stop', 'kill']);

const badRules = (problems: readonly RuleProblem[]): CliError =>
  new CliError(
    `Nothing is watched: ${problems.length === 1 ? 'a rule' : 'some rules'} cannot be used`,
    EXIT.usage,
    problems.map((problem) => problemLine(problem, homely)).join('\n'),
  );

async function crashed(
  io: Io,
  options: WatchCommandOptions,
  { traceDir, id }: SessionEntry,
  screen: WatchScreen,
): Promise<void> {
  const post = await postmortemOf(traceDir, id, undefined, { env: io.env });
  const saved = savePostmortem(traceDir, post);
  const path = 'path' in saved ? saved.path : '';
  screen.note(`${id}: ${post.ending.why}`);
  screen.postmortem(id, path);
  await onDeath(io, options, id, path);
}

async function onDeath(
  io: Io,
  { onDeath: command }: WatchCommandOptions,
  session: string,
  postmortem: string,
): Promise<void> {
  if (command === undefined) return;
  const problem = await runOnDeath(command, { session, postmortem, cwd: io.cwd, env: io.env });
  if (problem !== undefined) warn(io, `--on-death: ${sanitizeLine(problem)}`);
}

/** As the Python tool writes it: `<time>  <message>`. */
function logAlert(io: Io, trip: Trip): void {
  try {
    const fd = openAppend(join(trip.traceDir, 'alerts.log'));
    try {
      writeSync(fd, `${new Date(io.now()).toISOString()}  ${tripText(trip)}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    warn(io, `alerts.log cannot be written: ${sanitizeLine((error as Error).message)}`);
  }
}
