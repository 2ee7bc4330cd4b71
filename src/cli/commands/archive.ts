import { lstatSync } from 'node:fs';
import type { AgentId } from '../../agents/agent.ts';
import { type ArchiveResult, archiveTranscripts } from '../../agents/archive.ts';
import { type ArchivedSession, archiveHome, readIndex } from '../../agents/archiveIndex.ts';
import { formatAge, formatBytes, formatCount, plural } from '../../model/format.ts';
import { agentName } from '../../model/summary.ts';
import { seconds } from '../../report/sessionJson.ts';
import { dateTime } from '../../report/sessionTable.ts';
import { renderTable } from '../../report/table.ts';
import { safeJson, sanitizeLine, wrapFacts } from '../../report/terminalText.ts';
import { EXIT } from '../exit.ts';
import {
  breathe,
  CliError,
  Interrupted,
  type Io,
  Progress,
  print,
  printJson,
  styleFor,
  warn,
  widthOf,
} from '../io.ts';
import { uniquePrefixes } from '../listing.ts';
import { homely } from '../traces.ts';
import { transcriptSources } from '../transcriptSources.ts';

export interface ArchiveCommandOptions {
  cli?: AgentId;
  dryRun?: boolean;
  list?: boolean;
  json?: boolean;
}

/** Copies agents' transcripts, or shows what was copied. @throws CliError, Interrupted */
export async function archive(io: Io, options: ArchiveCommandOptions): Promise<number> {
  if (options.list === true && options.dryRun === true) {
    throw new CliError('Give --list or --dry-run, not both', EXIT.usage);
  }
  const sources = transcriptSources(options.cli);
  if (options.list === true)
    return await list(
      io,
      sources.map(({ agent }) => agent),
      options,
    );
  const progress = new Progress(io);
  let result: ArchiveResult;
  try {
    result = await archiveTranscripts({
      sources,
      places: placesOf(io),
      env: io.env,
      dryRun: options.dryRun === true,
      breathe: () => breathe(io),
      nowMs: io.now(),
      onProgress: (sessions) => progress.show(`Looking at ${plural(sessions, 'session')}`),
      problem: (message) => {
        progress.clear();
        warn(io, `Left out: ${sanitizeLine(message)}`);
      },
    });
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    throw new CliError(sanitizeLine((error as Error).message), EXIT.usage);
  } finally {
    progress.clear();
  }
  for (const path of result.databases) {
    warn(
      io,
      `Left out: ${sanitizeLine(homely(path))} (a database: its agent deletes nothing by itself)`,
    );
  }
  if (options.json === true) await printJson(io, resultJson(result, options.dryRun === true));
  else await print(io, resultText(io, result, options.dryRun === true));
  return result.sessions + result.databases.length > 0 ? EXIT.ok : EXIT.none;
}

/** Where agents keep their files for the person who runs the command. */
const placesOf = (io: Io) => ({
  env: io.env,
  ...(io.env.HOME === undefined ? {} : { home: io.env.HOME }),
});

const resultJson = (result: ArchiveResult, dryRun: boolean): Record<string, unknown> => ({
  dry_run: dryRun,
  sessions: result.sessions,
  bytes: result.bytes,
  failed: result.failed,
  databases: result.databases,
  copied: result.copied.map(({ agent, sessionId, from, to, bytes, rewritten }) => ({
    agent,
    session_id: sessionId,
    from,
    to,
    bytes,
    rewritten,
  })),
});

