/** What the guard does besides saying no: the real agents are stopped, frozen and killed, by their hook's helper and from outside. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { processState, readSessionRecord } from '../../src/agents/process.ts';
import { act } from '../../src/guard/brake.ts';
import { GuardMonitor } from '../../src/guard/monitor.ts';
import { rulesFor } from '../../src/guard/rules/rulesFor.ts';
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

/** What the guard comes upon: a call that is harm, a command or an answer that does not end. */
type Of = 'call' | 'command' | 'model';
type Acting = 'stop' | 'pause' | 'kill';

interface Seen {
  who: Who;
  of: Of;
  action: Acting;
  /** With the guard off: bytes of harm done by the call; whether it hung on, beyond the limit. */
  off: number | boolean;
  /** Bytes of harm after the trip. */
  harm: number;
  /** What came after the harm, before anybody let it go on. */
  after?: boolean;
  /** Of the agent's process. */
  state: string;
  /** As the trip says. */
  trip: string;
  /** After Resume. */
  goesOn?: boolean;
}

const made = (lab: GuardLab, name: string): boolean => existsSync(join(lab.projectDir, name));
const inVault = (lab: GuardLab, name: string): number =>
  bytesIn(join(lab.projectDir, 'vault'), new RegExp(`^${name}\\.txt$`));
const harm = (name: string) => ({ run: `(cd vault && echo x > ${name}.txt)` });
const vault = (action: Acting) => [
  { name: 'the-vault', condition: 'file_path writes "vault/**"', action },
];
const recordOf = (lab: GuardLab) => readSessionRecord(lab.sessions()[0]!, lab.env)!;
const resume = async (lab: GuardLab) =>
  await act('resume', lab.traceDir, lab.sessions()[0]!, { graceMs: 5000, env: lab.env });
const until = async (what: () => boolean): Promise<void> =>
  await vi.waitFor(() => expect(what()).toBe(true), { timeout: 40_000, interval: 50 });

async function settled(lab: GuardLab): Promise<Trip> {
  const done = ({ processes, problem, settledAt }: Trip) => processes ?? problem ?? settledAt;
  const found = () => readTrips(lab.env).find(({ rule }) => rule.name === 'the-vault');
  await until(() => found() !== undefined && done(found()!) !== undefined);
  return found()!;
}

/** By the rule of a call: the guard comes on when the session has done harm already. The model goes on as if nothing had been. */
async function ended(who: Who, action: 'stop' | 'kill'): Promise<Seen[]> {
  let off = 0;
  const armed = async (): Promise<void> => {
    off = inVault(lab, 'before');
    lab.setRules(vault(action));
  };
  const script: Deeds = {
    main: [
      [harm('before')],
      { deeds: [harm('one')], gate: armed },
      [{ run: 'sleep 0.5; echo after > after.txt' }],
      [{ write: 'after2.txt', content: 'after\n' }],
      [{ say: 'All over.' }],
    ],
  };
  const lab: GuardLab = await guardLab(who, () => script, { hookBundle: bundle, rules: [] });
  try {
    const run = await lab.run();
    // The trip of an agent that ends by itself is told by the hook alone.
    await until(() => readTrips(lab.env).length > 0);
    const trip = action === 'kill' ? await settled(lab) : readTrips(lab.env)[0]!;
    const after = made(lab, 'after.txt') || made(lab, 'after2.txt');
    const state = run.signal ?? 'ended';
    const seen = { off, harm: inVault(lab, 'one'), after, state, trip: trip.state };
    return [{ who, of: 'call', action, ...seen }];
  } finally {
    await lab.close();
  }
}

/** Beyond this, ms, a session is too long: from when its rule is written. */
const LIMIT_MS = 700;

/** It goes on for longer than a rule allows, and then somebody looks. @param doing bytes that it writes in a moment */
async function caught(lab: GuardLab, action: Acting, of: Of, doing: () => Promise<number>) {
  const session = lab.sessions()[0]!;
  const record = recordOf(lab);
  const ms = Date.now() - record.first_seen * 1000 + LIMIT_MS;
  const minutes = Math.ceil((ms / 60_000) * 10_000) / 10_000;
  lab.setRules([
    { name: `too-long-${action}`, condition: `duration_minutes >= ${minutes}`, action },
  ]);
  const monitor = new GuardMonitor({
    session,
    traceDir: lab.traceDir,
    rules: () => rulesFor({ project: lab.projectDir, session, env: lab.env }),
    where: 'trusted',
    env: lab.env,
    acts: { graceMs: 1000 },
  });
  try {
    await until(() => Date.now() > record.first_seen * 1000 + minutes * 60_000);
    // Nobody watches: it hangs on.
    const busy = of === 'model' || (await doing()) > 0;
    const off = busy && processState(record) === 'alive';
    let trips: Trip[] = [];
    for (let turn = 0; turn < 200 && trips.length === 0; turn++) {
      trips = await monitor.tick();
      await sleep(50);
    }
    const harm = await doing();
    return { of, action, off, harm, state: processState(record), trip: trips[0]?.state ?? 'none' };
  } finally {
    monitor.close();
    lab.setRules([]);
  }
}

