import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ownRecord } from '../../agents/process.ts';
import { writePriceTable } from '../../guard/decision/writePriceTable.ts';
import { forecastText } from '../../guard/forecast.ts';
import { runOnDeath } from '../../guard/onDeath.ts';
import { regexOf } from '../../guard/rules/regex.ts';
import type { Action, Rule, RuleProblem } from '../../guard/rules/rule.ts';
import { rulesFor } from '../../guard/rules/rulesFor.ts';
import { metricOf, stepOf } from '../../guard/tripActs.ts';
import type { Trip } from '../../guard/trips.ts';

import { Watch, type WatchedState } from '../../guard/watch.ts';
import { type WatchFlags, watchRules } from '../../guard/watchRules.ts';
import { postmortemOf, savePostmortem, writePostmortem } from '../../guard/writePostmortem.ts';
import { formatUsd, plural } from '../../model/format.ts';
import * as personalRules from '../../redact/personalRules.ts';
import { usePersonalRules } from '../../redact/redact.ts';
import { safeJson, sanitizeLine } from '../../report/terminalText.ts';
import { tripLine, watchLine } from '../../report/watchText.ts';
import { openAppend } from '../../trace/files.ts';
import { placeTrace } from '../../trace/paths.ts';
import type { SessionEntry } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { CliError, Interrupted, type Io, sleep, styleFor, warn, widthOf } from '../io.ts';
import { findSession, openStore, sharedPricer, shellWord, type TraceOptions } from '../traces.ts';

