import { afterEach, expect, test, vi } from 'vitest';
import { isRunning } from '../processes.ts';
import { ClaudeLab, toolCalls } from './claudeLab.ts';
import { text, thinking, tool } from './mockAnthropic.ts';

let lab: ClaudeLab;
afterEach(async () => await lab.close());

test('Claude Code plays a script of tools and a subagent', async () => {
  lab = await ClaudeLab.create({
    files: { 'hello.txt': 'hello world\n' },
    scenario: ({ projectDir }) => ({
      main: [
        {
          blocks: [
            thinking('I should read the file.'),
            tool('Read', { file_path: `${projectDir}/hello.txt` }),
          ],
          usage: {
            input_tokens: 11,
            output_tokens: 222,
            cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 44 },
          },
        },
        [
          tool('Bash', { command: 'echo hi', description: 'Say hi' }),
          tool('Edit', {
            file_path: `${projectDir}/hello.txt`,
            old_string: 'world',
            new_string: 'mars',
          }),
        ],
        [
          tool('Agent', {
            description: 'Count files',
            prompt: 'SCENARIO:count please count the files',
            subagent_type: 'general-purpose',
            run_in_background: false,
          }),
        ],
        [text('All done.')],
      ],
      count: [[tool('Bash', { command: 'ls | wc -l', description: 'Count' })], [text('One.')]],
    }),
  });

  const run = await lab.run({ prompt: 'Say hello to mars' });

  expect(run.code, run.stderr).toBe(0);
  expect(JSON.parse(run.stdout)).toMatchObject({ result: 'All done.' });
  expect(lab.read('hello.txt')).toBe('hello mars\n');
  const [main, sub, ...others] = run.transcripts;
  expect(others).toEqual([]);
  expect(toolCalls(main!).map(({ name }) => name)).toEqual(['Read', 'Bash', 'Edit', 'Agent']);
  expect(sub).toMatchObject({ subagent: true });
  expect(toolCalls(sub!).map(({ name }) => name)).toEqual(['Bash']);
  const last = main!.rows.filter(({ message }) => message?.id === lab.mock.answers[0]?.messageId);
  expect(last.at(-1)?.message?.usage).toMatchObject({
    input_tokens: 11,
    output_tokens: 222,
    cache_creation_input_tokens: 47,
    cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 44 },
  });
});

test('a started run can be watched and aborted', async () => {
  lab = await ClaudeLab.create({
    scenario: { main: [[tool('Bash', { command: 'echo $$ > pid; sleep 60' })]] },
  });
  const abort = new AbortController();
  const { pid, done } = lab.start({ prompt: 'wait', signal: abort.signal });
  expect(pid).toBeGreaterThan(0);
  const shell = await vi.waitFor(() => Number(/^\d+\n/.exec(lab.read('pid'))![0]), 30_000);
  expect(isRunning(shell)).toBe(true);
  // The agent writes its transcript some time after the tool has begun: while it runs, not before.
  await expect
    .poll(() => lab.transcripts().flatMap(toolCalls), { timeout: 30_000 })
    .toHaveLength(1);
  abort.abort();
  const run = await done;
  expect(run.signal).toBe('SIGKILL');
  await expect.poll(() => isRunning(shell)).toBe(false);
  expect(run.transcripts.flatMap(toolCalls)).toMatchObject([{ name: 'Bash' }]);
});
