import { oneLine } from '../../model/text.ts';

/** What a shell command amounts to, where it does what another agent has a tool for. */
export type CommandMeaning =
  /** `cat FILE`, `sed -n 1,80p FILE`: reads a file. */
  | { kind: 'read'; path: string }
  /** `rg PATTERN PATH`, `grep -rn PATTERN .`: looks for text. */
  | { kind: 'grep'; pattern: string; path: string }
  /** `rg --files DIR`, `ls DIR`, `find DIR`: lists files. */
  | { kind: 'files'; path: string }
  | { kind: 'other'; program: string };

const MAX_COMMAND = 2000;

/**
 * A command without what does not change what it does: the shell around it, the way into the session's own folder, how
 * much of the output is shown. By its words alone: nothing is expanded.
 *
 * @param cwd of the session; absolute paths below it become relative
 */
export function normaliseCommand(command: string, cwd: string): string {
  let text = oneLine(command, MAX_COMMAND);
  const shell = /^(?:\/\S*\/)?(?:ba|z|da)?sh\s+-l?c\s+(.*)$/s.exec(text);
  if (shell) text = unquoted(shell[1]!.trim());
  if (cwd !== '') {
    text = text.replaceAll(`${cwd}/`, '');
    const into = /^cd\s+("[^"]*"|'[^']*'|[^\s;&|]+)\s*(?:&&|;)\s*(.*)$/s.exec(text);
    if (into && [cwd, '.'].includes(unquoted(into[1]!))) text = into[2]!;
  }
  // Twice: `… 2>&1 | tail -5`.
  for (let times = 0; times < 3; times++) {
    text = text
      .replace(/\s*\|\s*(?:head|tail)(?:\s+-n?\s*\d+|\s+-\d+)*\s*$/, '')
      .replace(/\s*(?:2>&1|2>\/dev\/null)\s*$/, '')
      .trim();
  }
  return text;
}

const unquoted = (text: string): string => {
  const [first] = text;
  return (first === '"' || first === "'") && text.length > 1 && text.endsWith(first)
    ? text.slice(1, -1)
    : text;
};

/** The words of one simple command; undefined where there is more than one, or a substitution. */
function simpleWords(command: string): string[] | undefined {
  const words: string[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'|&;<>`$()]+)|([|&;<>`$()])/g;
  let end = 0;
  let glued = false;
  for (const match of command.matchAll(pattern)) {
    if (match[4] !== undefined) return undefined;
    const word = match[1] ?? match[2] ?? match[3] ?? '';
    glued = match.index === end && words.length > 0;
    end = match.index + match[0].length;
    if (glued) words[words.length - 1] += word;
    else words.push(word);
  }
  return words;
}

/** @param command normalised */
export function commandMeaning(command: string): CommandMeaning {
  const words = simpleWords(command);
  const program = (words?.[0] ?? /^[\w./-]+/.exec(command)?.[0] ?? '').replace(/^.*\//, '');
  const other: CommandMeaning = { kind: 'other', program: programOf(words ?? command.split(' ')) };
  if (words === undefined) return other;
  const plain = words.slice(1).filter((word) => !word.startsWith('-'));
  switch (program) {
    case 'cat':
    case 'nl':
    case 'head':
    case 'tail': {
      const paths = plain.filter((word) => !/^\d+$/.test(word));
      return paths.length === 1 ? { kind: 'read', path: paths[0]! } : other;
    }
    case 'sed':
      // Only what prints lines: `sed -i` changes.
      return words.includes('-n') && plain.length === 2 && /^[\d,$]+p$/.test(plain[0]!)
        ? { kind: 'read', path: plain[1]! }
        : other;
    case 'ls':
    case 'tree':
      return { kind: 'files', path: plain[0] ?? '' };
    case 'find':
      return { kind: 'files', path: plain[0] ?? '' };
    case 'rg':
      if (words.includes('--files')) return { kind: 'files', path: plain[0] ?? '' };
      return plain[0] === undefined
        ? other
        : { kind: 'grep', pattern: plain[0], path: plain[1] ?? '' };
    case 'grep':
    case 'egrep':
    case 'ag':
      return plain[0] === undefined
        ? other
        : { kind: 'grep', pattern: plain[0], path: plain[1] ?? '' };
    default:
      return other;
  }
}

/** `git commit`, `npm run`, `pytest`: the program, and the first word that is no option for those that have verbs. */
function programOf(words: readonly string[]): string {
  let at = 0;
  while (/^\w+=/.test(words[at] ?? '')) at++;
  const program = (words[at] ?? '').replace(/^.*\//, '');
  if (!VERBS.has(program)) return program;
  const verb = words.slice(at + 1).find((word) => !word.startsWith('-'));
  return verb === undefined ? program : `${program} ${verb}`;
}

const VERBS = new Set(
  'git npm pnpm yarn npx bun cargo go docker kubectl make uv pip poetry python python3 node dotnet mvn gradle gh'.split(
    ' ',
  ),
);
