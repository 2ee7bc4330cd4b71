import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  discoverPriced,
  findTranscripts,
  type ImportedTranscript,
  importTranscript,
  missingEvents,
  type PricedSession,
} from '../../agents/claude/discover.ts';
import { Billing } from '../../model/billing.ts';
import { formatCount, formatTokens, formatUsd, MISSING, plural } from '../../model/format.ts';
import { policyOf } from '../../redact/event.ts';
import * as personalRules from '../../redact/personalRules.ts';
import { type RedactPolicy, usePersonalRules } from '../../redact/redact.ts';
import { seconds, tokensJson, usd } from '../../report/sessionJson.ts';
import { dateTime } from '../../report/sessionTable.ts';
import { renderTable } from '../../report/table.ts';
import { safeJson, sanitizeLine, wrapFacts } from '../../report/terminalText.ts';
import { appendEvents, EVENTS_FILE, updateMeta } from '../../trace/append.ts';
import { maskChosen } from '../../trace/choices.ts';
import { problemText } from '../../trace/files.ts';
import { ensureTraceFolder, isSafeSessionId } from '../../trace/paths.ts';
import { EXIT } from '../exit.ts';
import {
  breathe,
  CliError,
  type Io,
  Progress,
  print,
  printJson,
  styleFor,
  throwIfInterrupted,
  warn,
  widthOf,
} from '../io.ts';
import { homely, sharedPricer, shellWord, type TraceOptions, traceDirs } from '../traces.ts';

export interface ImportOptions extends TraceOptions {
  json?: boolean;
  discover?: boolean;
  all?: boolean;
  claudeDir?: string;
  redact?: boolean;
  mask?: boolean;
}

interface Imported {
  session_id: string;
  path: string;
  /** Events that the trace did not have yet. */
  added: number;
  events: number;
  unreadable: number;
}

export async function importCommand(
  io: Io,
  file: string | undefined,
  options: ImportOptions,
): Promise<number> {
  if (file !== undefined && (options.discover === true || options.all === true)) {
    throw new CliError('Give a file, or --discover', EXIT.usage);
  }
  if (file !== undefined) return await importFile(io, file, options);
  if (options.discover !== true) {
    throw new CliError(
      'Nothing to import',
      EXIT.usage,
      'One transcript:    agent-strace import FILE.jsonl\nAll past sessions: agent-strace import --discover',
    );
  }
  return options.all === true ? await importAll(io, options) : await discover(io, options);
}

async function importFile(io: Io, file: string, options: ImportOptions): Promise<number> {
  const path = resolve(io.cwd, file);
  const shown = sanitizeLine(file);
  if (!existsSync(path)) throw new CliError(`There is no file ${shown}`, EXIT.usage);
  if (!statSync(path).isFile()) throw new CliError(`${shown} is not a file`, EXIT.usage);
  const traceDir = ownTraceDir(io, options);
  // Named by the person: it may be a link, or another user's.
  const done = importOne(io, realpathSync(path), traceDir, options, { named: true });
  if (done.unreadable > 0)
    warn(io, `${plural(done.unreadable, 'line')} of ${shown} could not be read`);
  if (options.json === true) await printJson(io, done);
  else {
    const what =
      done.added === 0
        ? `${done.session_id} is in ${homely(traceDir)} already: nothing new`
        : `Imported ${plural(done.added, 'event')} into ${homely(traceDir)}`;
    await print(
      io,
      `${sanitizeLine(what)}\nSee: agent-strace replay ${done.session_id}${named(options)}\n`,
    );
  }
  return EXIT.ok;
}

/** What a command needs to read the same folder. */
const named = ({ traceDir }: ImportOptions): string =>
  traceDir === undefined ? '' : ` --trace-dir ${shellWord(sanitizeLine(traceDir))}`;

function ownTraceDir(io: Io, options: ImportOptions): string {
  const traceDir = traceDirs(io, options)[0]!;
  const problem = ensureTraceFolder(traceDir, io.env);
  if (problem !== undefined) {
    throw new CliError(
      `${sanitizeLine(traceDir)} cannot be used: ${problemText(problem)}`,
      EXIT.usage,
    );
  }
  return traceDir;
}

/** What the command line asks for goes before what was chosen; `--mask --no-redact` is no wish. */
function importPolicy(io: Io, { mask, redact }: ImportOptions): RedactPolicy {
  if (mask === true && redact === false) {
    throw new CliError('--mask takes secrets out too: leave --no-redact away', EXIT.usage);
  }
  usePersonalRules(personalRules);
  if (mask === true) return 'personal';
  if (redact === false) return 'none';
  return mask === false
    ? policyOf({ ...io.env, AGENT_STRACE_MASK: '0' })
    : policyOf(io.env, maskChosen);
}

