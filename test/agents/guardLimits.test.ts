/** What a session may come to: loops, money, files and errors are ended in the real agents; a hung one is interrupted. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { processState, readSessionRecord } from '../../src/agents/process.ts';
import { act } from '../../src/guard/brake.ts';
import { writePriceTable } from '../../src/guard/decision/writePriceTable.ts';
import { GuardMonitor } from '../../src/guard/monitor.ts';
import { rulesFor } from '../../src/guard/rules/rulesFor.ts';
import { readTrips, type Trip } from '../../src/guard/trips.ts';
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

/** Moments at which harm was done, s since the epoch. */
type Moments = number[];

interface Limit {
  name: string;
  condition: (who: Who) => string;
  action: 'deny' | 'stop';
  turns: (who: Who) => Turn[];
  done: (lab: GuardLab) => Moments;
  /** So often it may be done before the limit is reached. */
  most: number;
  /** Other work goes on: what tripped says nothing of it. */
  fine?: boolean;
}

const stamp = 'date +%s.%N >> harm.txt';
const stamps = ({ projectDir }: GuardLab): Moments =>
  textOf(join(projectDir, 'harm.txt')).split('\n').filter(Boolean).map(Number);
const times = (count: number, turn: (at: number) => Turn): Turn[] =>
  Array.from({ length: count }, (_, at) => turn(at));

/** Tokens of output that cost more than 12 USD in so many answers, by the model that each agent asks for. */
const COST_TURNS = 16;
const SPENT: Record<Who, number> = {
  claude: 60_000,
  codex: 60_000,
  gemini: 400_000,
  copilot: 20_000,
  opencode: 60_000,
};

const LIMITS: readonly Limit[] = [
  {
    name: 'loop',
    condition: () => 'loop 3/10',
    action: 'deny',
    turns: (who) => times(who === 'codex' ? 50 : 20, () => ({ deeds: [{ run: stamp }] })),
    done: stamps,
    most: 2,
    fine: true,
  },
  {
    name: 'files',
    condition: () => 'files_modified >= 3',
    action: 'deny',
    turns: () => times(8, (at) => ({ deeds: [{ write: `harm${at}.txt`, content: 'x\n' }] })),
    done: ({ projectDir }) =>
      readdirSync(projectDir)
        .filter((name) => /^harm\d\.txt$/.test(name))
        .map((name) => statSync(join(projectDir, name)).mtimeMs / 1000),
    // Copilot writes down a moment later which files a call changed.
    most: 4,
  },
  {
    name: 'errors',
    condition: () => 'consecutive_errors >= 3',
    action: 'deny',
    turns: () => times(8, (at) => ({ deeds: [{ run: `${stamp}; exit ${at + 2}` }] })),
    done: stamps,
    most: 3,
  },
  {
    name: 'cost',
    // Copilot's window would be full before: it begins anew then.
    condition: (who) => `cost_usd >= ${who === 'copilot' ? 1 : 10}`,
    action: 'stop',
    // Agents take a full window for a reason to forget what they did.
    turns: (who) =>
      times(who === 'copilot' ? 6 : COST_TURNS, (at) => ({
        deeds: [{ run: `${stamp} # ${at}` }],
        spends: { output: SPENT[who] },
      })),
    done: stamps,
    most: COST_TURNS - 2,
  },
];

interface Outcome {
  who: Who;
  name: string;
  /** How often harm was done without the guard, with it, and with it after the rule had tripped. */
  off: number;
  on: number;
  after: number;
  tripped: string;
  told: boolean;
  fine: boolean;
}

async function played(who: Who, limit: Limit): Promise<Outcome> {
  const script: Deeds = {
    main: [...limit.turns(who), [{ write: 'fine.txt', content: 'fine\n' }], [{ say: 'All over.' }]],
  };
  // A model that the list of prices knows, where the agent lets its models be named.
  const model = 'claude-sonnet-4-5';
  const run = async (guarded: boolean) => {
    const rules = [{ name: 'the-limit', condition: limit.condition(who), action: limit.action }];
    const lab = await guardLab(who, () => script, {
      hookBundle: bundle,
      model,
      ...(guarded && { rules }),
    });
    try {
      if (guarded) await writePriceTable(lab.env);
      await lab.run();
      const trips = readTrips(lab.env).filter(({ rule }) => rule.name === 'the-limit');
      const at = Math.min(...trips.map((trip) => trip.at));
      const done = limit.done(lab);
      return {
        done: done.length,
        after: done.filter((time) => time > at).length,
        tripped: trips[0]?.detail ?? '',
        told: lab.heard().includes('the-limit'),
        fine: textOf(join(lab.projectDir, 'fine.txt')) === 'fine\n',
      };
    } finally {
      await lab.close();
    }
  };
  const off = await run(false);
  const { done, ...on } = await run(true);
  return { who, name: limit.name, off: off.done, on: done, ...on };
}

