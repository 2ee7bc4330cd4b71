/** What a session may come to: loops, files, errors and money are ended in the real agents, and go on with the guard off. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTrips } from '../../src/guard/trips.ts';
import { buildHook } from '../hookBundle.ts';
import { type Deeds, type Turn, WHO, type Who } from './anyLab.ts';
import { type GuardLab, guardLab, textOf } from './guardLab.ts';
import { pooled } from './pooled.ts';

let built: string;
let bundle: string;
beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

/**
 * What one answer spends, by the model that each agent asks for: some three to nine of them cost $10. A window that is
 * full is a reason to forget the script, so output is what costs; Copilot adds all output up, and looks at the input of the last
 * answer alone.
 */
const SPENDS: Record<Who, { input?: number; output?: number }> = {
  claude: { output: 100_000 },
  codex: { output: 60_000 },
  gemini: { output: 1_000_000 },
  copilot: { input: 80_000 },
  opencode: { output: 100_000 },
};
/** Those that the list of prices knows, where the agent lets its models be named. */
const MODELS: Partial<Record<Who, string>> = {
  copilot: 'claude-opus-4.1',
  opencode: 'claude-sonnet-4-5',
};

interface Limit {
  name: string;
  condition: string;
  /** The `at`-th try. */
  turn: (at: number, who: Who) => Turn;
  tries: (who: Who) => number;
  /** So often it may be done before the limit is reached, and so often it must. */
  most: (who: Who) => number;
  least: number;
  /** Moments at which it was done, s since the epoch. */
  done: (lab: GuardLab) => number[];
}

const stamp = (name: string): string => `date +%s.%N >> ${name}.txt`;
const stamps =
  (name: string) =>
  ({ projectDir }: GuardLab): number[] =>
    textOf(join(projectDir, `${name}.txt`))
      .split('\n')
      .filter(Boolean)
      .map(Number);

/** In the order in which a session comes to them; the last denies all that follows. */
const LIMITS: readonly Limit[] = [
  {
    name: 'loop',
    condition: 'loop 3/10',
    turn: () => ({ deeds: [{ run: stamp('loop') }] }),
    tries: (who) => (who === 'codex' ? 50 : 10),
    most: () => 2,
    least: 2,
    done: stamps('loop'),
  },
  {
    name: 'files',
    condition: 'files_modified >= 4 and file_path writes "many*.txt"',
    turn: (at) => ({ deeds: [{ write: `many${at}.txt`, content: 'x\n' }] }),
    tries: () => 8,
    // Copilot writes down a moment later which files a call changed.
    most: (who) => (who === 'copilot' ? 6 : 4),
    least: 3,
    done: ({ projectDir }) =>
      readdirSync(projectDir)
        .filter((name) => /^many\d+\.txt$/.test(name))
        .map((name) => statSync(join(projectDir, name)).mtimeMs / 1000),
  },
  {
    name: 'errors',
    condition: 'consecutive_errors >= 3 and file_path writes "errors.txt"',
    turn: (at) => ({ deeds: [{ run: `${stamp('errors')}; exit ${at + 2}` }] }),
    tries: () => 6,
    most: () => 3,
    least: 3,
    done: stamps('errors'),
  },
  {
    name: 'cost',
    condition: 'cost_usd >= 10',
    turn: (at, who) => ({
      deeds: [{ run: `${stamp('cost')} # ${at}` }],
      ...(at < OFF && { spends: SPENDS[who] }),
    }),
    tries: (who) => (who === 'copilot' ? 12 : 9),
    most: (who) => (who === 'copilot' ? 10 : 7),
    least: 2,
    done: stamps('cost'),
  },
];
/** Tries with the guard off. */
const AGAIN = 3;
/** They are counted on from here. */
const OFF = 100;

interface Outcome {
  who: Who;
  name: string;
  tried: number;
  /** How often it was done, and how often of that after the rule had tripped. */
  on: number;
  after: number;
  tripped: string;
  told: boolean;
  /** How often of {@link AGAIN} it was done with the guard off. */
  off: number;
  /** Allowed work went on. */
  fine: boolean;
}

async function played(who: Who): Promise<Outcome[]> {
  const fine = (nth: number): Turn => ({ deeds: [{ run: `echo fine > fine${nth}.txt` }] });
  const tries = (limit: Limit, from: number, count: number): Turn[] =>
    Array.from({ length: count }, (_, at) => limit.turn(from + at, who));
  const [first, ...others] = LIMITS.flatMap((limit) => tries(limit, OFF, AGAIN));
  const counts = (lab: GuardLab) => LIMITS.map(({ done }) => done(lab));
  let on: number[][] = [];
  const script: Deeds = {
    main: [
      ...LIMITS.flatMap((limit, nth) => [fine(nth), ...tries(limit, 0, limit.tries(who))]),
      {
        ...first!,
        gate: async () => {
          on = counts(lab);
          lab.setRules([]);
        },
      },
      ...others,
      [{ say: 'All over.' }],
    ],
  };
  const lab: GuardLab = await guardLab(who, () => script, {
    hookBundle: bundle,
    ...(MODELS[who] !== undefined && { model: MODELS[who] }),
    rules: LIMITS.map(({ name, condition }) => ({
      name: `the-${name}`,
      condition,
      action: 'deny',
    })),
  });
  try {
    const { code, stderr } = await lab.run();
    if (code !== 0 || on.length === 0) throw new Error(`${who} ended with ${code}: ${stderr}`);
    const all = counts(lab);
    const heard = lab.heard();
    return LIMITS.map(({ name, tries }, nth) => {
      const trips = readTrips(lab.env).filter(({ rule }) => rule.name === `the-${name}`);
      const at = Math.min(...trips.map((trip) => trip.at));
      return {
        who,
        name,
        tried: tries(who),
        on: on[nth]!.length,
        after: on[nth]!.filter((time) => time > at).length,
        tripped: trips[0]?.detail ?? '',
        told: heard.includes(`the-${name}`),
        off: all[nth]!.length - on[nth]!.length,
        fine: textOf(join(lab.projectDir, `fine${nth}.txt`)) === 'fine\n',
      };
    });
  } finally {
    await lab.close();
  }
}

test('nothing goes on after a limit; with the guard off it does', async () => {
  const all = (
    await pooled(WHO, async (who) => {
      try {
        return await played(who);
      } catch (error) {
        return [{ who, failed: String(error).slice(-1500) }];
      }
    })
  ).flat();
  console.table(all);
  for (const limit of LIMITS) {
    for (const who of WHO) {
      const { name } = limit;
      const seen = all.find((one) => one.who === who && 'name' in one && one.name === name);
      const about = `${who} ${name}`;
      expect.soft(seen, about).toMatchObject({ after: 0, told: true, off: AGAIN, fine: true });
      if (seen === undefined || !('on' in seen)) continue;
      expect.soft(seen.tripped, about).not.toBe('');
      expect.soft(seen.on, about).toBeLessThanOrEqual(limit.most(who));
      expect.soft(seen.on, about).toBeGreaterThanOrEqual(limit.least);
    }
  }
}, 300_000);