/** By the rule of a call; then, in a command that does not end, by somebody who watches. */
async function frozen(who: Who): Promise<Seen[]> {
  const beat = { run: 'while true; do printf x >> beat.txt; sleep 0.05; done' };
  const script: Deeds = {
    main: [
      [{ run: 'echo before > before.txt' }],
      [harm('one')],
      [{ run: 'sleep 0.5; echo after > after.txt' }],
      { deeds: [harm('two')], gate: async () => lab.setRules([]) },
      [beat],
    ],
  };
  const lab: GuardLab = await guardLab(who, () => script, {
    hookBundle: bundle,
    rules: vault('pause'),
  });
  const beats = () => textOf(join(lab.projectDir, 'beat.txt')).length;
  const beating = async (): Promise<number> => {
    const before = beats();
    await sleep(400);
    return beats() - before;
  };
  try {
    lab.start();
    const trip = await settled(lab);
    const record = recordOf(lab);
    await until(() => processState(record) === 'stopped');
    await sleep(1000);
    const call = {
      harm: inVault(lab, 'one'),
      after: made(lab, 'after.txt'),
      state: processState(record),
      trip: trip.state,
    };
    await resume(lab);
    await until(() => beats() > 0);
    const goesOn = made(lab, 'after.txt');
    const off = inVault(lab, 'two');
    const paused = await caught(lab, 'pause', 'command', beating);
    await resume(lab);
    const before = beats();
    await until(() => beats() > before);
    const killed = await caught(lab, 'kill', 'command', beating);
    return [
      { who, of: 'call', action: 'pause', off, ...call, goesOn },
      { who, ...paused, goesOn: true },
      { who, ...killed },
    ];
  } finally {
    await lab.close();
  }
}

/** While the model's answer does not come. */
async function thinking(who: Who): Promise<Seen[]> {
  let answer = (): void => {};
  const late = new Promise<void>((resolve) => (answer = resolve));
  let asked = 0;
  const hangs = (promise: Promise<void>) => () => {
    asked++;
    return promise;
  };
  const script: Deeds = {
    main: [
      [{ run: 'echo begun > begun.txt' }],
      { deeds: [{ run: 'echo on > on.txt' }], gate: hangs(late) },
      { deeds: [{ run: 'echo harm > harm.txt' }], gate: hangs(new Promise(() => {})) },
    ],
  };
  const lab = await guardLab(who, () => script, { hookBundle: bundle, rules: [] });
  const harm = async (): Promise<number> =>
    textOf(join(lab.projectDir, `${asked === 1 ? 'on' : 'harm'}.txt`)).length;
  try {
    lab.start();
    await until(() => asked > 0 && lab.sessions().length > 0);
    const paused = await caught(lab, 'pause', 'model', harm);
    answer();
    await sleep(500);
    const after = made(lab, 'on.txt');
    await resume(lab);
    await until(() => made(lab, 'on.txt') && asked > 1);
    const stopped = await caught(lab, 'stop', 'model', harm);
    return [
      { who, ...paused, after, goesOn: true },
      { who, ...stopped },
    ];
  } finally {
    await lab.close();
  }
}

test('agents are stopped, frozen and killed; nothing of the call is done, nor of what would follow', async () => {
  const jobs = WHO.flatMap((who) => [
    { who, name: 'frozen', play: () => frozen(who) },
    { who, name: 'thinking', play: () => thinking(who) },
    { who, name: 'stop', play: () => ended(who, 'stop') },
    { who, name: 'kill', play: () => ended(who, 'kill') },
  ]);
  const failed: unknown[] = [];
  const all = await pooled(
    jobs,
    async ({ who, name, play }) => {
      try {
        return await play();
      } catch (error) {
        failed.push({ who, name, error: String(error).slice(0, 1000) });
        return [];
      }
    },
    4,
  );
  const rows = all.flat();
  console.table(rows);
  expect(failed).toEqual([]);
  expect(rows.length).toBe(WHO.length * 7);
  for (const seen of rows) {
    const { who, of, action } = seen;
    expect.soft(seen).toMatchObject({ who, of, action, harm: 0 });
    expect.soft(seen.after ?? false, `${who} ${of} ${action}`).toBe(false);
    expect.soft(seen).toMatchObject({ who, of, action, off: of === 'call' ? 2 : true });
    if (action === 'pause') {
      expect.soft(seen).toMatchObject({ who, of, state: 'stopped', trip: 'open', goesOn: true });
    } else if (of !== 'call') expect.soft(seen).toMatchObject({ who, of, action, state: 'gone' });
    if (action === 'kill') expect.soft(seen).toMatchObject({ who, of, trip: 'killed' });
  }
}, 300_000);
