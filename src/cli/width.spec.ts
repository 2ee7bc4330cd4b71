import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, eventLine, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { textWidth } from '../report/terminalText.ts';

const LONG = 'A very long title 標題 of what was asked for '.repeat(6).trim();

const ID = 'wide-session-with-a-long-name-0123456789';
const OTHER = 'other-session-with-a-long-name-0123456789';

/** A session with long names everywhere, and what reports have words for: failures, retries, tests, a subagent, a compaction. */
function wideSession(traceDir: string, id: string): void {
  mkdirSync(join(traceDir, id));
  const at = 1_795_000_000;
  const usage = {
    input_tokens: 1_234_567,
    output_tokens: 4321,
    cache_read_input_tokens: 1_000_000,
  };
  const path = `/repo/${'deep/'.repeat(20)}標題/file.ts`;
  const hex = (n: number): string => n.toString(16).padStart(12, '0');
  const line = (type: string, n: number, data: object, more = {}): string =>
    eventLine(id, type, at + n * 400, n, { ...data }, more);
  const failed = { tool_name: 'Bash', error: 'It failed 標題 '.repeat(30), is_error: true };
  const lane = { agent_id: 'a1', agent_type: 'a-very-long-type-of-agent', description: LONG };
  writeFileSync(
    join(traceDir, id, 'events.ndjson'),
    [
      line('session_start', 1, { source: 'startup', cwd: `/repo/${'deep/'.repeat(20)}` }),
      line('user_prompt', 2, { prompt: LONG }),
      line('tool_call', 3, { tool_name: `mcp__${'long'.repeat(20)}`, arguments: {} }),
      line('tool_call', 4, { tool_name: 'Bash', arguments: { command: LONG } }),
      line('error', 5, failed, { parent_id: hex(4), duration_ms: 2000 }),
      line('tool_call', 6, { tool_name: 'Read', arguments: { file_path: path } }),
      line(
        'tool_result',
        7,
        { tool_name: 'Read', result: 'x', files: [{ path, kind: 'read' }] },
        { parent_id: hex(6) },
      ),
      line('tool_call', 8, { tool_name: 'Task', event_subtype: 'subagent', ...lane }),
      line('tool_call', 9, { tool_name: 'Bash', arguments: { command: LONG }, ...lane }),
      line('error', 10, { ...failed, ...lane }, { parent_id: hex(9), duration_ms: 123_456 }),
      line('llm_response', 11, { event_subtype: 'usage', model: 'claude-opus-4-5', usage }),
      line('llm_response', 12, { event_subtype: 'usage', model: `m${LONG}`, usage }),
      line('decision', 13, { event_subtype: 'compaction', trigger: 'auto' }),
      line('user_prompt', 14, { prompt: `And now ${LONG}` }),
      line('tool_call', 15, { tool_name: 'Bash', arguments: { command: LONG } }),
      line('error', 16, failed, { parent_id: hex(15), duration_ms: 2000 }),
      line('tool_call', 17, { tool_name: 'Edit', arguments: { file_path: path } }),
      line(
        'tool_result',
        18,
        { tool_name: 'Edit', files: [{ path, kind: 'write', added: 12_345, removed: 9876 }] },
        { parent_id: hex(17) },
      ),
      line('tool_call', 19, { tool_name: 'Bash', arguments: { command: `pytest ${path}` } }),
      line('error', 20, failed, { parent_id: hex(19), duration_ms: 7_200_000 }),
      line('llm_response', 21, { event_subtype: 'usage', model: 'claude-opus-4-5', usage }),
      line('assistant_response', 22, { text: `${LONG}. ${path}` }),
      line('session_end', 23, { reason: 'exit' }),
    ].join(''),
  );
  writeFileSync(
    join(traceDir, id, 'annotations.jsonl'),
    `${JSON.stringify({ annotation_id: 'abc123', event_id: hex(4), offset_seconds: 3, label: 'root-cause', note: LONG, author: LONG, created_at: at })}\n`,
  );
}

function wide(...more: string[]): string {
  const traceDir = temporaryFolder();
  for (const id of [ID, ...more]) wideSession(traceDir, id);
  return traceDir;
}

