/**
 * The policy of a project, `.agent-scope.json`: what agents may read, write, run and reach. It amounts to rules like any other.
 *
 * A deny list goes first; an allow list means that everything else is denied. A list that is empty or missing says nothing.
 */

import type { Condition, Rule, RuleProblem, TextPattern } from './rules/rule.ts';
import { type Fields, list, network, onlyPaths, Reader } from './scopeReader.ts';

export interface ScopeRules {
  rules: Rule[];
  problems: RuleProblem[];
}

/** Reads a policy: what is wrong with it is told with its place, and the caller decides what then holds. Never throws. */
export function scopeRules(
  text: string,
  root: string,
  path: string,
  scope: 'user' | 'repo' = 'repo',
): ScopeRules {
  const reader = new Reader(text, path);
  const top = reader.top();
  const rules: Rule[] = [];
  const add = (rule: Made): void => {
    rules.push({ ...rule, action: 'deny', scope, root, file: path });
  };
  if (top !== undefined) {
    const files = reader.section(top, 'files', ['read', 'write']);
    for (const access of ['read', 'write'] as const)
      filesRules(reader, files, access, root).forEach(add);
    commandRules(reader, reader.section(top, 'commands', ['allow', 'deny'])).forEach(add);
    networkRules(reader, reader.section(top, 'network', ['deny_all', 'allow', 'deny'])).forEach(
      add,
    );
  }
  reader.problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { rules, problems: reader.problems };
}

type Made = Pick<Rule, 'name' | 'when' | 'text'> & { line: number };

/** What programs need that touch no file of anybody's. */
const DEVICES = [
  '/dev/null',
  '/dev/zero',
  '/dev/urandom',
  '/dev/tty',
  '/dev/std{in,out,err}',
  '/dev/fd/**',
];

/** Where agents put what they throw away: as rules see it, neither the project nor outside of it. */
const TEMPORARY = [
  '/tmp',
  '/var/tmp',
  '/dev/shm',
  '/var/folders',
  '/private/tmp',
  '/private/var/tmp',
  '/private/var/folders',
];

function filesRules(reader: Reader, files: Fields, access: 'read' | 'write', root: string): Made[] {
  const fields = reader.section(files, access, ['allow', 'deny']);
  const verb = access === 'read' ? 'reads' : 'writes';
  const deny = list(reader, fields, 'deny', onlyPaths).map(
    ({ text, values, line }): Made => ({
      name: `files.${access}.deny ${text}`,
      when: { kind: 'path', access, patterns: values.map((glob) => ({ glob })) },
      text: `policy: no agent ${verb} ${text}`,
      line,
    }),
  );
  const allow = list(reader, fields, 'allow', onlyPaths);
  if (allow.length === 0) return deny;
  const patterns: TextPattern[] = [
    ...allow.flatMap(({ values }) => values.map((glob) => ({ glob: withinRoot(glob) }))),
    ...freeOf(root).map((glob) => ({ glob })),
  ];
  const any: Condition = { kind: 'path', access, patterns: [{ glob: '/**' }] };
  return [
    ...deny,
    {
      name: `files.${access}.allow`,
      when: {
        kind: 'and',
        of: [
          any,
          { kind: 'not', of: { kind: 'path', access, patterns } },
          // A word that some program is given in the project need be no file at all.
          {
            kind: 'or',
            of: [
              { ...any, known: true },
              { kind: 'outside', access },
            ],
          },
        ],
      },
      text: `policy: agents ${access === 'read' ? 'read' : 'write'} only ${shortList(allow)}`,
      line: reader.lineOf(fields, 'allow'),
    },
  ];
}

/** Of an allow list a name, too, is one in the project: `*.md` admits no `/etc/x.md`. */
function withinRoot(glob: string): string {
  if (glob.startsWith('/') || glob.startsWith('~')) return glob;
  if (glob.startsWith('**/') || glob === '**') return `./${glob}`;
  return glob.includes('/') ? `./${glob}` : `./**/${glob}`;
}

