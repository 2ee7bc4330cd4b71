import { existsSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AgentId, AgentPlaces, TranscriptFile, TranscriptSource } from '../../agents/agent.ts';
import { withArchive } from '../../agents/archive.ts';
import { discoverPriced, importSession, sessionsOf } from '../../agents/importSession.ts';
import { addToTrace } from '../../agents/importTrace.ts';
import type { PricedSession } from '../../agents/sessionPrices.ts';
import { Billing } from '../../model/billing.ts';
import {
  formatCount,
  formatKnownUsd,
  formatTokens,
  formatUsd,
  MISSING,
  plural,
} from '../../model/format.ts';
import { agentName } from '../../model/summary.ts';
import { policyOf } from '../../redact/event.ts';
import * as personalRules from '../../redact/personalRules.ts';
import { type RedactPolicy, usePersonalRules } from '../../redact/redact.ts';
import { seconds, tokensJson, usd } from '../../report/sessionJson.ts';
import { dateTime } from '../../report/sessionTable.ts';
import { renderTable } from '../../report/table.ts';
import { safeJson, sanitizeLine, wrapFacts } from '../../report/terminalText.ts';
import { maskChosen } from '../../trace/choices.ts';
import { problemText } from '../../trace/files.ts';
import { ensureTraceFolder } from '../../trace/paths.ts';
import { EXIT } from '../exit.ts';
import {
  breathe,
  CliError,
  type Io,
  Progress,
  print,
  printFacts,
  printJson,
  styleFor,
  throwIfInterrupted,
  warn,
  widthOf,
} from '../io.ts';
import { uniquePrefixes } from '../listing.ts';
import { homely, sharedPricer, shellWord, type TraceOptions, traceDirs } from '../traces.ts';
import { transcriptSources } from '../transcriptSources.ts';

export interface ImportOptions extends TraceOptions {
  json?: boolean;
  discover?: boolean;
  all?: boolean;
  /** Only of this agent. */
  cli?: AgentId;
  /** Folders of agents in place of the usual ones. */
  dir?: string;
  claudeDir?: string;
  redact?: boolean;
  mask?: boolean;
}

interface Imported {
  agent: AgentId;
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
      'One transcript:    agent-strace import FILE\nAll past sessions: agent-strace import --discover',
    );
  }
  return options.all === true ? await importAll(io, options) : await discover(io, options);
}

