import { describe, expect, test } from 'vitest';
import {
  type Act,
  aimed,
  corpusWorld,
  disguises,
  HOME,
  harmless,
  OUTSIDE,
  PROJECT,
} from '../../../test/shellCorpus.ts';
import type { Condition, Rule } from '../rules/rule.ts';
import { readCommand } from '../shell/readCommand.ts';
import { guardedCall } from './callOf.ts';
import { decide } from './decide.ts';
import type { Facts } from './facts.ts';

const BELOW: Record<string, string[]> = {
  [PROJECT]: ['.env.production', 'src', 'package.json'],
  [`${HOME}/.ssh`]: ['id_rsa', 'known_hosts'],
};

const globs = (...patterns: string[]) => patterns.map((glob) => ({ glob }));
/** A rule for each of the five acts, as a person would write it. */
const CONDITIONS: Record<Act, Condition> = {
  rm: { kind: 'outside', access: 'write' },
  write: { kind: 'path', access: 'write', patterns: globs('.env.production') },
  key: { kind: 'path', access: 'read', patterns: globs('~/.ssh/id_*') },
  host: { kind: 'host', patterns: globs('evil.example', '*.evil.example') },
  push: {
    kind: 'command',
    patterns: globs(
      '{git,hub} push --force',
      'git push --force-*',
      'git push --mirror',
      'git push --delete',
      'git push {+,:}*',
    ),
  },
};
const rules: Rule[] = Object.entries(CONDITIONS).map(([name, when]) => ({
  name,
  when,
  action: 'deny',
  scope: 'user',
  text: name,
  root: PROJECT,
}));
const facts: Facts = { metric: () => undefined, repeats: () => 1, sequence: () => 0, unpriced: [] };

function verdict(command: string): string {
  const call = guardedCall(
    { name: 'Bash', callId: 'c', cwd: PROJECT, input: { command: aimed(command, OUTSIDE) } },
    'claude',
    { ...corpusWorld, below: (folder) => BELOW[folder] ?? [], readCommand },
  );
  return decide({
    rules: { rules, problems: [], stale: [] },
    call,
    facts,
    nowMs: 0,
    where: 'hook',
    home: HOME,
    project: PROJECT,
  }).action;
}

function rate(title: string, commands: readonly { command: string; act?: Act }[]) {
  const by = { deny: [] as string[], ask: [] as string[], allow: [] as string[] };
  for (const { command, act } of commands) {
    const text = `${act === undefined ? '' : `${act}: `}${command.replaceAll('\n', '⏎')}`;
    by[verdict(command) as keyof typeof by].push(text);
  }
  const part = (list: string[]): string =>
    `${list.length} (${((100 * list.length) / commands.length).toFixed(1)} %)`;
  console.log(
    `${title}, ${commands.length}: denied ${part(by.deny)}, asked ${part(by.ask)}, allowed ${part(by.allow)}`,
  );
  return by;
}

const plain = (file: string) => harmless(file).map((command) => ({ command }));

describe('the corpora of commands, decided', () => {
  test('disguises of forbidden acts', () => {
    expect(rate('Disguises', disguises('disguises.txt')).allow).toMatchInlineSnapshot(`[]`);
    expect(
      rate('Disguises, held out', disguises('disguises.heldout.txt')).allow,
    ).toMatchInlineSnapshot(`[]`);
  });

  test('harmless commands', () => {
    const { deny, ask } = rate('Harmless', plain('harmless.txt'));
    expect({ deny, ask }).toMatchInlineSnapshot(`
      {
        "ask": [
          "ln -s ../shared shared",
          "patch -p1 < fix.diff",
        ],
        "deny": [
          "git config --global user.email a@b.example",
        ],
      }
    `);
    const held = rate('Harmless, held out', plain('harmless.heldout.txt'));
    expect({ deny: held.deny, ask: held.ask }).toMatchInlineSnapshot(`
      {
        "ask": [
          "cmake .. -DCMAKE_BUILD_TYPE=Release",
        ],
        "deny": [],
      }
    `);
  });
});
