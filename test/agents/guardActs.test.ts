/** What a rule does besides saying no: the real agents are stopped, frozen and killed by it, after their hook has ended. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { processState, readSessionRecord } from '../../src/agents/process.ts';
import { act } from '../../src/guard/brake.ts';
import { readTrips, type Trip } from '../../src/guard/trips.ts';
import { buildHook } from '../hookBundle.ts';
import { type Deeds, WHO, type Who } from './anyLab.ts';
import { bytesIn, type GuardLab, guardLab, textOf } from './guardLab.ts';
import { pooled } from './pooled.ts';

let built: string;
let bundle: string;
beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

const ACTIONS = ['stop', 'pause', 'kill'] as const;
type Acting = (typeof ACTIONS)[number];

/** The model goes on as if nothing had been. */
const script: Deeds = {
  main: [
    [{ run: 'echo before > before.txt' }],
    [{ run: '(cd vault && echo x > one.txt)' }],
    [{ run: 'sleep 0.5; echo after > after.txt' }],
    [{ write: 'after2.txt', content: 'after\n' }],
    [{ say: 'All over.' }],
  ],
};

interface Outcome {
  who: Who;
  action: Acting | 'off';
  harm: number;
  before: boolean;
  /** What came after the harm, before anybody let it go on. */
  after: boolean;
  trip: string;
  /** Of the agent's process. */
  state: string;
  /** After Resume. */
  later: boolean;
}

const made = (lab: GuardLab, name: string): boolean => existsSync(join(lab.projectDir, name));

async function settled(lab: GuardLab): Promise<Trip> {
  return await vi.waitFor(() => {
    const [trip] = readTrips(lab.env).filter(({ rule }) => rule.name === 'the-vault');
    expect(trip).toBeDefined();
    expect(trip!.processes ?? trip!.problem ?? trip!.settledAt).toBeDefined();
    return trip!;
  }, 20_000);
}

async function played(who: Who, action: Acting | 'off'): Promise<Outcome> {
  const rules = [{ name: 'the-vault', condition: 'file_path writes "vault/**"', action }];
  const lab = await guardLab(who, () => script, {
    hookBundle: bundle,
    ...(action !== 'off' && { rules }),
  });
  try {
    const run = lab.start();
    const outcome = (trip: string, state: string, after: boolean, later: boolean): Outcome => ({
      who,
      action,
      harm: bytesIn(join(lab.projectDir, 'vault')),
      before: textOf(join(lab.projectDir, 'before.txt')) === 'before\n',
      after,
      trip,
      state,
      later,
    });
    if (action === 'off') {
      await run.done;
      return outcome('', '', made(lab, 'after2.txt'), false);
    }
    if (action !== 'pause') {
      const ended = await run.done;
      // The trip of an agent that ends by itself is told by the hook alone.
      await vi.waitFor(() => expect(readTrips(lab.env)).not.toEqual([]), 10_000);
      if (action === 'kill') await settled(lab);
      const [trip] = readTrips(lab.env);
      const after = made(lab, 'after2.txt') || made(lab, 'after.txt');
      return outcome(trip?.state ?? '', ended.signal ?? 'ended', after, false);
    }
    const trip = await settled(lab);
    const [session] = lab.sessions();
    const record = readSessionRecord(trip.session ?? session!, lab.env);
    await vi.waitFor(() => expect(processState(record)).toBe('stopped'), 10_000);
    await sleep(1200);
    const state = processState(record);
    const after = made(lab, 'after.txt') || made(lab, 'after2.txt');
    await act('resume', lab.traceDir, trip.session, { graceMs: 5000, env: lab.env });
    await run.done;
    return outcome(trip.state, state, after, made(lab, 'after.txt') && made(lab, 'after2.txt'));
  } finally {
    await lab.close();
  }
}

test('a rule stops, freezes or kills the agent; nothing of the call is done, nor of what would follow', async () => {
  const jobs = WHO.flatMap((who) =>
    (['off', ...ACTIONS] as const).map((action) => ({ who, action })),
  );
  const all = await pooled(jobs, async ({ who, action }) => {
    try {
      return await played(who, action);
    } catch (error) {
      return { who, action, failed: String(error).slice(0, 300) };
    }
  });
  console.table(all);
  for (const seen of all) {
    const { who, action } = seen;
    if (action === 'off') {
      expect.soft(seen).toMatchObject({ who, action, harm: 2, before: true, after: true });
      continue;
    }
    expect.soft(seen).toMatchObject({ who, action, harm: 0, before: true, after: false });
    if (action === 'pause') expect.soft(seen).toMatchObject({ who, state: 'stopped', later: true });
    if (action === 'kill') expect.soft(seen).toMatchObject({ who, trip: 'killed' });
  }
}, 300_000);
