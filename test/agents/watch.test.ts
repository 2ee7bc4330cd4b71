/** `agent-strace watch` from the built command line ends real agents whose model thinks for ever, and says why. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { processState, readSessionRecord } from '../../src/agents/process.ts';
import { buildHook } from '../hookBundle.ts';
import type { Who } from './anyLab.ts';
import { type GuardLab, guardLab } from './guardLab.ts';
import { pooled } from './pooled.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/cli.js');

let built: string;
let bundle: string;
beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

function watching(lab: GuardLab, flags: string[]) {
  const env = { PATH: process.env.PATH ?? '', TZ: 'UTC', ...lab.env };
  const child = spawn(process.execPath, [PROGRAM, 'watch', ...flags], {
    cwd: lab.projectDir,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, code, text: () => text };
}

interface Case {
  who: Who;
  flags: string[];
  /** In what is printed and in the post-mortem. */
  says: RegExp;
}

const CASES: Case[] = [
  { who: 'claude', flags: ['--budget', '$1'], says: /cost_usd >= 1/ },
  { who: 'codex', flags: ['--timeout', '3'], says: /duration_minutes >= 0\.05/ },
];

async function watched({ who, flags }: Case) {
  let thinks = false;
  const lab = await guardLab(
    who,
    () => ({
      main: [
        { deeds: [{ run: 'echo one > one.txt' }], spends: { output: 60_000 } },
        { deeds: [{ run: 'echo two > two.txt' }], spends: { output: 60_000 } },
        {
          deeds: [{ run: 'echo harm > harm.txt' }],
          gate: () => {
            thinks = true;
            return new Promise(() => {});
          },
        },
      ],
    }),
    { hookBundle: bundle, rules: [] },
  );
  let watch: ReturnType<typeof watching> | undefined;
  try {
    lab.start();
    await vi.waitFor(() => expect(thinks).toBe(true), 30_000);
    const session = lab.sessions()[0]!;
    const record = readSessionRecord(session, lab.env)!;
    const before = processState(record);
    // Named, it is over when the session is.
    watch = watching(lab, [session, ...flags]);
    const code = await watch.code;
    const postmortem = join(lab.traceDir, session, 'postmortem.md');
    return {
      before,
      code,
      text: watch.text(),
      state: processState(record),
      harm: existsSync(join(lab.projectDir, 'harm.txt')),
      postmortem: existsSync(postmortem) ? readFileSync(postmortem, 'utf8') : '',
    };
  } finally {
    watch?.child.kill('SIGKILL');
    await lab.close();
  }
}

test('a session that costs or lasts too much is ended, with a post-mortem', async () => {
  const all = await pooled(CASES, watched);
  CASES.forEach(({ who, says }, at) => {
    const { text, postmortem, ...seen } = all[at]!;
    expect.soft({ who, ...seen }, text).toEqual({
      who,
      before: 'alive',
      code: 3,
      state: 'gone',
      harm: false,
    });
    expect.soft(text, who).toContain('post-mortem: ');
    expect.soft(postmortem, who).toMatch(says);
  });
});
