import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, eventLine, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { textWidth } from '../report/terminalText.ts';

const LONG = 'A very long title 標題 of what was asked for '.repeat(6).trim();

/** A session with long names everywhere. */
function wide(): string {
  const traceDir = temporaryFolder();
  const id = 'wide-session-with-a-long-name-0123456789';
  mkdirSync(join(traceDir, id));
  const at = 1_795_000_000;
  const usage = {
    input_tokens: 1_234_567,
    output_tokens: 4321,
    cache_read_input_tokens: 1_000_000,
  };
  const path = `/repo/${'deep/'.repeat(20)}file.ts`;
  const line = (type: string, n: number, data: object, more = {}): string =>
    eventLine(id, type, at + n, n, { ...data }, more);
  const result = { tool_name: 'Bash', error: 'It failed '.repeat(30), is_error: true };
  writeFileSync(
    join(traceDir, id, 'events.ndjson'),
    [
      line('session_start', 1, { source: 'startup', cwd: `/repo/${'deep/'.repeat(20)}` }),
      line('user_prompt', 2, { prompt: LONG }),
      line('tool_call', 3, { tool_name: `mcp__${'long'.repeat(20)}`, arguments: {} }),
      line('tool_call', 4, { tool_name: 'Bash', arguments: { command: LONG } }),
      line('error', 5, result, { parent_id: '000000000004', duration_ms: 2000 }),
      line('tool_call', 6, { tool_name: 'Read', arguments: { file_path: path } }),
      line(
        'tool_result',
        7,
        { tool_name: 'Read', result: 'x', files: [{ path, kind: 'read' }] },
        { parent_id: '000000000006' },
      ),
      line('tool_call', 8, {
        tool_name: 'Task',
        event_subtype: 'subagent',
        agent_id: 'a1',
        agent_type: 'a-very-long-type-of-agent',
        description: LONG,
      }),
      line('llm_response', 9, { event_subtype: 'usage', model: 'claude-opus-4-5', usage }),
      line('llm_response', 10, { event_subtype: 'usage', model: `m${LONG}`, usage }),
      line('session_end', 11, { reason: 'exit' }),
    ].join(''),
  );
  return traceDir;
}

const COMMANDS = [['cost'], ['cost', '--all'], ['stats'], ['list']];

describe('the width of the terminal', () => {
  it.each([24, 30, 47, 80])('is not exceeded: %i columns', async (width) => {
    const traceDir = wide();
    for (const args of COMMANDS) {
      const { out } = await cli([...args, '--trace-dir', traceDir], { width });
      const plain = out.replace(/\u001b\[\d+m/g, '');
      for (const line of plain.split('\n')) {
        expect(textWidth(line), `${args.join(' ')}: ${line}`).toBeLessThanOrEqual(width);
      }
    }
  });

  it('costs no fact of the reconciliation', async () => {
    const { out } = await cli(['cost', '--trace-dir', wide()], {
      width: 30,
      env: { NO_COLOR: '1' },
    });
    for (const fact of ['1 priced', '0 dedup', '0 est', '1 unpriced', 'own $', 'cache hits']) {
      expect(out).toContain(fact);
    }
  });

  it('is that of COLUMNS in a pipe, if set; else nothing is cut', async () => {
    const args = ['list', '--trace-dir', wide()];
    expect((await cli(args)).out).toContain(LONG);
    const { out } = await cli(args, { env: { COLUMNS: '60' } });
    for (const line of out.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(60);
    expect((await cli(args, { env: { COLUMNS: 'many' } })).out).toContain(LONG);
  });

  it('does not make every row as wide as the longest title', async () => {
    const traceDir = wide();
    mkdirSync(join(traceDir, 'short'));
    writeFileSync(
      join(traceDir, 'short', 'events.ndjson'),
      eventLine('short', 'user_prompt', 1_795_000_000, 1, { prompt: 'Short' }),
    );
    const { out } = await cli(['list', '--trace-dir', traceDir]);
    const row = out.split('\n').find((line) => line.includes('  Short  '))!;
    expect(row.length).toBeLessThan(160);
    expect(out).toContain(LONG);
  });
});
