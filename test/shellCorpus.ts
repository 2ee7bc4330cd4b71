/** The corpora of shell commands in fixtures/shell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Act = 'rm' | 'write' | 'push' | 'key' | 'host';

export interface Disguise {
  act: Act;
  /** With `@OUT@` for the folder outside. */
  command: string;
  /** A program that it needs is missing where the corpus was tried out. */
  notRun: boolean;
}

const lines = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, 'fixtures/shell', name), 'utf8')
    .split('\n')
    .filter(Boolean);

export function disguises(name: string): Disguise[] {
  let act: Act = 'rm';
  const out: Disguise[] = [];
  for (const line of lines(name)) {
    if (line.startsWith('## ')) act = line.slice(3) as Act;
    else if (!line.startsWith('# ')) {
      const notRun = line.startsWith('- ');
      out.push({ act, notRun, command: (notRun ? line.slice(2) : line).replaceAll('⏎', '\n') });
    }
  }
  return out;
}

export function harmless(name: string): string[] {
  return lines(name)
    .filter((line, index) => index > 0 || !line.startsWith('# '))
    .map((line) => line.replaceAll('⏎', '\n'));
}

/** A command with the folder outside put in. */
export function aimed(command: string, outside: string): string {
  return command.replaceAll('@OUTREL@', outside.slice(1)).replaceAll('@OUT@', outside);
}

/** The machine that the corpora are about. */
export const HOME = '/w/home';
export const PROJECT = `${HOME}/project`;
export const OUTSIDE = '/w/srv/data';
const FOLDERS = new Set([
  '/',
  HOME,
  PROJECT,
  `${PROJECT}/src`,
  OUTSIDE,
  '/w/srv',
  '/tmp',
  `${HOME}/.ssh`,
]);

export const corpusWorld = {
  cwd: PROJECT,
  home: HOME,
  resolveLink: () => undefined,
  isFolder: (path: string) =>
    FOLDERS.has(path) || path.startsWith(`${PROJECT}/`) || path.startsWith('/tmp/'),
  gitRoot: () => PROJECT,
  env: { HOME, PATH: '/usr/bin:/bin', USER: 'u' },
};