export interface WatchCommandOptions extends TraceOptions, WatchFlags {
  onViolation?: 'terminal' | 'file' | 'kill';
  onDeath?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** How often the sessions are looked at, ms. */
const POLL_MS = 500;
/** Where the output is no terminal, a line that changed is printed so often, ms. */
const PLAIN_MS = 10_000;

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
  const project = record?.project ?? placeTrace({ cwd: io.cwd, env: io.env }).project;
  const { own, problems } = watchRules(options, { project, cwd: io.cwd, env: io.env });
  if (problems.length > 0) throw badRules(problems);
  usePersonalRules(personalRules);
  await writePriceTable(io.env).catch((error: Error) =>
    warn(io, `Rules on cost may not see all models: ${sanitizeLine(error.message)}`),
  );
  const screen = new Screen(io, options.json === true);
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
      warn(io, `Rules: ${sanitizeLine(said(problem))}`, 'red');
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

const said = ({ file, line, message, fix }: RuleProblem): string => {
  const where = file === '' ? '' : `${file}:${line}: `;
  return `${where}${message}${fix === undefined ? '' : `; ${fix}`}`;
};

const badRules = (problems: readonly RuleProblem[]): CliError =>
  new CliError(
    `Nothing is watched: ${problems.length === 1 ? 'a rule' : 'some rules'} cannot be used`,
    EXIT.usage,
    problems.map(said).join('\n'),
  );

async function crashed(
  io: Io,
  options: WatchCommandOptions,
  { traceDir, id }: SessionEntry,
  screen: Screen,
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
      writeSync(fd, `${new Date(io.now()).toISOString()}  ${tripLine(textOf(trip))}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    warn(io, `alerts.log cannot be written: ${sanitizeLine((error as Error).message)}`);
  }
}

const textOf = (trip: Trip) => ({
  id: trip.session.slice(0, 8),
  line: trip.line,
  action: trip.action,
  state: trip.state,
  detail: trip.detail,
  rule: trip.rule.name,
  dryRun: trip.dryRun === true,
  acted: trip.processes !== undefined,
  ...(trip.problem !== undefined && { problem: trip.problem }),
});

/** Lines that change in place on a terminal; elsewhere lines that come now and then; or JSON. */
class Screen {
  private readonly io: Io;
  private readonly json: boolean;
  private readonly live: boolean;
  private shown: string[] = [];
  private readonly printed = new Map<string, { text: string; atMs: number }>();
  private readonly told = new Set<string>();

  constructor(io: Io, json: boolean) {
    this.io = io;
    this.json = json;
    this.live = !json && io.stdout.isTTY === true;
  }

  /** @param own rules of the flags @param inForce rules that hold anyway */
  start(own: number, inForce: number, project: string, id: string | undefined): void {
    if (this.json) return;
    const what = id === undefined ? `sessions of ${project}` : `session ${id.slice(0, 8)}`;
    const rules = own + inForce === 0 ? 'no rules' : plural(own + inForce, 'rule');
    const hint = own + inForce === 0 ? ' Nothing will be stopped: try --budget 5.' : '';
    this.note(`Watching ${what}, ${rules}. Ctrl-C ends it.${hint}`);
  }

  /** @param rules of the repository that would do more than it may */
  weak(rules: readonly Rule[]): void {
    const [first] = rules;
    if (this.json || first === undefined) return;
    const file = first.file === undefined ? 'their file' : shellWord(first.file);
    this.note(
      `${plural(rules.length, 'rule')} of the repository may only deny here. To let them ${first.action}: --rules ${file}`,
    );
  }

  show(states: readonly WatchedState[]): void {
    const nowMs = this.io.now();
    if (this.live) {
      const width = widthOf(this.io);
      this.draw(states.map((state) => this.line(state, nowMs, width)));
      return;
    }
    for (const state of states) {
      const text = this.json
        ? safeJson(stateJson(state))
        : this.line(state, nowMs, widthOf(this.io));
      const before = this.printed.get(state.id);
      const ended = state.over && before?.text !== text;
      if (before !== undefined && !ended && nowMs - before.atMs < PLAIN_MS) continue;
      if (before?.text === text) continue;
      this.printed.set(state.id, { text, atMs: nowMs });
      this.io.stdout.write(`${text}\n`);
    }
  }

  private line(state: WatchedState, nowMs: number, width: number | undefined): string {
    const { id, summary, last, perHour, forecast, by } = state;
    return watchLine(
      {
        id: id.slice(0, 8),
        summary,
        ...(last !== undefined && { last }),
        ...(by !== undefined && { ended: by }),
        ...(perHour !== undefined && { perHour }),
        ...(forecast !== undefined && { forecast: forecastText(forecast) }),
      },
      { style: styleFor(this.io, this.io.stdout), width, nowMs },
    );
  }

  trip(trip: Trip): void {
    const text = this.json ? safeJson(tripJson(trip)) : tripLine(textOf(trip));
    // Told when it is found, and again when something was done; what fails again and again, once.
    const told = `${trip.id} ${trip.limit ?? ''} ${text}`;
    if (this.told.has(told)) return;
    this.told.add(told);
    this.note(text, trip.action === 'alert' ? 'yellow' : 'red');
    if (this.json || trip.state !== 'open' || trip.processes === undefined) return;
    const step = stepOf(trip);
    const again = step === undefined ? '' : `; it is asked again at ${formatLimit(trip, step)}`;
    const id = sanitizeLine(trip.session.slice(0, 8));
    this.note(`To go on: agent-strace resume ${id}${again}. To end it: agent-strace stop ${id}`);
  }

  postmortem(session: string, path: string): void {
    if (path === '') return;
    if (this.json) this.note(safeJson({ type: 'postmortem', session_id: session, path }));
    else this.note(`${session.slice(0, 8)}: post-mortem: ${sanitizeLine(path)}`);
  }

  /** A line that stays. */
  note(text: string, colour?: 'yellow' | 'red'): void {
    if (this.json && !text.startsWith('{')) {
      warn(this.io, sanitizeLine(text));
      return;
    }
    const style = styleFor(this.io, this.io.stdout);
    const line = this.json ? text : sanitizeLine(text);
    const lines = this.shown;
    this.erase();
    this.io.stdout.write(`${colour === undefined || this.json ? line : style[colour](line)}\n`);
    if (lines.length > 0) this.draw(lines);
  }

  end(): void {
    this.shown = [];
  }

  private draw(lines: string[]): void {
    if (lines.join('\n') === this.shown.join('\n')) return;
    this.erase();
    if (lines.length > 0) this.io.stdout.write(`${lines.join('\n')}\n`);
    this.shown = lines;
  }

  private erase(): void {
    if (this.shown.length > 0) this.io.stdout.write(`\u001b[${this.shown.length}A\u001b[J`);
    this.shown = [];
  }
}

const NANO = 1e9;

/** The limit of a trip's rule, for people. */
function formatLimit({ rule }: Trip, limit: number): string {
  const metric = metricOf(rule.text);
  const isMoney = metric === 'cost_usd' || metric === 'cost_per_hour';
  if (isMoney || metric === 'project_cost_7d') return formatUsd(limit * NANO);
  return metric?.endsWith('_minutes') === true ? `${limit} min` : `${limit}`;
}

const tripJson = (trip: Trip) => ({
  type: 'trip',
  trip_id: trip.id,
  session_id: trip.session,
  agent: trip.agent,
  line: trip.line,
  rule: trip.rule.name,
  condition: trip.rule.text,
  scope: trip.rule.scope,
  action: trip.action,
  detail: trip.detail,
  value: trip.value ?? null,
  limit: trip.limit ?? null,
  call: trip.call ?? null,
  dry_run: trip.dryRun === true,
  state: trip.state,
  processes: trip.processes ?? [],
  problem: trip.problem ?? null,
  at: trip.at,
});

function stateJson({ id, summary, perHour, forecast, over, by }: WatchedState) {
  return {
    type: 'status',
    session_id: id,
    agent: summary.agent,
    status: summary.status,
    over,
    ended_by_rule: by ?? null,
    cost_usd: summary.cost.nanoUsd / NANO,
    cost_per_hour: perHour ?? null,
    tool_calls: summary.calls,
    errors: summary.errors,
    context_tokens: summary.context?.tokens ?? null,
    context_window: summary.context?.window ?? null,
    forecast:
      forecast === undefined
        ? null
        : { limit_usd: forecast.limit, of: forecast.of, minutes: forecast.minutes },
  };
}
