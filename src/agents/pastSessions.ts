/** Sessions that agents wrote down themselves, found for the folders that are open. */
import { isAbsolute } from 'node:path';
import { SessionFold } from '../model/fold.ts';
import { type SessionSummary, summarise } from '../model/summary.ts';
import { oneLine } from '../model/text.ts';
import type { Pricer } from '../model/usage.ts';
import { isBelow, isSafeSessionId, projectFolders } from '../trace/paths.ts';
import type { AgentPlaces, TranscriptFile, TranscriptSource } from './agent.ts';
import { type Breathe, eachEvent, rowsIn, Slices } from './transcriptRows.ts';

/** Rows that are looked at for a session's first prompt. */
const TITLE_ROWS = 60;
/** A title is a line, not a text; UTF-16 units. */
const MAX_TITLE = 200;

/** A folder of the workspace. */
export interface PastFolder {
  /** Absolute: as it was opened, and without links. */
  paths: readonly string[];
  name: string;
}

/** A session of the past that belongs to one of the folders. */
export interface PastSession {
  source: TranscriptSource;
  transcript: TranscriptFile;
  folder: PastFolder;
}

/** Names a session whatever its file is called: `codex/0199…`. */
const pastKey = ({ agent, sessionId }: TranscriptFile): string => `${agent}/${sessionId}`;

/**
 * The folder that a session belongs to: it worked in it, below it, or above it within the same
 * repository, whose trace folder is the folder's too. By words alone: a path in a transcript is not looked up.
 */
export class FolderRule {
  private readonly folders: { folder: PastFolder; above: ReadonlySet<string> }[];
  private readonly known = new Map<string, PastFolder | undefined>();

  constructor(folders: readonly PastFolder[]) {
    this.folders = folders.map((folder) => ({
      folder,
      above: new Set(folder.paths.flatMap(projectFolders)),
    }));
  }

  /** @param cwd absolute, or anything */
  folderOf(cwd: string): PastFolder | undefined {
    if (!isAbsolute(cwd)) return undefined;
    if (!this.known.has(cwd)) this.known.set(cwd, this.find(cwd));
    return this.known.get(cwd);
  }

  private find(cwd: string): PastFolder | undefined {
    // Of folders in each other the innermost.
    const holding = this.folders
      .flatMap(({ folder }) => folder.paths.map((path) => ({ folder, path })))
      .filter(({ path }) => cwd === path || isBelow(cwd, path))
      .sort((a, b) => b.path.length - a.path.length)[0];
    return (holding ?? this.folders.find(({ above }) => above.has(cwd)))?.folder;
  }
}

export interface FindPastOptions {
  sources: readonly TranscriptSource[];
  places?: AgentPlaces;
  folders: readonly PastFolder[];
  breathe: Breathe;
  /** Something that a person may want to know, for the log. */
  problem(message: string): void;
}

/**
 * The sessions of these folders by any agent, the one that was written last first. Of a session that lies in
 * two places the longer is taken.
 *
 * @throws what `breathe` does
 */
export async function findPast(options: FindPastOptions): Promise<PastSession[]> {
  const rule = new FolderRule(options.folders);
  const slices = new Slices(options.breathe);
  const found = new Map<string, PastSession>();
  for (const source of options.sources) {
    for (const transcript of transcriptsOf(source, options)) {
      const folder = rule.folderOf(transcript.cwd);
      if (folder !== undefined && isSafeSessionId(transcript.sessionId)) {
        const key = pastKey(transcript);
        const before = found.get(key);
        if (before === undefined || before.transcript.bytes < transcript.bytes) {
          found.set(key, { source, transcript, folder });
        }
      }
      await slices.turn();
    }
  }
  return [...found.values()].sort(
    (a, b) =>
      b.transcript.modifiedAtMs - a.transcript.modifiedAtMs ||
      (pastKey(a.transcript) < pastKey(b.transcript) ? 1 : -1),
  );
}

/** The sessions of one source. A broken folder of one agent is no reason to show none of the others'. */
export function* transcriptsOf(
  source: TranscriptSource,
  { places, problem }: Pick<FindPastOptions, 'places' | 'problem'>,
): Generator<TranscriptFile> {
  try {
    yield* source.find(places);
  } catch (error) {
    problem(`transcripts of ${source.agent}: ${(error as Error).message}`);
  }
}

/**
 * What a session is about, from its first rows: its first prompt, without secrets; empty where they have
 * none.
 */
export function titleOf({ source, transcript }: PastSession): string {
  const fold = new SessionFold();
  const [file] = source.filesOf(transcript);
  if (file === undefined) return '';
  const { sessionId } = transcript;
  const mapper = source.mapper({ sessionId, file, redact: 'secrets', live: false });
  let rows = 0;
  try {
    for (const row of rowsIn(source, transcript, file)) {
      if (row !== undefined) for (const event of mapper.push(row)) fold.add(event);
      if (fold.session.title !== '' || ++rows >= TITLE_ROWS) break;
    }
  } catch {
    // Gone meanwhile, or not ours to read: it goes by its id.
  }
  return oneLine(fold.session.title, MAX_TITLE);
}

/** What is known of a session that was looked into. */
export interface PastSummary {
  summary: SessionSummary;
  /** Lines that could not be read. */
  badLines: number;
}

/**
 * Reads a whole session for what it did and cost, as if its trace were folded. It counts as over.
 *
 * @param title see {@link titleOf}
 * @throws a system error, a message for people, or what `breathe` does
 */
export async function readPast(
  { source, transcript }: PastSession,
  title: string,
  options: { pricer: Pricer | undefined; breathe: Breathe },
): Promise<PastSummary> {
  const fold = new SessionFold(options.pricer ? { pricer: options.pricer } : {});
  // Looking for secrets takes most of the time, and only the title is shown: that has none.
  const badLines = await eachEvent(
    source,
    transcript,
    { redact: 'none', breathe: options.breathe },
    (event) => fold.add(event),
  );
  const summary = summarise(fold, { nowMs: fold.session.lastMs + LONG_AFTER_MS });
  return { summary: { ...summary, title, cwd: summary.cwd || transcript.cwd }, badLines };
}

/** After so long without a sign of life every session is over, ms. */
const LONG_AFTER_MS = 24 * 3_600_000;