/** Adds to the trace folder what it does not have of a transcript. @throws CliError */
function importOne(
  io: Io,
  path: string,
  traceDir: string,
  options: ImportOptions,
  how: { named?: boolean; billing?: Billing },
): Imported {
  const redact = importPolicy(io, options);
  let read: ImportedTranscript;
  try {
    read = importTranscript(path, { redact, ...how });
  } catch (error) {
    const { message } = error as Error;
    throw new CliError(
      sanitizeLine(message),
      EXIT.usage,
      'A transcript of Claude Code is a .jsonl file in ~/.claude/projects; see: agent-strace import --discover',
    );
  }
  const { sessionId, events } = read;
  if (events.length === 0) {
    throw new CliError(`${sanitizeLine(path)} holds no event of a session`, EXIT.usage);
  }
  if (!isSafeSessionId(sessionId)) {
    throw new CliError(`"${sanitizeLine(sessionId)}" cannot be a session's name`, EXIT.usage);
  }
  const fresh = missingEvents(events, eventsText(traceDir, sessionId));
  const result = appendEvents(traceDir, sessionId, fresh);
  if (!result.ok) {
    throw new CliError(
      `The trace of ${sessionId} cannot be written: ${problemText(result.problem)}`,
      EXIT.usage,
    );
  }
  if (fresh.length > 0) writeMeta(traceDir, path, read);
  return {
    session_id: sessionId,
    path: join(traceDir, sessionId),
    added: fresh.length,
    events: events.length,
    unreadable: read.unreadable,
  };
}

function eventsText(traceDir: string, sessionId: string): string {
  const path = join(traceDir, sessionId, EVENTS_FILE);
  try {
    // Lines are ASCII; only ids and types are looked at.
    return existsSync(path) ? readFileSync(path, 'latin1') : '';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(
      `The trace of ${sessionId} cannot be read: ${problemText(code ?? 'EUNKNOWN')}`,
      EXIT.usage,
    );
  }
}

function writeMeta(
  traceDir: string,
  path: string,
  { sessionId, events }: ImportedTranscript,
): void {
  const times = events.map(({ timestamp }) => timestamp);
  const started = times.reduce((a, b) => Math.min(a, b));
  const ended = times.reduce((a, b) => Math.max(a, b));
  updateMeta(traceDir, sessionId, (before) => ({
    session_id: sessionId,
    started_at:
      typeof before?.started_at === 'number' ? Math.min(before.started_at, started) : started,
    ended_at: ended,
    agent_name: 'claude-code',
    command:
      typeof before?.command === 'string' && before.command !== ''
        ? before.command
        : `imported from ${path.split(/[\\/]/).at(-1)}`,
    tool_calls: events.filter(({ event_type }) => event_type === 'tool_call').length,
    total_duration_ms: (ended - started) * 1000,
    attribution: typeof before?.attribution === 'object' ? before.attribution : {},
  }));
}

/** `--discover --all`: every past session into the trace folder. */
async function importAll(io: Io, options: ImportOptions): Promise<number> {
  const traceDir = ownTraceDir(io, options);
  const files = findTranscripts(configOf(io, options));
  const progress = new Progress(io);
  const billing = new Billing();
  const done: Imported[] = [];
  let failed = 0;
  for (const [at, { path }] of files.entries()) {
    progress.show(`Importing ${formatCount(at + 1)} of ${formatCount(files.length)} sessions`);
    try {
      done.push(importOne(io, path, traceDir, options, { billing }));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failed++;
      progress.clear();
      warn(io, `Left out: ${error.message}`);
    }
    await breathe(io);
  }
  progress.clear();
  if (options.json === true) await printJson(io, done);
  else {
    const added = done.filter((one) => one.added > 0);
    const left = failed > 0 ? `, ${failed} left out` : '';
    await print(
      io,
      `Imported ${plural(added.length, 'session')} (${plural(done.length - added.length, 'session')} had nothing new${left}) into ${sanitizeLine(homely(traceDir))}\n`,
    );
  }
  if (files.length === 0) io.stderr.write(nothingFound(io, options));
  return files.length > 0 ? EXIT.ok : EXIT.none;
}

function configOf(io: Io, options: ImportOptions) {
  return {
    env: io.env,
    ...(options.claudeDir === undefined
      ? {}
      : { configDirs: [resolve(io.cwd, options.claudeDir)] }),
  };
}

const nothingFound = (io: Io, options: ImportOptions): string =>
  options.claudeDir !== undefined
    ? `No transcript of Claude Code was found in ${sanitizeLine(join(options.claudeDir, 'projects'))}.\n`
    : `No transcript of Claude Code was found${io.env.CLAUDE_CONFIG_DIR ? ' in CLAUDE_CONFIG_DIR' : ''}. Name its folder with --claude-dir.\n`;