test.each(LIMITS)(
  'nothing goes on after a limit: $name',
  async (limit) => {
    const all = await pooled(WHO, (who) => played(who, limit));
    console.table(all);
    for (const seen of all) {
      const { who, name } = seen;
      // Gemini ends loops by itself, a little later.
      const off = who === 'gemini' && name === 'loop' ? 4 : limit.turns(who).length;
      expect.soft(seen).toMatchObject({ who, name, off, after: 0 });
      expect.soft({ who, name, tripped: seen.tripped !== '' }).toMatchObject({ tripped: true });
      expect.soft(seen.on, `${who} ${name}`).toBeLessThanOrEqual(limit.most);
      expect.soft(seen.on, `${who} ${name}`).toBeLessThan(seen.off);
      if (limit.action === 'deny') expect.soft(seen).toMatchObject({ who, name, told: true });
      if (limit.fine && who !== 'gemini')
        expect.soft(seen).toMatchObject({ who, name, fine: true });
    }
  },
  300_000,
);

interface Hang {
  who: Who;
  /** What never ends: a command, or the model's answer. */
  of: 'command' | 'model';
  action: 'pause' | 'stop' | 'kill';
}

/** ms */
const LIMIT_MS = 3000;

async function interrupted({ who, of, action }: Hang) {
  const beating = { run: 'while true; do printf x >> beat.txt; sleep 0.1; done' };
  let answer = (): void => {};
  const never = new Promise<void>((resolve) => (answer = resolve));
  const script: Deeds = {
    main: [
      [{ run: 'echo begun > begun.txt' }],
      of === 'command' ? [beating] : { deeds: [{ say: 'Late.' }], gate: () => never },
      [{ say: 'All over.' }],
    ],
  };
  const rules = (minutes: number) => [
    { name: 'too-long', condition: `duration_minutes >= ${minutes}`, action },
  ];
  const lab = await guardLab(who, () => script, {
    hookBundle: bundle,
    rules: rules(60),
  });
  try {
    const run = lab.start();
    const ended = run.done.then(({ signal }) => signal ?? 'ended');
    await vi.waitFor(
      () => expect(textOf(join(lab.projectDir, 'begun.txt'))).toBe('begun\n'),
      40_000,
    );
    const [session] = lab.sessions();
    const record = readSessionRecord(session!, lab.env)!;
    // Some take long to begin.
    const ms = Date.now() - record.first_seen * 1000 + LIMIT_MS;
    lab.setRules(rules(Math.ceil((ms / 60_000) * 1000) / 1000));
    const beats = () => textOf(join(lab.projectDir, 'beat.txt')).length;
    // Nobody watches: it hangs on, beyond the limit.
    await sleep(LIMIT_MS + 500);
    const before = beats();
    await sleep(500);
    const hung = processState(record) === 'alive' && (of === 'model' || beats() > before);
    const monitor = new GuardMonitor({
      session: session!,
      traceDir: lab.traceDir,
      rules: () => rulesFor({ project: lab.projectDir, session: session!, env: lab.env }),
      where: 'trusted',
      env: lab.env,
    });
    let trips: Trip[] = [];
    for (let turn = 0; turn < 50 && trips.length === 0; turn++) {
      trips = await monitor.tick();
      await sleep(100);
    }
    const at = beats();
    await sleep(700);
    const harm = beats() - at;
    const state = processState(record);
    let after = '';
    if (action === 'pause') {
      await act('resume', lab.traceDir, session!, { graceMs: 5000, env: lab.env });
      answer();
      if (of === 'command') {
        await vi.waitFor(() => expect(beats()).toBeGreaterThan(at), 10_000);
        after = 'goes on';
        run.child.kill('SIGKILL');
      } else after = await ended;
    }
    return { who, of, action, hung, trip: trips[0]?.state ?? 'none', state, harm, after };
  } finally {
    await lab.close();
  }
}

test('an agent that hangs is interrupted from outside', async () => {
  const jobs = WHO.flatMap((who): Hang[] => [
    { who, of: 'command', action: 'pause' },
    { who, of: 'command', action: 'kill' },
    { who, of: 'model', action: 'stop' },
    { who, of: 'model', action: 'pause' },
  ]);
  const all = await pooled(jobs, async (job) => {
    try {
      return await interrupted(job);
    } catch (error) {
      return { ...job, failed: String(error).slice(0, 300) };
    }
  });
  console.table(all);
  for (const seen of all) {
    const { who, of, action } = seen;
    const state = action === 'pause' ? 'stopped' : 'gone';
    expect.soft(seen).toMatchObject({ who, of, action, hung: true, state, harm: 0 });
    if (action === 'pause') {
      const after = of === 'command' ? 'goes on' : 'ended';
      expect.soft(seen).toMatchObject({ who, of, trip: 'open', after });
    }
  }
}, 300_000);
