import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { cli } from '../../test/cli/memoryIo.ts';
import { GuardLab } from '../../test/guardLab.ts';
import { buildHook } from '../../test/hookBundle.ts';
import { armedRules } from '../guard/rules/armed.ts';

/** The rules of a watch, enforced by the hook as it is shipped. */
let built: string;
let bundle: string;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

describe.skipIf(process.platform === 'win32')('the rules of a watch', () => {
  it.each([
    [
      'of a file',
      '--rules',
      'mine.json',
      { rules: [{ name: 'no-writes', condition: 'tool matches "Write"', action: 'deny' }] },
    ],
    ['of a policy', '--policy', 'policy.json', { files: { write: { deny: ['**/a.txt'] } } }],
  ])('%s hold before a tool runs, as long as it watches', async (_what, flag, name, text) => {
    const lab = new GuardLab(bundle);
    onTestFinished(() => lab.close());
    const traceDir = join(lab.project, '.agent-traces');
    mkdirSync(traceDir);
    writeFileSync(join(lab.project, name), JSON.stringify(text));
    let calls = 0;
    const write = (file: string) =>
      lab.fire(
        'claude',
        'PreToolUse',
        lab.payload('PreToolUse', {
          tool_name: 'Write',
          tool_use_id: `toolu_${++calls}`,
          tool_input: { file_path: join(lab.project, file), content: 'x' },
        }),
      );
    const silent = { stdout: '', stderr: '', status: 0 };
    expect(write('a.txt')).toEqual(silent);
    const stop = new AbortController();
    const watching = cli(['watch', flag, name, '--trace-dir', traceDir], {
      env: lab.env,
      cwd: lab.project,
      signal: stop.signal,
    });
    const armed = () => armedRules({ project: lab.project, env: lab.env });
    await vi.waitFor(() => expect(armed().length).toBeGreaterThan(0), 10_000);
    expect(JSON.parse(write('a.txt').stdout)).toMatchObject({
      hookSpecificOutput: { permissionDecision: 'deny' },
    });
    stop.abort();
    expect((await watching).err).toBe('');
    expect(armed()).toEqual([]);
    expect(write('a.txt')).toEqual(silent);
  });
});