/** `--discover`: what past sessions cost; changes nothing. */
async function discover(io: Io, options: ImportOptions): Promise<number> {
  const pricer = await sharedPricer();
  const progress = new Progress(io);
  const sessions: PricedSession[] = [];
  try {
    for await (const session of discoverPriced({
      ...configOf(io, options),
      pricer,
      signal: io.signal,
      onProgress: ({ sessions: at, total, bytes }) =>
        progress.show(
          `Reading ${formatCount(at)} of ${formatCount(total)} sessions, ${Math.round(bytes / 1e6)} MB`,
        ),
    })) {
      sessions.push(session);
    }
  } finally {
    progress.clear();
  }
  throwIfInterrupted(io);
  if (options.json === true) await printSessions(io, sessions);
  else if (sessions.length === 0) io.stderr.write(nothingFound(io, options));
  else await printTable(io, sessions);
  return sessions.length > 0 ? EXIT.ok : EXIT.none;
}

/** One session a line within the array: thousands are too many for one string. */
async function printSessions(io: Io, sessions: readonly PricedSession[]): Promise<void> {
  await print(io, '[');
  for (const [at, session] of sessions.entries()) {
    await print(io, `${at > 0 ? ',' : ''}\n  ${safeJson(discoveredJson(session))}`);
  }
  await print(io, sessions.length > 0 ? '\n]\n' : ']\n');
}

function discoveredJson(session: PricedSession): Record<string, unknown> {
  const reasons = Object.entries(session.unpriced);
  return {
    path: session.path,
    session_id: session.sessionId,
    project: session.project,
    started_at: session.startedAt > 0 ? seconds(session.startedAt * 1000) : null,
    ended_at: session.endedAt > 0 ? seconds(session.endedAt * 1000) : null,
    models: session.models.map((model) => ({
      model: model.model,
      responses: model.responses,
      cost_usd: model.unpriced < model.responses ? usd(model.nanoUsd) : null,
      unpriced: model.unpriced,
      tokens: tokensJson(model.usage),
    })),
    tokens: tokensJson(session.usage),
    cost_usd: session.priced > 0 || isCopy(session) ? usd(session.nanoUsd) : null,
    priced: session.priced,
    unpriced: reasons.reduce((sum, [, count]) => sum + count, 0),
    unpriced_reasons: Object.fromEntries(reasons),
    deduplicated: session.deduplicated,
    copied: session.inOtherSessions,
    billed_in: session.billedIn,
    unreadable_lines: session.unreadable,
  };
}

/** All that it holds was billed in other sessions. */
const isCopy = (session: PricedSession): boolean =>
  session.models.length === 0 && session.inOtherSessions > 0;

function costOf(session: PricedSession, unpriced: number): string {
  if (session.priced > 0 || isCopy(session)) {
    return `${unpriced > 0 ? '≥' : ''}${formatUsd(session.nanoUsd)}`;
  }
  return unpriced > 0 ? 'unpriced' : MISSING;
}

/** `(all in 86cc3044)` for a fork that went no further than its parent. */
function modelsOf(session: PricedSession): string {
  if (isCopy(session)) {
    const others = session.billedIn.map((id) => sanitizeLine(id).slice(0, 8));
    return `(all in ${others.slice(0, 2).join(', ')}${others.length > 2 ? ', …' : ''})`;
  }
  return sanitizeLine(session.models.map(({ model }) => model).join(', ')) || MISSING;
}

async function printTable(io: Io, sessions: readonly PricedSession[]): Promise<void> {
  const style = styleFor(io, io.stdout);
  const unpriced = (session: PricedSession): number =>
    Object.values(session.unpriced).reduce((sum, count) => sum + count, 0);
  await print(
    io,
    renderTable<PricedSession>(
      [
        { title: 'started', expendable: 2, text: ({ startedAt }) => dateTime(startedAt * 1000) },
        { title: 'session', text: ({ sessionId }) => sanitizeLine(sessionId).slice(0, 8) },
        { title: 'project', flexible: true, text: ({ project }) => sanitizeLine(project) },
        {
          title: 'models',
          expendable: 1,
          text: modelsOf,
        },
        {
          title: 'tokens',
          align: 'right',
          text: ({ usage }) => formatTokens(usage.input_tokens + usage.output_tokens),
        },
        {
          title: 'cost',
          align: 'right',
          text: (session) => costOf(session, unpriced(session)),
        },
      ],
      [...sessions].reverse(),
      { style, width: widthOf(io) },
    ),
  );
  const total = sessions.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0);
  const without = sessions.reduce((sum, session) => sum + unpriced(session), 0);
  const dedup = sessions.reduce((sum, { deduplicated }) => sum + deduplicated, 0);
  const priced = sessions.reduce((sum, session) => sum + session.priced, 0);
  const facts = [
    `${formatCount(priced)} priced · ${formatCount(dedup)} dedup · ${formatCount(without)} unpriced`,
    'Nothing was imported. Import all: --discover --all; one: import FILE.jsonl',
  ].flatMap((line) => wrapFacts(line, widthOf(io)).map((part) => style.dim(part)));
  const sum = `${style.bold(formatUsd(total))}  ${plural(sessions.length, 'session')}`;
  await print(io, `\n${[sum, ...facts].join('\n')}\n`);
}