const COMMANDS = [['cost'], ['cost', '--all'], ['stats'], ['list']];
/** Every command whose text is a report; those that fit any terminal are above. */
const REPORTS = [
  ...COMMANDS,
  ['replay', ID],
  ['replay', ID, '--numbers'],
  ['explain', ID],
  ['explain', ID, '--phase', '2'],
  ['timeline', ID],
  ['timeline', ID, '--all'],
  ['why', ID, 'last-error'],
  ['why', ID, '9'],
  ...['phase', 'model', 'tool', 'file', 'mcp', 'subagent', 'waste'].map((by) => [
    ...['cost', ID, '--by', by],
  ]),
  ['context', ID, '--subagents'],
  ['context', ID, '--requests'],
  ['token-budget', ID],
  ['token-budget', ID, '--peak', '--warn-at', '1%'],
  ['diff', ID, OTHER],
  ['diff', ID, OTHER, '--semantic'],
  ['compare', ID, OTHER],
  ['tree', ID],
  ['stats', ID, '--include-subagents'],
  ['search', 'failed'],
  ['audit', ID],
  ['audit', '--all'],
  ['annotate', ID, '--list'],
  ['postmortem', ID],
  ['guard'],
  ['rules', 'list'],
  ['rules', 'check'],
  ['rules', 'test', `rm -rf /${'deep/'.repeat(10)}`],
  ['config'],
];

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

  it.each([40, 60, 80])('is not exceeded by any report: %i columns', async (width) => {
    const traceDir = wide(OTHER);
    const cwd = temporaryFolder();
    writeFileSync(
      join(cwd, '.watch-rules.yaml'),
      `rules:\n  - name: ${'a-long-name-'.repeat(3)}\n    when: cost > 5\n    action: alert\n  - wrong: ${LONG}\n`,
    );
    for (const args of REPORTS) {
      const { out } = await cli([...args, '--trace-dir', traceDir], { width, cwd });
      expect(out, args.join(' ')).not.toBe('');
      // What is to be pasted into a new session is not ours to break.
      const plain = out.replace(/\u001b\[\d+m/g, '').replace(/^```[\s\S]*?^```/gm, '');
      for (const line of plain.split('\n')) {
        // A path or an id that is to be copied is one piece, on a line of its own.
        if (!line.trim().includes(' ')) continue;
        expect(textWidth(line), `${args.join(' ')}: ${line}`).toBeLessThanOrEqual(width);
      }
    }
  });

  it('leaves the end of a path, which tells most, and a gap before a long duration', async () => {
    const traceDir = wide();
    const shown = async (...args: string[]) =>
      (await cli([...args, '--trace-dir', traceDir], { width: 60, env: { NO_COLOR: '1' } })).out;
    for (const args of [['stats'], ['cost', '--by', 'file'], ['explain']]) {
      expect(await shown(...args), args.join(' ')).toMatch(/…\S*\/標題\/file\.ts/);
    }
    expect(await shown('replay')).not.toMatch(/\S\d+m \d\ds {2}/);
  });

  it('is not exceeded where there is nothing to tell', async () => {
    const traceDir = temporaryFolder();
    mkdirSync(join(traceDir, 'empty'));
    writeFileSync(join(traceDir, 'empty', 'events.ndjson'), '');
    for (const command of ['explain', 'timeline', 'context', 'token-budget']) {
      const { out } = await cli([command, 'empty', '--trace-dir', traceDir], { width: 40 });
      expect(out, command).toMatch(/Nothing is recorded|No request told/);
      for (const line of out.replace(/\u001b\[\d+m/g, '').split('\n')) {
        expect(textWidth(line), `${command}: ${line}`).toBeLessThanOrEqual(40);
      }
    }
  });

  it('costs no fact of the reconciliation', async () => {
    const { out } = await cli(['cost', '--trace-dir', wide()], {
      width: 30,
      env: { NO_COLOR: '1' },
    });
    for (const fact of ['2 priced', '0 dedup', '0 est', '1 unpriced', 'own ≥$', 'cache hits']) {
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
