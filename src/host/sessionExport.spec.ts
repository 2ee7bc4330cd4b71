import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import { sessionEntry } from '../trace/store.ts';
import { LiveSession } from './liveSession.ts';
import { exportName, exportSession } from './sessionExport.ts';

let root: string;
let writer: TraceWriter;
const never = new AbortController().signal;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'export-'));
  writer = new TraceWriter(root, 'one').start().prompt('Fix | the <bug>');
  const edit = writer.call('Edit', { file_path: '/project/src/a.ts' });
  writer.result(edit, {
    files: [{ path: '/project/src/a.ts', kind: 'write', added: 3, removed: 1, hunks: [] }],
  });
  const call = writer.call('Bash', { command: 'npm test' });
  writer.result(call, { is_error: true, exit_code: 1, result: 'Exit code 1\n2 tests failed' });
  writer.usage([edit, call]).end();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function session(name?: string): LiveSession {
  const live = new LiveSession('k', sessionEntry(root, 'one')!, 'project', undefined, () => name);
  live.read(Number.POSITIVE_INFINITY);
  return live;
}

it('writes a summary for people, under the name that the session was given', async () => {
  const path = join(root, 'out.md');
  await exportSession(session('The bug'), 'md', path, never);
  const text = readFileSync(path, 'utf8');
  expect(text).toMatch(/^# The bug\n/);
  expect(text).toContain('| Fix \\| the \\<bug\\> |');
  expect(text).toContain('| /project/src/a.ts | 1 | +3 −1 |');
  expect(text).toContain('- Failed: npm test: 2 tests failed');
});

it('writes the numbers for programs', async () => {
  const path = join(root, 'out.json');
  await exportSession(session('The bug'), 'json', path, never);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
    name: 'The bug',
    session_id: 'one',
    title: 'Fix | the <bug>',
    tool_calls: 2,
    files: [{ path: '/project/src/a.ts', writes: 1, added: 3 }],
    failures: [{ kind: 'error', message: '2 tests failed' }],
    by_prompt: [{}, { prompt: 'Fix | the <bug>', tool_calls: 2 }],
  });
});

it('writes the trace as it is, to its last whole line', async () => {
  const path = join(root, 'out.ndjson');
  const before = readFileSync(writer.file);
  appendFileSync(writer.file, '{"event_type":"torn');
  await exportSession(session(), 'ndjson', path, never);
  expect(readFileSync(path).equals(before)).toBe(true);
});

it.each(['md', 'json', 'ndjson'] as const)(
  'leaves personal data out of %s where asked',
  async (format) => {
    const mail = 'jane.doe@acme-corp.com';
    writer.prompt(`Write to ${mail} é`);
    const path = join(root, 'out');
    await exportSession(session(`For ${mail}`), format, path, never);
    const plain = readFileSync(path, 'utf8');
    expect(plain).toContain('jane.doe');
    await exportSession(session(`For ${mail}`), format, path, never, true);
    const masked = readFileSync(path, 'utf8');
    expect(masked).not.toContain('jane.doe');
    expect(masked).toContain('REDACTED');
    // All else is as it was.
    if (format === 'ndjson') {
      const values = (text: string): unknown[] =>
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown);
      expect(values(masked)).toEqual(values(plain.replaceAll(mail, '[REDACTED:email]')));
    }
  },
);

it('leaves nothing behind when it is cancelled, and what was there as it was', async () => {
  const path = join(root, 'out.md');
  appendFileSync(path, 'mine');
  const cancel = new AbortController();
  cancel.abort();
  for (const format of ['md', 'ndjson'] as const) {
    await expect(exportSession(session(), format, path, cancel.signal)).rejects.toThrow();
  }
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(readdirSync(root).sort()).toEqual(['one', 'out.md']);
});

it('has a file name of plain letters', () => {
  expect(exportName('../../Fix: the “bug”\n/etc', 'abcdef0123456789', 'md')).toBe(
    'fix-the-bug-etc-abcdef01.md',
  );
  expect(exportName('', 'abc', 'json')).toBe('session-abc.json');
});
