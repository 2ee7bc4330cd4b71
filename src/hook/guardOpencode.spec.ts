import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GuardLab } from '../../test/guardLab.ts';
import { buildHook } from '../../test/hookBundle.ts';
import { pluginText } from '../agents/opencode/plugin.ts';
import { readTrips } from '../guard/trips.ts';
import { readVerdicts } from '../guard/verdicts.ts';

/** The plugin as set-up writes it, in a process that calls it as opencode does. */
let built: string;
let bundle: string;
let lab: GuardLab;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
beforeEach(() => {
  lab = new GuardLab(bundle);
});
afterEach(() => lab.close());

/** @returns for each call: what was thrown, or `ran` */
function run(calls: { tool: string; args: object; ignores?: boolean }[]): string[] {
  const plugin = join(lab.root, 'plugin.mjs');
  writeFileSync(plugin, pluginText(join(lab.lib, 'opencode.js')));
  const script = join(lab.root, 'opencode.mjs');
  writeFileSync(
    script,
    `import { AgentStrace } from ${JSON.stringify(plugin)};
const hooks = await AgentStrace({ directory: ${JSON.stringify(lab.project)}, client: {} });
const said = [];
let n = 0;
for (const { tool, args, ignores } of ${JSON.stringify(calls)}) {
  const given = { tool, sessionID: 'ses_1', callID: 'call_' + n++ };
  let word = 'ran';
  try {
    await hooks['tool.execute.before'](given, { args });
  } catch (error) {
    word = error.message;
  }
  if (word === 'ran' || ignores) {
    const state = { status: 'completed', input: args, output: 'done', title: '', metadata: { exit: 0 }, time: { start: 1, end: 2 } };
    const part = { id: given.callID, callID: given.callID, sessionID: 'ses_1', messageID: 'msg_1', type: 'tool', tool, state };
    await hooks['tool.execute.after']({ ...given, args }, { title: '', output: 'done', metadata: state.metadata });
    const info = { id: 'msg_1', sessionID: 'ses_1', role: 'assistant', time: { created: 1 } };
    await hooks.event({ event: { type: 'message.updated', properties: { info } } });
    await hooks.event({ event: { type: 'message.part.updated', properties: { part } } });
  }
  said.push(word);
}
console.log(JSON.stringify(said));
process.exit(0);`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, [script], {
    env: { ...lab.env, PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as string[];
}

const bash = (command: string, more: object = {}) => ({ tool: 'bash', args: { command }, ...more });

describe('opencode', () => {
  it('is told no by what is thrown, and other calls go on', () => {
    expect(run([bash('touch forbidden')])).toEqual(['ran']);
    lab.rules({ name: 'no-touch', condition: 'command matches "touch"', action: 'deny' });
    expect(run([bash('ls'), bash('touch forbidden'), bash('ls')])).toEqual([
      'ran',
      expect.stringMatching(/^Denied by agent-strace, rule “no-touch”/),
      'ran',
    ]);
    expect(readVerdicts('ses_1', lab.env).verdicts).toMatchObject([{ said: 'deny' }]);
    expect(readTrips(lab.env).map(({ line }) => line)).toEqual(['prevent']);
    expect(lab.log).toBe('');
  });

  it('that runs what it was denied is an alarm', () => {
    lab.rules({ name: 'no-touch', condition: 'command matches "touch"', action: 'deny' });
    run([bash('touch forbidden', { ignores: true })]);
    expect(readTrips(lab.env).map(({ line }) => line)).toContain('verify');
  });

  it('throws nothing where the guard fails, unless that was chosen', () => {
    lab.rules({ name: 'no-touch', condition: 'command matches "touch"', action: 'deny' });
    writeFileSync(join(lab.lib, 'guard.js'), 'throw new Error("broken")');
    expect(run([bash('touch forbidden')])).toEqual(['ran']);
    lab.choose({ fail: 'closed' });
    expect(run([bash('touch forbidden')])).toEqual([
      expect.stringMatching(/^Denied by agent-strace: the guard could not be run/),
    ]);
  });
});
