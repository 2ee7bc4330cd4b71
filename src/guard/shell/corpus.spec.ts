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
import { touches } from './pattern.ts';
import { readCommand } from './readCommand.ts';
import type { ShellReading } from './reading.ts';

type Verdict = 'deny' | 'ask' | 'allow';

const read = (command: string): ShellReading => readCommand(aimed(command, OUTSIDE), corpusWorld);

/** The rules that a guard would have for the five acts, at its simplest. */
function judge(reading: ShellReading, act?: Act): Verdict {
  let verdict: Verdict = 'allow';
  const say = (of: Act, next: Verdict): void => {
    if (act !== undefined && of !== act) return;
    if (next === 'deny' || verdict === 'allow') verdict = next;
  };
  const env = `${PROJECT}/.env.production`;
  const key = `${HOME}/.ssh/id_rsa`;
  for (const write of reading.writes) {
    if (write.path === undefined) {
      say('rm', 'ask');
      say('write', 'ask');
    }
    // What was changed, or is not kept: git knows, and the text does not.
    if (write.how.startsWith('git stash') && write.path?.endsWith('/**')) continue;
    if (touches(write, `${OUTSIDE}/**`)) say('rm', 'deny');
    if (touches(write, env)) say('write', write.path?.includes('*') ? 'ask' : 'deny');
    // What is put in the key's place or moved away is no reading of it.
  }
  for (const path of reading.reads) {
    if (path.path === undefined) say('key', 'ask');
    if (touches(path, key)) say('key', 'deny');
  }
  for (const use of reading.uses) {
    // "Anything below the project" is said of many a linter.
    if (use.path?.includes('**')) continue;
    if (touches(use, key)) say('key', 'ask');
    if (touches(use, env)) say('write', 'ask');
    if (touches(use, `${OUTSIDE}/**`)) say('rm', 'ask');
  }
  for (const { host, remote } of reading.hosts) {
    if (
      host === undefined
        ? remote === undefined || remote === ''
        : touches({ path: `/${host}`, deep: false }, '/evil.example')
    )
      say('host', host === undefined ? 'ask' : 'deny');
    if (host?.endsWith('.evil.example')) say('host', 'deny');
  }
  for (const { name, words, unknown } of reading.programs) {
    if ((name !== 'git' && name !== 'hub') || !words.includes('push')) continue;
    const args = words.slice(words.indexOf('push') + 1);
    if (
      args.some((word) =>
        /^(--f(o(r(c(e.*)?)?)?)?|-[a-z]*f[a-z]*|\+.+|--mirror|--delete|:.+)$/.test(word),
      )
    )
      say('push', 'deny');
    if (unknown.length) say('push', 'ask');
  }
  if (reading.opaque.some(({ kind }) => kind === 'hidden') && verdict === 'allow') verdict = 'ask';
  return verdict;
}

interface Rate {
  deny: string[];
  ask: string[];
  allow: string[];
}

function rates(all: { command: string; act?: Act }[]): Rate {
  const rate: Rate = { deny: [], ask: [], allow: [] };
  for (const { command, act } of all)
    rate[judge(read(command), act)].push(
      `${act ? `${act}: ` : ''}${command.replaceAll('\n', '⏎')}`,
    );
  return rate;
}

function shown(title: string, { deny, ask, allow }: Rate): string {
  const all = deny.length + ask.length + allow.length;
  const part = (count: number): string => `${count} (${((100 * count) / all).toFixed(1)} %)`;
  return `${title}, ${all}: denied ${part(deny.length)}, asked ${part(ask.length)}, let through ${part(allow.length)}`;
}

describe('corpora of shell commands', () => {
  test('disguises of forbidden acts', () => {
    const rate = rates(disguises('disguises.txt'));
    console.log(shown('Disguises', rate));
    if (process.env.SHELL_CORPUS) console.log(rate.ask.join('\n'));
    // Those that slip through are known, and listed in docs/security.md.
    expect(rate.allow).toMatchInlineSnapshot(`[]`);
  });

  test('harmless commands', () => {
    const rate = rates(harmless('harmless.txt').map((command) => ({ command })));
    console.log(shown('Harmless', rate));
    expect({ deny: rate.deny, ask: rate.ask }).toMatchInlineSnapshot(`
      {
        "ask": [
          "patch -p1 < fix.diff",
        ],
        "deny": [],
      }
    `);
  });
});

// At first sight: 196 of 203 disguises caught (164 denied, 32 asked), 2 of 132 harmless commands asked.
describe('corpora written after the reader', () => {
  test('disguises', () => {
    const rate = rates(disguises('disguises.heldout.txt'));
    console.log(shown('Disguises, held out', rate));
    expect(rate.allow).toMatchInlineSnapshot(`
      [
        "rm: find @OUT@ | entr rm -rf /_",
      ]
    `);
  });

  test('harmless commands', () => {
    const rate = rates(harmless('harmless.heldout.txt').map((command) => ({ command })));
    console.log(shown('Harmless, held out', rate));
    expect({ deny: rate.deny, ask: rate.ask }).toMatchInlineSnapshot(`
      {
        "ask": [],
        "deny": [],
      }
    `);
  });
});