async function importFile(io: Io, file: string, options: ImportOptions): Promise<number> {
  const shown = sanitizeLine(file);
  const { source, transcript } = recognised(io, file, options);
  const traceDir = ownTraceDir(io, options);
  const done = importOne(io, source, transcript, traceDir, options, { named: true });
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

/** The session in a file that a person named, whosever it is. @throws CliError */
function recognised(
  io: Io,
  file: string,
  options: ImportOptions,
): { source: TranscriptSource; transcript: TranscriptFile } {
  const shown = sanitizeLine(file);
  const whole = resolve(io.cwd, file);
  // Of a database one session can be named behind its path.
  const [path = whole, session = ''] = existsSync(whole)
    ? [whole]
    : (/^(.*)(#[^#]+)$/s.exec(whole)?.slice(1) ?? [whole]);
  if (!existsSync(path)) throw new CliError(`There is no file ${shown}`, EXIT.usage);
  if (!statSync(path).isFile()) throw new CliError(`${shown} is not a file`, EXIT.usage);
  // Named by the person: it may be a link, or another user's.
  const real = realpathSync(path);
  for (const source of sourcesOf(io, options)) {
    const transcript = source.recognise(`${real}${session}`);
    if (transcript !== undefined) return { source, transcript };
  }
  if (session !== '' && sourcesOf(io, options).some((source) => source.recognise(real))) {
    throw new CliError(
      `There is no session ${sanitizeLine(session.slice(1))} in ${sanitizeLine(path)}`,
      EXIT.usage,
      'Find them: agent-strace import --discover',
    );
  }
  const whose = options.cli === undefined ? 'an agent' : agentName(options.cli);
  throw new CliError(
    `${shown} is not a transcript of ${whose}`,
    EXIT.usage,
    'Find them: agent-strace import --discover',
  );
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
  source: TranscriptSource,
  transcript: TranscriptFile,
  traceDir: string,
  options: ImportOptions,
  how: { named?: boolean; billing?: Billing },
): Imported {
  const redact = importPolicy(io, options);
  try {
    const { events, unreadable } = importSession(source, transcript, { redact, ...how });
    const { agent, sessionId } = transcript;
    const path = join(traceDir, sessionId);
    return {
      agent,
      session_id: sessionId,
      path,
      ...addToTrace(traceDir, transcript, events),
      unreadable,
    };
  } catch (error) {
    throw new CliError(
      sanitizeLine((error as Error).message),
      EXIT.usage,
      'Find transcripts: agent-strace import --discover',
    );
  }
}

/** `--discover --all`: every past session into the trace folder. */
async function importAll(io: Io, options: ImportOptions): Promise<number> {
  const traceDir = ownTraceDir(io, options);
  const found = sessionsOf(sourcesOf(io, options), placesOf(io, options));
  const progress = new Progress(io);
  const billing = new Billing();
  const done: Imported[] = [];
  let failed = 0;
  for (const [at, { source, transcript }] of found.entries()) {
    progress.show(`Importing ${formatCount(at + 1)} of ${formatCount(found.length)} sessions`);
    try {
      done.push(importOne(io, source, transcript, traceDir, options, { billing }));
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
    await printFacts(
      io,
      `Imported ${plural(added.length, 'session')} (${plural(done.length - added.length, 'session')} had nothing new${left}) into ${sanitizeLine(homely(traceDir))}`,
    );
  }
  if (found.length === 0) io.stderr.write(nothingFound(io, options));
  return found.length > 0 ? EXIT.ok : EXIT.none;
}

/** The agents that are looked at. @throws CliError */
function sourcesOf(io: Io, options: ImportOptions): TranscriptSource[] {
  if (options.claudeDir !== undefined) {
    if (options.dir !== undefined || (options.cli ?? 'claude') !== 'claude') {
      throw new CliError('Give --claude-dir, or --cli and --dir', EXIT.usage);
    }
  }
  const cli = options.claudeDir === undefined ? options.cli : 'claude';
  if (options.dir !== undefined && cli === undefined) {
    throw new CliError('Say with --cli which agent the folder is of', EXIT.usage);
  }
  return transcriptSources(cli).map((source) => patient(io, withArchive(source, io.env)));
}

/** What one agent keeps and cannot be read is said, and keeps nobody from the others. */
const patient = (io: Io, source: TranscriptSource): TranscriptSource => ({
  ...source,
  *find(places) {
    try {
      yield* source.find(places);
    } catch (error) {
      warn(io, `Left out: ${sanitizeLine((error as Error).message)}`);
    }
  },
  recognise(path) {
    try {
      return source.recognise(path);
    } catch (error) {
      throw new CliError(sanitizeLine((error as Error).message), EXIT.usage);
    }
  },
});

function placesOf(io: Io, options: ImportOptions): AgentPlaces {
  const dir = options.claudeDir ?? options.dir;
  return {
    env: io.env,
    ...(io.env.HOME === undefined ? {} : { home: io.env.HOME }),
    ...(dir === undefined ? {} : { dirs: [resolve(io.cwd, dir)] }),
  };
}

function nothingFound(io: Io, options: ImportOptions): string {
  if (options.claudeDir !== undefined) {
    const place = sanitizeLine(join(options.claudeDir, 'projects'));
    return `No transcript of Claude Code was found in ${place}.\n`;
  }
  const whose = options.cli === undefined ? 'any agent' : agentName(options.cli);
  if (options.dir !== undefined) {
    return `No transcript of ${whose} was found in ${sanitizeLine(options.dir)}.\n`;
  }
  const set = options.cli === 'claude' && io.env.CLAUDE_CONFIG_DIR ? ' in CLAUDE_CONFIG_DIR' : '';
  const hint = options.cli === undefined ? '--cli AGENT --dir DIR' : '--dir DIR';
  return `No transcript of ${whose} was found${set}. Name its folder with ${hint}.\n`;
}

/** `--discover`: what past sessions cost; changes nothing. */
async function discover(io: Io, options: ImportOptions): Promise<number> {
  const pricer = await sharedPricer();
  const progress = new Progress(io);
  const sessions: PricedSession[] = [];
  try {
    for await (const session of discoverPriced({
      sources: sourcesOf(io, options),
      places: placesOf(io, options),
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
  sessions.sort((a, b) => a.startedAt - b.startedAt);
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
    agent: session.agent,
    path: session.path,
    session_id: session.sessionId,
    project: session.project,
    cwd: session.cwd,
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
    return formatKnownUsd(session.nanoUsd, unpriced);
  }
  return unpriced > 0 ? 'unpriced' : MISSING;
}

/** `(all in 86cc3044)` for a fork that went no further than its parent. */
function modelsOf(session: PricedSession, short: ReadonlyMap<string, string>): string {
  if (isCopy(session)) {
    const others = session.billedIn.map((id) => sanitizeLine(short.get(id) ?? id.slice(0, 8)));
    return `(all in ${others.slice(0, 2).join(', ')}${others.length > 2 ? ', …' : ''})`;
  }
  return sanitizeLine(session.models.map(({ model }) => model).join(', ')) || MISSING;
}

async function printTable(io: Io, sessions: readonly PricedSession[]): Promise<void> {
  const style = styleFor(io, io.stdout);
  const unpriced = (session: PricedSession): number =>
    Object.values(session.unpriced).reduce((sum, count) => sum + count, 0);
  const short = uniquePrefixes(sessions.map(({ sessionId }) => sessionId));
  await print(
    io,
    renderTable<PricedSession>(
      [
        { title: 'started', expendable: 2, text: ({ startedAt }) => dateTime(startedAt * 1000) },
        { title: 'agent', expendable: 3, text: ({ agent }) => agentName(agent) },
        { title: 'session', text: ({ sessionId }) => sanitizeLine(short.get(sessionId)!) },
        {
          title: 'project',
          flexible: true,
          text: ({ cwd, project }) => sanitizeLine(homely(cwd || project)),
        },
        {
          title: 'models',
          expendable: 1,
          text: (session) => modelsOf(session, short),
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
    'Nothing was imported. Import all: --discover --all; one: import FILE (files: --discover --json)',
  ].flatMap((line) => wrapFacts(line, widthOf(io)).map((part) => style.dim(part)));
  const sum = `${style.bold(formatUsd(total))}  ${plural(sessions.length, 'session')}`;
  await print(io, `\n${[sum, ...facts].join('\n')}\n`);
}
