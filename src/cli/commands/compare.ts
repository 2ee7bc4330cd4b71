import { compareRuns, type GroupComparison } from '../../analysis/compare/compareRuns.ts';
import type { Comparison, Verdict } from '../../analysis/compare/comparison.ts';
import { normalisePrompt } from '../../analysis/compare/stepKeys.ts';
import { agentName } from '../../model/summary.ts';
import { comparisonJson, groupJson } from '../../report/compareJson.ts';
import { compareMarkdown, groupMarkdown } from '../../report/compareMarkdown.ts';
import { compareText, groupText } from '../../report/compareText.ts';
import { sanitizeLine } from '../../report/terminalText.ts';
import type { SessionEntry, TraceStore } from '../../trace/store.ts';
import { bareTag, hasTag } from '../../trace/tags.ts';
import { comparisonOf, describer, readSide, type Side } from '../compareSides.ts';
import { EXIT } from '../exit.ts';
import {
  CliError,
  type Io,
  mostOf,
  oneFormat,
  print,
  printJson,
  styleFor,
  warn,
  widthOf,
} from '../io.ts';
import { type NamedSession, summariseAll } from '../listing.ts';
import { findSession, openStore, type TraceOptions } from '../traces.ts';

export interface CompareOptions extends TraceOptions {
  tag?: string[];
  last?: number;
  by?: 'agent' | 'model';
  failOnRegression?: boolean;
  /** How sure it must be that B is worse. */
  sure?: Verdict['sure'];
  markdown?: boolean;
  all?: boolean;
  limit?: number;
  json?: boolean;
}

interface Group {
  name: string;
  entries: SessionEntry[];
}

export async function compare(
  io: Io,
  a: string | undefined,
  b: string | undefined,
  options: CompareOptions,
): Promise<number> {
  oneFormat(options);
  mostOf(options);
  if (options.sure !== undefined && options.failOnRegression !== true) {
    throw new CliError('--sure needs --fail-on-regression', EXIT.usage);
  }
  const tags = options.tag ?? [];
  if (tags.length === 0 && (options.by !== undefined || options.last !== undefined)) {
    throw new CliError('--by and --last need a --tag', EXIT.usage);
  }
  if (tags.length > 2) throw new CliError('At most two tags can be compared', EXIT.usage);
  const store = openStore(io, options);
  if (tags.length === 0) {
    const [first, second] = await pairOf(io, store, a, b);
    return await comparePair(io, store, first, second, options);
  }
  if (a !== undefined) {
    throw new CliError('Name two sessions or a --tag, not both', EXIT.usage);
  }
  const groups = await groupsOf(io, store, tags, options);
  const [left, right] = groups;
  if (left.entries.length === 1 && right.entries.length === 1) {
    return await comparePair(io, store, left.entries[0]!, right.entries[0]!, options);
  }
  return await compareGroups(io, store, left, right, options);
}

/** Without A: the run before B with the same prompt. */
async function pairOf(
  io: Io,
  store: TraceStore,
  a: string | undefined,
  b: string | undefined,
): Promise<[SessionEntry, SessionEntry]> {
  const second = findSession(io, store, b ?? a);
  if (a !== undefined && b !== undefined) {
    const first = findSession(io, store, a);
    if (first.directory === second.directory) {
      throw new CliError('Both are the same session', EXIT.usage, 'Name two: agent-strace list');
    }
    return [first, second];
  }
  const all = await summariseAll(io, store);
  const own = all.find(({ entry }) => entry.directory === second.directory);
  const title = normalisePrompt(own?.summary.title ?? '');
  const before = all.find(
    ({ entry, summary }) =>
      entry.directory !== second.directory &&
      title !== '' &&
      normalisePrompt(summary.title) === title &&
      summary.startedAtMs <= (own?.summary.startedAtMs ?? 0),
  );
  if (before) return [before.entry, second];
  throw new CliError(
    `No session before ${sanitizeLine(second.id)} began with the same prompt`,
    EXIT.none,
    'Name two: agent-strace compare A B. See all: agent-strace list',
  );
}

