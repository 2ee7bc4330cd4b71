import { closeSync, readSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { redactText, redactValue } from '../redact/redact.ts';
import { costReport } from '../report/costReport.ts';
import { sessionMarkdown } from '../report/sessionMarkdown.ts';
import { statsReport } from '../report/statsReport.ts';
import { openRead } from '../trace/files.ts';
import { failuresOf, promptsOf } from '../trace/findings.ts';
import { EVENTS_FILE } from '../trace/session.ts';
import type { LiveSession } from './liveSession.ts';
import { loadPersonalRules } from './personalRules.ts';

/** What a session can be exported as, with the extension of the file. */
export const EXPORT_FORMATS = ['md', 'json', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Read and written in one go; then the editor has its turn. */
const SLICE_BYTES = 1_048_576;
/** Failed steps are read from the file one by one: so many in one go. */
const FAILURES_AT_ONCE = 20;

/**
 * Writes a session to a file, as a whole or not at all.
 *
 * @param session read to its end
 * @param path absolute; a file that is there is replaced
 * @param mask leave personal data out, also what was recorded before it was masked
 * @throws a system error; an `AbortError` when `signal` says so
 */
export async function exportSession(
  session: LiveSession,
  format: ExportFormat,
  path: string,
  signal: AbortSignal,
  mask = false,
): Promise<void> {
  if (mask) await loadPersonalRules();
  const parts =
    format !== 'ndjson'
      ? [Buffer.from(await reportText(session, format, signal, mask))]
      : mask
        ? maskedParts(session)
        : traceParts(session);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    try {
      for (const part of parts) {
        signal.throwIfAborted();
        await file.write(part);
      }
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The same line by line, everything but what is masked as it was. */
function* maskedParts(session: LiveSession): Generator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (const part of traceParts(session)) {
    const bytes = Buffer.concat([rest, part]);
    const whole = bytes.lastIndexOf(10) + 1;
    yield Buffer.from(redactText(bytes.toString('utf8', 0, whole), {}, 'personal'));
    rest = bytes.subarray(whole);
  }
  yield Buffer.from(redactText(rest.toString(), {}, 'personal'));
}

/** The trace as it lies there, byte by byte, to its last whole line. */
function* traceParts({ trace }: LiveSession): Generator<Buffer> {
  const file = openRead(join(trace.directory, EVENTS_FILE));
  try {
    const end = trace.bytesRead;
    for (let at = 0; at < end; ) {
      const bytes = Buffer.allocUnsafe(Math.min(SLICE_BYTES, end - at));
      const read = readSync(file, bytes, 0, bytes.length, at);
      if (read === 0) return;
      at += read;
      yield bytes.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
}

async function reportText(
  session: LiveSession,
  format: 'md' | 'json',
  signal: AbortSignal,
  mask: boolean,
): Promise<string> {
  const { trace, id } = session;
  // Before words become Markdown: `jane\@acme.com` would not be seen.
  const masked = <Value>(value: Value): Value =>
    mask ? (redactValue(value, {}, 'personal') as Value) : value;
  const name = masked(session.name);
  const { fold } = trace;
  const named = session.summary(Date.now());
  // The report has both, the name and what the session is about.
  const { title } = fold.session;
  const summary = { ...named, title: masked(title), cwd: masked(named.cwd) };
  const failures = [];
  for (const failure of failuresOf(trace)) {
    failures.push(failure);
    if (failures.length % FAILURES_AT_ONCE === 0) await turn(signal);
  }
  await turn(signal);
  const stats = masked(statsReport(id, fold, summary, { failures, children: [] }));
  const cost = masked(costReport(id, fold, summary, promptsOf(trace)));
  return format === 'md'
    ? sessionMarkdown(stats, cost, summary, name)
    : `${JSON.stringify({ name: name ?? null, ...stats, by_prompt: cost.by_prompt }, null, 2)}\n`;
}

async function turn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}

/** A file name for a session: its title in plain letters, and the start of its id. */
export function exportName(title: string, id: string, format: ExportFormat): string {
  const words = title
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '')
    .toLowerCase();
  return `${words || 'session'}-${id.slice(0, 8)}.${format}`;
}