function resultText(io: Io, result: ArchiveResult, dryRun: boolean): string {
  const { copied, bytes, sessions } = result;
  const where = sanitizeLine(homely(archiveHome(io.env)));
  if (sessions === 0 && result.databases.length > 0) return 'There is nothing else to copy.\n';
  if (sessions === 0) return 'No transcript of an agent was found.\n';
  if (copied.length === 0) return `${where} has all of ${plural(sessions, 'session')}.\n`;
  const files = `${plural(copied.length, 'file')} (${formatBytes(bytes)})`;
  const of = new Set(copied.map(({ agent, sessionId }) => `${agent}/${sessionId}`)).size;
  const rewritten = copied.filter((one) => one.rewritten).length;
  const again =
    rewritten > 0 ? ` ${plural(rewritten, 'file')} had been rewritten: both states are kept.` : '';
  const lines = dryRun
    ? copied.map(
        (one) => `${formatBytes(one.bytes).padStart(7)}  ${sanitizeLine(homely(one.from))}\n`,
      )
    : [];
  const verb = dryRun ? 'Would copy' : 'Copied';
  return `${lines.join('')}${verb} ${files} of ${plural(of, 'session')} to ${where}.${again}\n`;
}

interface Listed {
  session: ArchivedSession;
  bytes: number;
  /** The agent has deleted its own. */
  onlyHere: boolean;
}

async function list(
  io: Io,
  agents: readonly AgentId[],
  options: ArchiveCommandOptions,
): Promise<number> {
  const listed = agents
    .flatMap((agent) => [...readIndex(agent, io.env).values()])
    .map(
      (session): Listed => ({
        session,
        bytes: session.files
          .flatMap(({ versions }) => versions)
          .reduce((sum, { bytes }) => sum + bytes, 0),
        onlyHere: lstatSync(session.from, { throwIfNoEntry: false }) === undefined,
      }),
    )
    .sort((a, b) => b.session.transcript.modifiedAtMs - a.session.transcript.modifiedAtMs);
  if (options.json === true) {
    await print(io, `${safeJson(listed.map(listedJson), 2)}\n`);
    return listed.length > 0 ? EXIT.ok : EXIT.none;
  }
  if (listed.length === 0) {
    io.stderr.write('The archive is empty. Fill it: agent-strace archive\n');
    return EXIT.none;
  }
  const style = styleFor(io, io.stdout);
  const short = uniquePrefixes(listed.map(({ session }) => session.transcript.sessionId));
  const nowMs = io.now();
  await print(
    io,
    renderTable<Listed>(
      [
        {
          title: 'started',
          expendable: 2,
          text: ({ session }) => dateTime(session.transcript.startedAt * 1000),
        },
        { title: 'agent', text: ({ session }) => agentName(session.transcript.agent) },
        {
          title: 'session',
          text: ({ session }) => sanitizeLine(short.get(session.transcript.sessionId)!),
        },
        {
          title: 'project',
          flexible: true,
          text: ({ session: { transcript } }) =>
            sanitizeLine(homely(transcript.cwd || transcript.project)),
        },
        { title: 'size', align: 'right', text: ({ bytes }) => formatBytes(bytes) },
        {
          title: 'copied',
          expendable: 1,
          text: ({ session }) => formatAge(session.archivedAtMs, nowMs),
        },
        { title: '', text: ({ onlyHere }) => (onlyHere ? 'only here' : '') },
      ],
      listed,
      { style, width: widthOf(io) },
    ),
  );
  const bytes = listed.reduce((sum, one) => sum + one.bytes, 0);
  const gone = listed.filter(({ onlyHere }) => onlyHere).length;
  const facts = [
    `${plural(listed.length, 'session')} · ${formatBytes(bytes)}`,
    `${formatCount(gone)} of them only here: ${gone === 1 ? 'its' : 'their'} agent has deleted its own`,
  ].slice(0, gone > 0 ? 2 : 1);
  const lines = wrapFacts(facts.join(' · '), widthOf(io)).map((line) => style.dim(line));
  await print(io, `\n${lines.join('\n')}\n`);
  return EXIT.ok;
}

const listedJson = ({ session, bytes, onlyHere }: Listed): Record<string, unknown> => ({
  agent: session.transcript.agent,
  session_id: session.transcript.sessionId,
  path: session.transcript.path,
  from: session.from,
  cwd: session.transcript.cwd,
  started_at: session.transcript.startedAt > 0 ? session.transcript.startedAt : null,
  archived_at: seconds(session.archivedAtMs),
  bytes,
  files: session.files.length,
  only_here: onlyHere,
});
