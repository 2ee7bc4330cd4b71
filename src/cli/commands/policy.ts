import { lstatSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { auditPlace } from '../../guard/auditPlace.ts';
import { PolicyObserver } from '../../guard/observedPolicy.ts';
import { formatCount, plural } from '../../model/format.ts';
import { safeJson, sanitizeLine } from '../../report/terminalText.ts';
import { codeOf, problemText, writeSmallFile } from '../../trace/files.ts';
import { EXIT } from '../exit.ts';
import { breathe, CliError, type Io, print, styleFor, warn } from '../io.ts';
import {
  listEntries,
  openStore,
  projectOf,
  readSession,
  shellWord,
  type TraceOptions,
} from '../traces.ts';

export interface PolicyCommandOptions extends TraceOptions {
  last?: number;
  output?: string;
  force?: boolean;
}

/** Warnings that are printed. */
const MOST = 40;

/** Writes a policy that allows what sessions did. */
export async function policy(io: Io, options: PolicyCommandOptions): Promise<number> {
  const output = options.output === undefined ? undefined : resolve(io.cwd, options.output);
  if (output !== undefined && options.force !== true && isThere(output)) {
    throw new CliError(
      `${sanitizeLine(shown(io, output))} is there already`,
      EXIT.usage,
      'Name another file with --output, or write over it with --force.',
    );
  }
  const store = openStore(io, options);
  const entries = listEntries(io, store).slice(0, options.last ?? Number.POSITIVE_INFINITY);
  const here = projectOf(io);
  const observer = new PolicyObserver();
  for (const entry of entries) {
    const session = await readSession(io, entry);
    const { cwd } = session.fold.session;
    const place = auditPlace({ ...entry, cwd }, here, undefined, io.env);
    for (const _ of observer.add(session, place.root, place.local)) await breathe(io);
  }
  const made = observer.make(new Date(io.now()).toISOString().slice(0, 10));
  if (made.calls === 0) {
    throw new CliError(
      'No call is recorded, so there is nothing that a policy could allow',
      EXIT.none,
      'Let your agent work first; see what is recorded: agent-strace list',
    );
  }
  // Its strings are of the trace: none must reach a terminal as it is.
  const text = `${safeJson(made.policy, 2)}\n`;
  if (output === undefined) await print(io, text);
  else write(io, output, text);
  for (const warning of made.warnings.slice(0, MOST)) warn(io, sanitizeLine(warning));
  if (made.warnings.length > MOST)
    warn(io, `… and ${formatCount(made.warnings.length - MOST)} more like these`);
  if (output !== undefined) {
    const style = styleFor(io, io.stderr);
    const name = sanitizeLine(shown(io, output));
    io.stderr.write(
      `${style.green(`Written to ${name}`)}: ${plural(made.calls, 'call')} in ${plural(entries.length, 'session')}\n` +
        `Look it through, then try it: agent-strace audit --all --policy ${shellWord(name)}\n`,
    );
  }
  return EXIT.ok;
}

const shown = (io: Io, path: string): string => relative(io.cwd, path) || path;

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function write(io: Io, path: string, text: string): void {
  try {
    writeSmallFile(path, text, 0o644);
  } catch (error) {
    throw new CliError(
      `${sanitizeLine(shown(io, path))} cannot be written: ${problemText(codeOf(error))}`,
      EXIT.usage,
      'Name another place with --output.',
    );
  }
}
