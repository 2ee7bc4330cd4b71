import { ownRecord, processState } from '../../agents/process.ts';
import { postmortemMarkdown, watchdogJson } from '../../guard/postmortemText.ts';
import { endingTrip, readTrips, type Trip } from '../../guard/trips.ts';
import { postmortemOf, savePostmortem } from '../../guard/writePostmortem.ts';
import { formatAge } from '../../model/format.ts';
import {
  cutToWidth,
  sanitizeLine,
  sanitizeTerminal,
  textWidth,
  wrapFacts,
} from '../../report/terminalText.ts';
import { problemText } from '../../trace/files.ts';
import type { SessionEntry } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, print, printJson, styleFor, warn, widthOf } from '../io.ts';
import { type NamedSession, summariseAll, uniquePrefixes } from '../listing.ts';
import { findSession, openStore, readSession, type TraceOptions } from '../traces.ts';

export interface PostmortemOptions extends TraceOptions {
  list?: boolean;
  json?: boolean;
}

interface Ended {
  session: NamedSession;
  trip: Trip | undefined;
}

/** Tells how a session came to its end, and writes it beside its trace. */
export async function postmortem(
  io: Io,
  id: string | undefined,
  options: PostmortemOptions,
): Promise<number> {
  const store = openStore(io, options);
  if (options.list === true || id === undefined) {
    const ended = endedSessions(io, await summariseAll(io, store));
    if (options.list === true) return await list(io, ended, options.json === true);
    const [latest] = ended;
    if (latest === undefined) {
      throw new CliError(
        'No session here was ended by a rule, or crashed',
        EXIT.none,
        'Name a session to look at it all the same: agent-strace postmortem ID',
      );
    }
    return await one(io, latest.session.entry, options.json === true);
  }
  return await one(io, findSession(io, store, id), options.json === true);
}

async function one(io: Io, entry: SessionEntry, json: boolean): Promise<number> {
  const session = await readSession(io, entry);
  const post = await postmortemOf(entry.traceDir, entry.id, undefined, {
    env: io.env,
    nowMs: io.now(),
    session,
  });
  if (post.ending.how === 'running') {
    throw new CliError(
      `${sanitizeLine(entry.id)} still runs`,
      EXIT.none,
      `End it first (agent-strace stop ${sanitizeLine(entry.id.slice(0, 8))}), or look at it: agent-strace stats`,
    );
  }
  const saved = savePostmortem(entry.traceDir, post);
  if (json) {
    const { lastCall: _, lastResponse: __, ...all } = post;
    await printJson(io, { ...watchdogJson(post), ...snake(all) });
  } else await print(io, sanitizeTerminal(forReading(io, postmortemMarkdown(post))));
  if ('problem' in saved) {
    warn(io, `It could not be written beside the trace: ${problemText(saved.problem)}`);
  } else if (!json) {
    io.stderr.write(`Written to ${sanitizeLine(saved.path)}\n`);
  }
  return EXIT.ok;
}

/** What Markdown needs before signs is in the way of a reader at a terminal; the text to go on with is as it is. */
function forReading(io: Io, markdown: string): string {
  if (io.stdout.isTTY !== true) return markdown;
  const at = markdown.indexOf('\n```');
  const end = at < 0 ? markdown.length : at;
  const plain = markdown.slice(0, end).replace(/\\([!-/:-@[-`{-~])/g, '$1');
  const width = widthOf(io);
  const lines = plain.split('\n').flatMap((line) => {
    const indent = /^(?:- |#+ )/.exec(line)?.[0].length ?? 0;
    const room = width === undefined ? undefined : width - indent;
    return wrapFacts(line, room, 'keep').map(
      (part, at) => (at === 0 ? '' : ' '.repeat(indent)) + part,
    );
  });
  return lines.join('\n') + markdown.slice(end);
}

/** Keys as all our JSON has them. */
function snake(value: unknown): object {
  const convert = (each: unknown): unknown => {
    if (Array.isArray(each)) return each.map(convert);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(
      Object.entries(each).map(([key, inner]) => [
        key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        convert(inner),
      ]),
    );
  };
  return convert(value) as object;
}

/** Sessions that a rule ended or that crashed, the newest first. */
function endedSessions(io: Io, sessions: readonly NamedSession[]): Ended[] {
  const trips = readTrips(io.env);
  return sessions.flatMap((session) => {
    const { entry, summary } = session;
    const trip = endingTrip(trips, entry.id, entry.traceDir);
    const record = ownRecord(entry.traceDir, entry.id, io.env);
    const gone = summary.status === 'failed' && processState(record) === 'gone';
    return trip !== undefined || gone ? [{ session, trip }] : [];
  });
}

async function list(io: Io, ended: readonly Ended[], json: boolean): Promise<number> {
  if (json) {
    await printJson(
      io,
      ended.map(({ session: { entry, summary }, trip }) => ({
        session_id: entry.id,
        agent: summary.agent,
        title: summary.title,
        how: trip?.state ?? 'crashed',
        why: trip?.detail ?? null,
        ended_at: summary.lastMs / 1000,
        postmortem: trip?.postmortem ?? null,
      })),
    );
    return ended.length > 0 ? EXIT.ok : EXIT.none;
  }
  if (ended.length === 0) {
    io.stderr.write('No session here was ended by a rule, or crashed.\n');
    return EXIT.none;
  }
  const style = styleFor(io, io.stdout);
  const width = widthOf(io);
  const shortIds = uniquePrefixes(ended.map(({ session }) => session.entry.id));
  for (const { session, trip } of ended) {
    const { entry, summary } = session;
    const why = trip === undefined ? 'crashed' : `${trip.state}: ${trip.detail}`;
    const title = sanitizeLine(session.name ?? summary.title) || 'Untitled session';
    const id = sanitizeLine(shortIds.get(entry.id) ?? entry.id);
    const age = formatAge(summary.lastMs, io.now());
    const facts = `  ${age}  ${sanitizeLine(summary.agent)}  ${sanitizeLine(why)}  `;
    const room = width === undefined ? undefined : width - id.length;
    const cut = (text: string, taken = 0): string =>
      room === undefined ? text : cutToWidth(text, room - taken);
    await print(io, `${style.bold(id)}${cut(facts)}${style.dim(cut(title, textWidth(facts)))}\n`);
  }
  return EXIT.ok;
}
