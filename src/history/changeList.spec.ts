import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import type { JsonObject } from '../model/event.ts';
import { TraceSession } from '../trace/session.ts';
import { changedFiles, renumber } from './changeList.ts';

function listed(write: (writer: TraceWriter) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'list-'));
  try {
    const writer = new TraceWriter(folder, 's', { cwd: '/p' }).start();
    write(writer);
    const trace = new TraceSession(join(folder, 's'), 's');
    while (trace.update());
    return { writer, fold: trace.fold, files: changedFiles(trace.fold, '/p') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const step = (writer: TraceWriter, tool: string, file: JsonObject, data: JsonObject = {}) =>
  writer.result(writer.call(tool, { file_path: file.path ?? null }), { files: [file], ...data });

it('lists what was changed, not what was read, with its steps', () => {
  const { files } = listed((writer) => {
    step(writer, 'Read', { path: '/p/src/read.ts', kind: 'read' });
    step(writer, 'Edit', {
      path: '/p/src/a.ts',
      kind: 'write',
      added: 2,
      removed: 1,
      hunks: [[1, 1, 1, 2]],
    });
    step(writer, 'Bash', { path: '/p/src/a.ts', kind: 'write', source: 'stat', ranges: [] });
    step(writer, 'Write', { path: 'new.ts', kind: 'create', added: 4, removed: 0 });
    step(writer, 'Bash', { path: '/p/old.ts', kind: 'delete', source: 'stat', ranges: [] });
    step(writer, 'Edit', { path: '/p/../elsewhere/b.ts', kind: 'write' });
  });
  expect(
    files.map(({ absolute, folder, status, added, removed, partly, steps }) => ({
      absolute,
      folder,
      status,
      lines: [added, removed, partly],
      steps: steps.map(({ step: at, tool, added: more }) => [at, tool, more]),
    })),
  ).toEqual([
    {
      absolute: '/p/new.ts',
      folder: '',
      status: 'A',
      lines: [4, 0, false],
      steps: [[4, 'Write', 4]],
    },
    {
      absolute: '/p/old.ts',
      folder: '',
      status: 'D',
      lines: [0, 0, true],
      steps: [[5, 'Bash', undefined]],
    },
    {
      absolute: '/elsewhere/b.ts',
      folder: '/elsewhere',
      status: 'M',
      lines: [0, 0, true],
      steps: [[6, 'Edit', undefined]],
    },
    {
      absolute: '/p/src/a.ts',
      folder: 'src',
      status: 'M',
      lines: [2, 1, true],
      steps: [
        [2, 'Edit', 2],
        [3, 'Bash', undefined],
      ],
    },
  ]);
});

it('lists what a command changed that failed, and counts those that do not tell', () => {
  const { fold, files } = listed((writer) => {
    const call = writer.call('Bash', { command: 'x' });
    writer.write(
      writer.event(
        'error',
        {
          tool_use_id: call,
          error: 'Exit code 1',
          files: [{ path: '/p/a.ts', kind: 'write', source: 'stat', ranges: [] }],
          changed_files: 'unknown',
        },
        { parent_id: writer.callId(call) },
      ),
    );
  });
  expect(files[0]?.steps).toMatchObject([{ step: 1, tool: 'Bash', failed: true }]);
  expect(fold.files.unknownCommands).toBe(1);
});

it('numbers its steps anew when others come in before them', () => {
  const { fold, files, writer } = listed((made) => {
    step(made, 'Edit', { path: '/p/a.ts', kind: 'write' });
  });
  expect(renumber(fold, files)).toBe(false);
  const before = files[0]!.steps[0]!.step;
  // Known late, and earlier than all: a transcript was behind.
  fold.add(writer.event('user_prompt', { prompt: 'First' }, { timestamp: 1 }), 1e6, 10);
  expect(renumber(fold, files)).toBe(true);
  expect(files[0]!.steps[0]!.step).toBe(before + 1);
});

it('has a version that moves with changes, and with nothing else', () => {
  const { fold } = listed((writer) => {
    step(writer, 'Read', { path: '/p/a.ts', kind: 'read' });
  });
  expect(fold.files.changeVersion).toBe(0);
  const two = listed((writer) => {
    step(writer, 'Edit', { path: '/p/a.ts', kind: 'write' });
  });
  expect(two.fold.files.changeVersion).toBe(1);
});
