import { describe, expect, it } from 'vitest';
import type { JsonObject, TraceEvent } from '../event.ts';
import { SessionFold } from '../fold.ts';
import { ids } from '../ids.ts';

const SESSION = 's';
function event(type: string, id: string, data: JsonObject, timestamp: number): TraceEvent {
  const isCall = type === 'tool_call';
  return {
    event_type: type,
    timestamp,
    event_id: isCall ? ids.call(SESSION, id) : ids.result(SESSION, id),
    session_id: SESSION,
    ...(!isCall && { parent_id: ids.call(SESSION, id) }),
    data: { recorded_by: 'hook', tool_use_id: id, ...data },
  };
}
const call = (id: string, at: number) =>
  event('tool_call', id, { tool_name: 'Edit', arguments: { file_path: '/a' } }, at);
const result = (id: string, at: number, kind: string, path: string, by = 'hook') =>
  event('tool_result', id, { recorded_by: by, result: 'ok', files: [{ path, kind }] }, at);

describe('files of a session', () => {
  it('are told of as they are touched, once a reading', () => {
    const fold = new SessionFold();
    for (const added of [
      call('1', 1),
      result('1', 2, 'read', '/a'),
      result('2', 3, 'write', '/b'),
    ]) {
      fold.add(added);
    }
    expect([...fold.files.toldSince(0)]).toEqual(['/a', '/b']);
    const read = fold.files.toldSoFar;
    expect([...fold.files.toldSince(read)]).toEqual([]);
    fold.add(result('3', 4, 'write', '/a'));
    fold.add(result('4', 5, 'write', '/a'));
    expect([...fold.files.toldSince(read)]).toEqual(['/a']);
    expect(fold.files.countsOf('/a')).toEqual({ reads: 1, writes: 2 });
    expect(fold.files.countsOf('/c')).toEqual({ reads: 0, writes: 0 });
  });

  it('are told of again when their call comes late, or a better word of it', () => {
    const fold = new SessionFold();
    fold.add(result('1', 2, 'write', '/a', 'transcript'));
    let read = fold.files.toldSoFar;
    fold.add(call('1', 1));
    expect([...fold.files.toldSince(read)]).toEqual(['/a']);
    expect(fold.files.opsOf('/a')[0]?.timeMs).toBe(1000);
    read = fold.files.toldSoFar;
    expect(fold.add(result('1', 2, 'write', '/b', 'hook'))).toBe('replaced');
    expect([...fold.files.toldSince(read)].sort()).toEqual(['/a', '/b']);
    expect(fold.files.countsOf('/a')).toEqual({ reads: 0, writes: 0 });
    expect(fold.files.countsOf('/b')).toEqual({ reads: 0, writes: 1 });
  });

  it('that a command was seen to change stay, whoever tells how it ended', () => {
    const seen = event(
      'tool_result',
      '1',
      {
        tool_name: 'Bash',
        partial: true,
        changed_files: 'unknown',
        files: [
          { path: '/made', kind: 'create', source: 'stat' },
          { path: '/read', kind: 'read' },
        ],
      },
      2,
    );
    const told = event(
      'tool_result',
      '1',
      { recorded_by: 'transcript', exit_code: 1, files: [{ path: '/other', kind: 'write' }] },
      2,
    );
    const run = event('tool_call', '1', { tool_name: 'Bash', arguments: {} }, 1);
    const facts = (fold: SessionFold) => ({
      paths: fold.files
        .summaries()
        .map(({ path, reads, writes }) => `${path} ${reads} ${writes}`)
        .sort(),
      unknown: fold.files.unknownCommands,
      steps: fold.files.opsOf('/made').map(({ row }) => fold.steps.stepOf(row)),
    });
    const want = { paths: ['/made 0 1', '/other 0 1'], unknown: 1, steps: [0] };
    for (const order of [
      [run, seen, told],
      [run, told, seen],
      [told, seen, run, seen, told],
      [seen, told, seen, run],
    ]) {
      const fold = new SessionFold();
      for (const one of order) fold.add(structuredClone(one));
      expect(facts(fold)).toEqual(want);
      for (let cut = 0; cut <= order.length; cut++) {
        const half = new SessionFold();
        for (const one of order.slice(0, cut)) half.add(structuredClone(one));
        const resumed = SessionFold.load(half.save());
        for (const one of order.slice(cut)) resumed.add(structuredClone(one));
        expect(facts(resumed)).toEqual(want);
      }
    }
  });

  it('count on from where they were saved', () => {
    const fold = new SessionFold();
    fold.add(result('1', 2, 'write', '/a'));
    fold.add(result('2', 3, 'read', '/a'));
    const loaded = SessionFold.load(JSON.parse(JSON.stringify(fold.save())));
    loaded.add(result('3', 4, 'read', '/a'));
    expect(loaded.files.countsOf('/a')).toEqual({ reads: 2, writes: 1 });
    expect([...loaded.files.toldSince(0)]).toEqual(['/a']);
  });
});
