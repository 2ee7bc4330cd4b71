import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import { LiveSession } from './liveSession.ts';
import { fileKey, TouchedFiles } from './touchedFiles.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-strace-touched-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function begin(id: string): { live: LiveSession; touch(path: string, kind?: string): void } {
  const writer = new TraceWriter(folder, id, { cwd: '/project' }).start();
  const entry = { id, traceDir: folder, directory: join(folder, id), size: 0, modifiedMs: 0 };
  const live = new LiveSession(`key/${id}`, entry, 'project', undefined);
  live.read(1e6);
  return {
    live,
    touch(path, kind = 'read') {
      const call = writer.call('Read', { file_path: path });
      writer.result(call, { files: [{ path, kind }] });
      live.read(1e6);
    },
  };
}

describe('touched files', () => {
  it('are told of once, whatever they are called', () => {
    const { live, touch } = begin('one');
    const files = new TouchedFiles();
    touch('/project/a.py');
    touch('./src/../a.py');
    touch('file:///project/b%20c.py');
    expect([...files.update([live])]).toEqual(['/project/a.py', '/project/b c.py']);
    expect(files.sourcesOf(['/project/a.py'])).toEqual([
      { session: live, names: ['/project/a.py', './src/../a.py'] },
    ]);
    expect([...files.update([live])]).toEqual([]);
    touch('/project/a.py', 'write');
    expect([...files.update([live])]).toEqual(['/project/a.py']);
    expect(live.trace.fold.files.countsOf('/project/a.py')).toEqual({ reads: 1, writes: 1 });
  });

  it('go with their session', () => {
    const one = begin('one');
    const two = begin('two');
    one.touch('/project/a.py');
    two.touch('/project/a.py');
    two.touch('/project/b.py');
    const files = new TouchedFiles();
    files.update([one.live, two.live]);
    expect(files.sourcesOf(['/project/a.py'])).toHaveLength(2);
    expect([...files.update([one.live])].sort()).toEqual(['/project/a.py', '/project/b.py']);
    expect(files.sourcesOf(['/project/a.py', '/project/b.py'])).toHaveLength(1);
    expect(files.sourcesOf(['/project/b.py'])).toHaveLength(0);
  });

  it('are no files where a trace names nonsense', () => {
    expect(fileKey('file://%%%')).toBeUndefined();
    expect(fileKey('a\0b')).toBeUndefined();
    expect(fileKey('../x', '/project/y')).toBe('/project/x');
  });
});