/** Without those that the project itself lies in, or all of it would be free. */
const freeOf = (root: string): string[] => [
  ...DEVICES,
  ...TEMPORARY.filter((folder) => root !== folder && !root.startsWith(`${folder}/`)).map(
    (folder) => `${folder}/**`,
  ),
];

/** What changes nothing and shows nothing of a file, and what only runs another program: that one must be allowed. */
const FREE_PROGRAMS = [
  ...['cd', 'pushd', 'popd', 'pwd', 'true', 'false', ':', 'test', '[', '[['],
  ...['echo', 'printf', 'exit', 'wait', 'sleep'],
  ...['env', 'time', 'timeout', 'nice', 'nohup', 'command', 'builtin', 'stdbuf', 'xargs'],
];

function commandRules(reader: Reader, fields: Fields): Made[] {
  const command = (text: string): string[] | string =>
    text.trim() === '' ? 'an empty command' : [text];
  const deny = list(reader, fields, 'deny', command).map(
    ({ text, values, line }): Made => ({
      name: `commands.deny ${text}`,
      when: { kind: 'command', patterns: values.map((glob) => ({ glob })) },
      text: `policy: no agent runs ${text}`,
      line,
    }),
  );
  const allow = list(reader, fields, 'allow', (text) =>
    /[|&;<>`]|\$\(/.test(text)
      ? 'a pattern of one program has no |, &, ; < or >: each program of a command is looked at by itself'
      : command(text),
  );
  if (allow.length === 0) return deny;
  const patterns = allow.flatMap(({ values }) => values.map((glob) => ({ glob })));
  return [
    ...deny,
    {
      name: 'commands.allow',
      when: {
        kind: 'and',
        of: [
          { kind: 'or', of: [{ kind: 'command', patterns: [{ glob: '*' }] }, { kind: 'opaque' }] },
          { kind: 'not', of: { kind: 'command', patterns, first: true } },
          {
            kind: 'not',
            of: { kind: 'command', patterns: FREE_PROGRAMS.map((glob) => ({ glob })) },
          },
        ],
      },
      text: `policy: agents run only ${shortList(allow)}`,
      line: reader.lineOf(fields, 'allow'),
    },
  ];
}

/** Reach a machine whose name stands in git's own settings. */
const BY_REMOTE = ['push', 'fetch', 'pull', 'ls-remote', 'remote update', 'submodule update'].map(
  (word) => ({ glob: `git ${word}` }),
);

function networkRules(reader: Reader, fields: Fields): Made[] {
  const deny = list(reader, fields, 'deny', network).map(
    ({ text, values, line }): Made => ({
      name: `network.deny ${text}`,
      when: { kind: 'host', patterns: values.map((glob) => ({ glob })) },
      text: `policy: no agent reaches ${text}`,
      line,
    }),
  );
  const allow = list(reader, fields, 'allow', network);
  const all = reader.flag(fields, 'deny_all');
  const closed = all ?? allow.length > 0;
  if (!closed) return deny;
  const line = reader.lineOf(fields, all === undefined ? 'allow' : 'deny_all');
  const any: Condition = { kind: 'host', patterns: [{ glob: '*' }] };
  const patterns = allow.flatMap(({ values }) => values.map((glob) => ({ glob })));
  if (patterns.length > 0)
    return [
      ...deny,
      {
        name: 'network.allow',
        when: { kind: 'and', of: [any, { kind: 'not', of: { kind: 'host', patterns } }] },
        text: `policy: agents reach only ${shortList(allow)}`,
        line,
      },
    ];
  return [
    ...deny,
    {
      name: 'network.deny_all',
      when: { kind: 'or', of: [any, { kind: 'command', patterns: BY_REMOTE }] },
      text: 'policy: agents reach no other machine',
      line,
    },
  ];
}

function shortList(items: readonly { text: string }[]): string {
  const some = items.slice(0, 4).map(({ text }) => text);
  const rest = items.length - some.length;
  return rest > 0 ? `${some.join(', ')} and ${rest} more` : some.join(', ');
}
