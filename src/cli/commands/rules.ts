/** `rules check`, `rules list`: mistakes in files of rules, and what is in force here. */
import { basename, relative, resolve } from 'node:path';
import {
  ABSENT,
  type Candidate,
  candidates,
  SCOPE_FILE,
  stampOf,
} from '../../guard/rules/places.ts';
import { actionWithin } from '../../guard/rules/reach.ts';
import type { RuleProblem, RuleSet } from '../../guard/rules/rule.ts';
import { plural } from '../../model/format.ts';
import { cutToWidth, padToWidth, sanitizeLine, wrapFacts } from '../../report/terminalText.ts';
import { isBelow } from '../../trace/paths.ts';
import { EXIT } from '../exit.ts';
import { type Io, print, printFacts, printJson, styleFor, warn, widthOf } from '../io.ts';
import { problemPlace, ruleSource } from '../ruleText.ts';
import { projectOf } from '../traces.ts';

export interface RulesOptions {
  json?: boolean;
  /** `--rules`, as a `watch` takes it. */
  rules?: string;
}

/** With the libraries that read rules: loaded when they are needed. */
const ruleFiles = () => import('../../guard/rules/rulesFor.ts');

/** Looks for mistakes: in the files given, or in all that hold here. */
export async function checkRules(
  io: Io,
  files: readonly string[],
  options: RulesOptions,
): Promise<number> {
  const { readRuleFile, readsPolicies } = await ruleFiles();
  const project = projectOf(io);
  const looked: Candidate[] =
    files.length > 0
      ? files.map((file) => ({ path: resolve(io.cwd, file), scope: 'user', root: project }))
      : candidates(project, io.env).filter(({ path }) => stampOf(path) !== ABSENT);
  const read = looked
    .filter(({ path }) => readsPolicies || basename(path) !== SCOPE_FILE)
    .map((candidate) => ({ path: candidate.path, ...readRuleFile(candidate, project) }));
  const problems = read.flatMap((file) => file.problems);
  if (options.json === true) {
    await printJson(io, {
      files: read.map(({ path, rules }) => ({ file: path, rules: rules.length })),
      problems,
    });
  } else {
    for (const problem of problems) await print(io, problemText(io, problem));
    const rules = read.reduce((sum, file) => sum + file.rules.length, 0);
    await printFacts(io, summary(read.length, rules, problems.length), (line) =>
      read.length === 0
        ? line
        : styleFor(io, io.stdout)[problems.length > 0 ? 'red' : 'green'](line),
    );
  }
  return problems.length > 0 ? EXIT.none : EXIT.ok;
}

function summary(files: number, rules: number, problems: number): string {
  if (files === 0)
    return 'There are no files of rules here. docs/rules.md says which there can be.';
  const what = `${plural(rules, 'rule')} in ${plural(files, 'file')}`;
  return problems === 0
    ? `No mistakes: ${what}`
    : `${plural(problems, 'mistake')}; ${what} can be read`;
}

function problemText(io: Io, problem: RuleProblem): string {
  const { message, fix } = problem;
  const style = styleFor(io, io.stdout);
  const place = problemPlace(problem, (path) => shownPath(io, path));
  const width = widthOf(io);
  // The place is to be copied: it stays in one piece.
  const room = width === undefined ? undefined : width - 4;
  const [first = '', ...others] = wrapFacts(`${place}: ${sanitizeLine(message)}`, room, 'keep');
  const head = first.startsWith(place) ? style.bold(place) + first.slice(place.length) : first;
  const help = fix === undefined ? [] : wrapFacts(sanitizeLine(fix), room).map(style.dim);
  return [head, ...[...others, ...help].map((line) => `    ${line}`), ''].join('\n');
}

const shownPath = (io: Io, path: string): string =>
  isBelow(path, io.cwd) ? relative(io.cwd, path) : path;

/** What is in force here, from where, and how far it may go in a hook. */
export async function listRules(io: Io, options: RulesOptions): Promise<number> {
  const specs = options.rules === undefined ? [] : [options.rules];
  const { rulesFor } = await ruleFiles();
  const set = rulesFor({ project: projectOf(io), env: io.env, specs });
  if (options.json === true) await printJson(io, listJson(set));
  else await listText(io, set);
  for (const file of set.stale)
    warn(
      io,
      `${sanitizeLine(shownPath(io, file))} has mistakes: what it said before is in force`,
      'red',
    );
  if (set.problems.length > 0 && options.json !== true)
    warn(io, `${plural(set.problems.length, 'mistake')}: agent-strace rules check`);
  return EXIT.ok;
}

/** Columns of a condition beside the names. */
const LEAST_ROOM = 24;

async function listText(io: Io, { rules, budget }: RuleSet): Promise<void> {
  const style = styleFor(io, io.stdout);
  if (rules.length === 0) {
    await printFacts(io, 'No rules are in force here: agents are recorded, and nothing is denied.');
    return;
  }
  const wide = Math.min(30, Math.max(...rules.map(({ name }) => name.length)));
  const width = widthOf(io) ?? Number.POSITIVE_INFINITY;
  // Where the conditions have no room beside the names they stand below them.
  const isNarrow = width - wide - 10 < LEAST_ROOM;
  const indent = isNarrow ? 4 : wide + 10;
  let from = '';
  for (const rule of rules) {
    const source = ruleSource(rule, (path) => shownPath(io, path));
    if (source !== from) await print(io, `${from === '' ? '' : '\n'}${style.bold(source)}\n`);
    from = source;
    const within = actionWithin(rule.action, rule.scope, 'hook');
    const more = within === rule.action ? '' : ` (${rule.action} where trusted)`;
    const texts = wrapFacts(sanitizeLine(rule.text) + more, width - indent);
    const name = cutToWidth(sanitizeLine(rule.name), Math.min(wide, width - 9));
    const head = `  ${padToWidth(name, isNarrow ? 0 : wide)}  ${style.yellow(within.padEnd(5))}`;
    const beside = isNarrow ? '' : ` ${style.dim(texts.shift() ?? '')}`;
    const lines = texts.map((line) => `${' '.repeat(indent)}${style.dim(line)}\n`);
    await print(io, `${`${head}${beside}`.trimEnd()}\n${lines.join('')}`);
  }
  if (budget?.weekly !== undefined)
    await print(io, `\nBudget: $${budget.weekly} in seven days for this project\n`);
}

function listJson({ rules, problems, stale, budget }: RuleSet): Record<string, unknown> {
  return {
    rules: rules.map(({ name, text, action, scope, file, line, message, fixed }) => ({
      name,
      condition: text,
      action,
      action_in_hooks: actionWithin(action, scope, 'hook'),
      scope,
      ...(file !== undefined && { file, line }),
      ...(message !== undefined && { message }),
      ...(fixed === true && { fixed }),
    })),
    problems,
    stale,
    ...(budget !== undefined && { budget }),
  };
}
