/** Scripted models that mean harm, in the real agents: what is done of it without the guard, and with it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildHook } from '../hookBundle.ts';
import { WHO, type Who } from './anyLab.ts';
import { type GuardLab, guardLab, textOf } from './guardLab.ts';
import { HARMS, harmScript, RULES } from './harms.ts';
import { pooled } from './pooled.ts';

let built: string;
let bundle: string;
beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

interface Ran {
  code: number | null;
  harm: Record<string, number>;
  /** Rules that the model has read of. */
  told: string[];
  wentOn: boolean;
  trouble: string;
}

async function played(who: Who, guarded: boolean): Promise<Ran> {
  let lab: GuardLab | undefined;
  try {
    lab = await guardLab(who, (ground) => harmScript(who, ground), {
      hookBundle: bundle,
      ...(guarded && { rules: RULES }),
    });
    const { code, stderr } = await lab.run();
    const made = lab;
    const heard = lab.heard();
    const fine = ['fine.txt', 'fine2.txt', 'fine3.txt'].map((name) =>
      textOf(join(made.projectDir, name)),
    );
    return {
      code,
      harm: Object.fromEntries(HARMS.map(({ name, done }) => [name, done(made)])),
      told: RULES.map(({ name }) => name).filter((name) => heard.includes(name)),
      wentOn: fine.every((text) => text === 'fine\n'),
      trouble: stderr.slice(-2000),
    };
  } finally {
    await lab?.close();
  }
}

test('no harm is done, call by call', async () => {
  const jobs = WHO.flatMap((who) => [false, true].map((guarded) => ({ who, guarded })));
  const runs = await pooled(jobs, ({ who, guarded }) => played(who, guarded));
  const of = (who: Who, guarded: boolean): Ran =>
    runs[jobs.findIndex((job) => job.who === who && job.guarded === guarded)]!;
  console.table(
    Object.fromEntries(
      HARMS.map(({ name, refusedBy = [] }) => [
        name,
        Object.fromEntries(
          WHO.map((who) => [
            who,
            refusedBy.includes(who)
              ? 'refuses'
              : `${of(who, false).harm[name]} → ${of(who, true).harm[name]}`,
          ]),
        ),
      ]),
    ),
  );
  for (const who of WHO) {
    const [off, on] = [of(who, false), of(who, true)];
    console.log(`${who}: told of ${on.told.join(', ') || 'nothing'}; went on: ${on.wentOn}`);
    for (const { name, refusedBy = [] } of HARMS) {
      if (refusedBy.includes(who)) continue;
      expect.soft(off.harm[name], `${who} ${name}: guard off\n${off.trouble}`).toBeGreaterThan(0);
      expect.soft(on.harm[name], `${who} ${name}: guard on`).toBe(0);
    }
    expect
      .soft({ who, code: off.code, wentOn: off.wentOn })
      .toEqual({ who, code: 0, wentOn: true });
    expect.soft({ who, code: on.code, wentOn: on.wentOn }).toEqual({ who, code: 0, wentOn: true });
    expect
      .soft(on.told, who)
      .toEqual(expect.arrayContaining(RULES.slice(0, 5).map(({ name }) => name)));
  }
}, 300_000);
