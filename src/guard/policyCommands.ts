/** The form in which a command that was run stands in a policy: the program, its subcommand, and whatever comes then. */
import type { Program } from './shell/reading.ts';

/** Programs that are several: their first word says which. */
const WITH_SUBCOMMANDS = new Set(
  (
    'git gh npm pnpm yarn bun npx pnpx bunx cargo rustup go docker podman kubectl helm pip pip3 pipx poetry uv uvx ' +
    'conda brew apt apt-get dnf make just task nx turbo terraform pulumi dotnet gradle gradlew mvn mvnw bundle ' +
    'rails rake php composer artisan mix flutter dart swift xcodebuild deno aws gcloud az systemctl entire'
  ).split(' '),
);

/** Programs that run what they are given. */
const RUNS_FILES = new Set(
  'python python3 python2 node ruby perl php bash sh zsh dash ksh deno tsx ts-node bun source .'.split(
    ' ',
  ),
);

const RUNS_ANYTHING = /^(?:-[a-z]*[ce]|--eval|--command|-p|--print)$/i;

export interface CommandForm {
  /** `git push *`. */
  pattern: string;
  /** Why a person should look at it. */
  warning?: string;
}

const MAX_WORDS = 6;

/** @returns undefined: it is not known which program it is */
export function commandForm({
  name,
  words,
  unknown,
  globs,
  via,
}: Program): CommandForm | undefined {
  if (name === undefined || name === '' || via.at(-1) === 'python -m') return undefined;
  const program = literal(name);
  const args = words.slice(1);
  const isOpen = (at: number): boolean => unknown.includes(at + 1) || globs.includes(at + 1);
  const any: CommandForm = { pattern: `${program} *` };
  if (RUNS_FILES.has(name)) {
    const code = args.findIndex((arg) => RUNS_ANYTHING.test(arg));
    const file = args.findIndex((arg) => !arg.startsWith('-'));
    if (code >= 0 && (file < 0 || code < file))
      return {
        pattern: `${program} ${args[code]} *`,
        warning: 'it runs any code that it is given',
      };
    if (file < 0)
      return args.length === 0 ? { ...any, warning: 'it runs any code that it is given' } : any;
  } else if (!WITH_SUBCOMMANDS.has(name)) return wide(any, name);
  const taken: string[] = [];
  for (let at = 0; at < args.length && taken.length < MAX_WORDS; at++) {
    const arg = args[at]!;
    if (isOpen(at) || /\s|^$/.test(arg)) break;
    if (name === 'git' && GIT_PLAIN.has(arg)) continue;
    if (name === 'git' && arg === '-C') {
      at++;
      continue;
    }
    taken.push(literal(arg));
    if (!arg.startsWith('-')) return { pattern: `${program} ${taken.join(' ')} *` };
  }
  return args.every((arg) => arg.startsWith('-'))
    ? any
    : { ...any, warning: 'which of its commands was run is not known' };
}

const GIT_PLAIN = new Set(['--no-pager', '-P', '--paginate', '--no-optional-locks']);

/** Programs that can do anything, whatever they were used for. */
const RUNS_OTHERS = new Set('sudo doas su ssh eval exec parallel watch'.split(' '));

const wide = (form: CommandForm, name: string): CommandForm =>
  RUNS_OTHERS.has(name) ? { ...form, warning: 'it runs any other program' } : form;

/** As a word of a pattern: what would mean something in one stands for any character. */
const literal = (word: string): string => word.replace(/[*?{}|&;<>`$]/g, '?');

const BY_REMOTE = new Set(['push', 'fetch', 'pull', 'ls-remote']);

/** Whether it reaches a machine that is named in git's own settings. */
export const isByRemote = ({ name, words }: Program): boolean =>
  name === 'git' &&
  words.some(
    (word, at) =>
      BY_REMOTE.has(word) ||
      (word === 'update' && /^(remote|submodule)$/.test(words[at - 1] ?? '')),
  );