async function groupsOf(
  io: Io,
  store: TraceStore,
  tags: readonly string[],
  { last, by }: CompareOptions,
): Promise<[Group, Group]> {
  const all = await summariseAll(io, store);
  const tagged = (tag: string): NamedSession[] => {
    const bare = bareTag(tag);
    const found = all.filter(({ entry, name }) => hasTag(entry, bare, name));
    if (found.length > 0)
      return last === undefined || by !== undefined ? found : found.slice(0, last);
    throw new CliError(
      `No session has the tag ${sanitizeLine(tag)}`,
      EXIT.none,
      'A tag is a word with # in the name of a session, such as #baseline: rename it in VS Code',
    );
  };
  const groupOf = (name: string, sessions: readonly NamedSession[]): Group => ({
    name,
    entries: sessions.map(({ entry }) => entry),
  });
  const [first = '', second] = tags;
  if (second !== undefined) return [groupOf(first, tagged(first)), groupOf(second, tagged(second))];
  const found = tagged(first);
  if (by === undefined) {
    // Newest first: what was run before is A.
    const [newer, older] = found;
    if (older !== undefined && newer !== undefined) {
      return [groupOf('before', [older]), groupOf('after', [newer])];
    }
    throw new CliError(`Only one session has the tag ${sanitizeLine(first)}`, EXIT.none);
  }
  const groups = new Map<string, NamedSession[]>();
  for (const session of found) {
    const { provider, agent, model } = session.summary;
    const key = by === 'model' ? model || 'no model' : agent || agentName(provider);
    groups.set(key, [...(groups.get(key) ?? []), session]);
  }
  if (groups.size !== 2) {
    throw new CliError(
      `Sessions with the tag ${sanitizeLine(first)} are of ${groups.size} ${by}s, two are needed: ${[...groups.keys()].slice(0, 5).map(sanitizeLine).join(', ')}`,
      EXIT.none,
    );
  }
  const [left, right] = [...groups]
    .map(([name, sessions]) =>
      groupOf(name, last === undefined ? sessions : sessions.slice(0, last)),
    )
    .sort((x, y) => (x.name < y.name ? -1 : 1));
  return [left!, right!];
}

async function comparePair(
  io: Io,
  store: TraceStore,
  first: SessionEntry,
  second: SessionEntry,
  options: CompareOptions,
): Promise<number> {
  const [a, b] = [await readSide(io, store, first), await readSide(io, store, second)];
  const comparison = await comparisonOf(io, a, b);
  const describe = describer(a, b);
  const most = mostOf(options);
  if (options.json === true) {
    const facts = { a: a.facts, b: b.facts };
    await printJson(io, comparisonJson(comparison, facts, describe));
  } else if (options.markdown === true)
    await print(io, compareMarkdown(comparison, describe, { most }));
  else {
    const style = styleFor(io, io.stdout);
    await print(io, compareText(comparison, { style, width: widthOf(io), describe, most }));
  }
  return exitOf(io, comparison.verdict, options, isFailure(comparison));
}

/** A did the job, B did not. */
const isFailure = ({ samePrompt, outcomes: { a, b } }: Comparison): boolean =>
  samePrompt &&
  a.tests === 'passed' &&
  a.ending === 'answered' &&
  (b.tests === 'failed' || b.ending === 'cut');

async function compareGroups(
  io: Io,
  store: TraceStore,
  left: Group,
  right: Group,
  options: CompareOptions,
): Promise<number> {
  const read = async ({ entries }: Group): Promise<Side[]> => {
    const sides: Side[] = [];
    for (const entry of entries) sides.push(await readSide(io, store, entry));
    return sides;
  };
  const [a, b] = [await read(left), await read(right)];
  const comparison: GroupComparison = compareRuns(
    a.map(({ facts }) => facts),
    b.map(({ facts }) => facts),
  );
  const names = { a: left.name, b: right.name };
  if (options.json === true) {
    const ids = ({ entries }: Group) => entries.map(({ id }) => id);
    await printJson(
      io,
      groupJson(comparison, {
        a: { name: left.name, sessions: ids(left) },
        b: { name: right.name, sessions: ids(right) },
      }),
    );
  } else if (options.markdown === true) await print(io, groupMarkdown(comparison, names));
  else {
    const style = styleFor(io, io.stdout);
    await print(io, groupText(comparison, names, { style, width: widthOf(io) }));
  }
  return exitOf(io, comparison.verdict, options, false);
}

/** The surer the later. */
const SURE = ['hint', 'likely', 'sure'] as const;
const SURE_WORDS = { hint: 'only a hint', likely: 'likely', sure: 'sure' };

function exitOf(
  io: Io,
  verdict: Verdict,
  { failOnRegression, sure = 'hint' }: CompareOptions,
  failed: boolean,
): number {
  if (failOnRegression !== true) return EXIT.ok;
  if (failed) return EXIT.none;
  if (verdict.winner === 'a') {
    if (SURE.indexOf(verdict.sure) < SURE.indexOf(sure)) {
      warn(
        io,
        `That B is worse is ${SURE_WORDS[verdict.sure]}: less than --sure ${sure} asks for.`,
      );
      return EXIT.ok;
    }
    if (verdict.sure === 'hint') {
      warn(
        io,
        'B is worse, but that is only a hint: --sure likely asks for more, from several runs.',
      );
    }
    return EXIT.none;
  }
  if (verdict.refused === undefined) return EXIT.ok;
  // A check that could not be made must not pass for one that was passed.
  warn(io, 'Whether B is worse could not be checked.');
  return EXIT.usage;
}
