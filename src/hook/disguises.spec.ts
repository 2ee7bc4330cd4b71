/** A sample of the corpora of commands, through the recorder as it is shipped: what the agent is told of each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pooled } from '../../test/agents/pooled.ts';
import { buildHook } from '../../test/hookBundle.ts';
import { aimed, disguises, harmless } from '../../test/shellCorpus.ts';
import { hookCommand, installLauncher } from '../agents/launcher.ts';

/** Nothing is run, so it need not be there. */
const OUTSIDE = '/srv/agent-strace-nowhere/data';
const RULES = [
  `file_path writes "${OUTSIDE}/**"`,
  `file_path writes "${OUTSIDE}"`,
  'file_path writes ".env.production"',
  'file_path reads "~/.ssh/id_*"',
  'host matches "{evil.example,*.evil.example}"',
  'command matches "{git,hub} push --force"',
  'command matches "git push --force-*"',
  'command matches "git push --mirror"',
  'command matches "git push --delete"',
  'command matches "git push {+,:}*"',
];

let root: string;
let project: string;
let env: { HOME: string; AGENT_STRACE_HOME: string };

beforeAll(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'agent-strace-disguises-')));
  const home = join(root, 'home');
  project = join(home, 'project');
  for (const folder of ['project/src', 'project/.git', 'project/.agent-traces', '.ssh']) {
    mkdirSync(join(home, folder), { recursive: true, mode: 0o700 });
  }
  writeFileSync(join(project, '.env.production'), 'x\n');
  writeFileSync(join(home, '.ssh/id_rsa'), 'x\n');
  env = { HOME: home, AGENT_STRACE_HOME: join(home, '.agent-strace') };
  const { folder, bundle } = await buildHook();
  installLauncher({ hookBundle: bundle, version: '0.0.0', nodePath: process.execPath, env });
  rmSync(folder, { recursive: true, force: true });
  const rules = RULES.map(
    (condition, at) =>
      `  - name: r${at}\n    condition: ${JSON.stringify(condition)}\n    action: deny`,
  );
  writeFileSync(join(home, '.agent-strace/rules.yaml'), ['rules:', ...rules, ''].join('\n'), {
    mode: 0o600,
  });
});
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));

let calls = 0;

/** What the hook prints for a call of this command. */
async function told(command: string): Promise<string> {
  const payload = {
    session_id: 'disguises',
    transcript_path: '',
    cwd: project,
    hook_event_name: 'PreToolUse',
    tool_name: 'Bash',
    tool_input: { command: aimed(command, OUTSIDE), description: 'Run' },
    tool_use_id: `toolu_${++calls}`,
  };
  const child = spawn('/bin/sh', ['-c', hookCommand('claude', 'PreToolUse', env)], {
    cwd: project,
    env: { PATH: '/usr/bin:/bin', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.stdin.end(JSON.stringify(payload));
  await once(child, 'close');
  return said;
}

const isDenied = (said: string): boolean => said.includes('"permissionDecision":"deny"');

/** Every so-many-th, so that all kinds are among them. */
const sampled = <T>(all: readonly T[], count: number): T[] =>
  all.filter((_, at) => at % Math.ceil(all.length / count) === 0);

test('disguises are denied, harmless commands are not', async () => {
  // The first call compiles the rules; the others find them compiled.
  expect(isDenied(await told('echo x > .env.production'))).toBe(true);
  const hidden = sampled(
    [...disguises('disguises.txt'), ...disguises('disguises.heldout.txt')],
    40,
  ).map(({ command }) => command);
  const plain = sampled([...harmless('harmless.txt'), ...harmless('harmless.heldout.txt')], 40);
  const caught = await pooled(hidden, async (command) => isDenied(await told(command)));
  const alarms = await pooled(plain, async (command) => isDenied(await told(command)));
  const slipped = hidden.filter((_, at) => !caught[at]);
  const cried = plain.filter((_, at) => alarms[at]);
  console.log(
    `Through the hook: ${hidden.length - slipped.length} of ${hidden.length} disguises denied, ` +
      `${cried.length} of ${plain.length} harmless commands denied`,
  );
  // What a patch changes stands in a file that the hook does not read.
  expect({ slipped, cried }).toEqual({ slipped: [], cried: ['patch -p1 < fix.diff'] });
}, 120_000);
