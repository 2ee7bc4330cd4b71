import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codexId, layOut, message, row, rowsOfFile } from '../../../test/agents/codexRows.ts';
import type { JsonObject } from '../../model/event.ts';
import { importSession } from '../importSession.ts';
import { codexTranscripts } from './transcripts.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'agent-strace-codex-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const find = () => [...codexTranscripts.find({ dirs: [home] })];
const files = (path: string) =>
  codexTranscripts.filesOf(codexTranscripts.recognise(path)!).map(({ path, agentId }) => ({
    name: basename(path),
    agentId,
  }));
const live = (session: string, path: string) =>
  codexTranscripts.liveFilesOf(session, path, { dirs: [home] });
const idIn = (path: string): string => /([0-9a-f-]{36})\.jsonl/.exec(path)![1]!;

/** A rollout of one prompt. @param at seconds since 2026-01-01 */
function rollout(id: string, at: number, meta: JsonObject = {}, folder = ''): string {
  const time = String(row(at, '', null).timestamp);
  const [year, month, day] = time.slice(0, 10).split('-') as [string, string, string];
  const dir = folder || join(home, 'sessions', year, month, day);
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `rollout-${time.slice(0, 19).replaceAll(':', '-')}-${id}.jsonl`);
  const rows = [
    row(at, 'session_meta', { id, timestamp: time, cwd: '/home/dev/shop', ...meta }),
    message(at, { type: 'user_message', message: `I am ${id.slice(-1)}` }),
  ];
  writeFileSync(path, rows.map((one) => `${JSON.stringify(one)}\n`).join(''));
  utimesSync(path, new Date(time), new Date(time));
  return path;
}

describe('sessions of the past', () => {
  it('are found with their project and time, a subagent’s thread as part of its session', () => {
    const paths = layOut(home, 'main', 'spawn');
    const found = find();
    expect(found.map(({ path }) => path).sort()).toEqual([paths[0], paths[1]].sort());
    expect(found.find(({ path }) => path === paths[0])).toMatchObject({
      agent: 'codex',
      sessionId: idIn(paths[0]!),
      cwd: '/home/dev/shop',
      startedAt: Date.parse('2026-11-23T00:31:52.434Z') / 1000,
    });
    expect(files(paths[1]!)).toEqual([
      { name: basename(paths[1]!), agentId: '' },
      { name: basename(paths[2]!), agentId: idIn(paths[2]!) },
    ]);
    expect(files(paths[0]!)).toHaveLength(1);
  });

  it('a subagent’s thread whose session is gone is one of its own', () => {
    const [, main = '', sub = ''] = layOut(home, 'main', 'spawn');
    rmSync(main);
    const alone = find().find(({ path }) => path === sub);
    expect(alone).toMatchObject({ sessionId: idIn(sub), parentId: idIn(main) });
    const { events } = importSession(codexTranscripts, alone!, {});
    expect(events[0]?.data.parent_session_id).toBe(idIn(main));
    expect(events.some(({ data }) => data.prompt === 'SCENARIO:sub count files')).toBe(true);
  });

  it('forks are sessions of their own, without the subagents of their parent', () => {
    const [main = '', fork = '', ...subs] = layOut(home, 'forked');
    const found = find();
    expect(found.map(({ path }) => path).sort()).toEqual([main, fork].sort());
    // It refers to what came before, and holds no copy of it.
    expect(found.some(({ forked }) => forked === true)).toBe(false);
    expect(files(fork)).toHaveLength(1);
    expect(
      files(main)
        .slice(1)
        .map(({ agentId }) => agentId),
    ).toEqual(subs.map(idIn));
  });

  it('threads of threads, days later, in a session that went on, are among its files', () => {
    const day = 86_400;
    const main = rollout(codexId(0), 0);
    utimesSync(main, new Date('2026-01-05'), new Date('2026-01-05'));
    const spawn = (parent: string) => ({
      source: { subagent: { thread_spawn: { parent_thread_id: parent } } },
    });
    rollout(codexId(3 * day, 2), 3 * day, spawn(codexId(0)));
    rollout(codexId(3 * day + 9, 3), 3 * day + 9, spawn(codexId(3 * day, 2)));
    rollout(codexId(3 * day, 4), 3 * day, spawn(codexId(77, 77)));
    expect(files(main).map(({ agentId }) => agentId)).toEqual([
      '',
      codexId(3 * day, 2),
      codexId(3 * day + 9, 3),
    ]);
  });

  it('archived ones are found, and read with their subagents', () => {
    const [, main = '', sub = ''] = layOut(home, 'main', 'spawn');
    const archive = join(home, 'archived_sessions');
    mkdirSync(archive);
    for (const path of [main, sub]) renameSync(path, join(archive, basename(path)));
    expect(find().map(({ path }) => path)).toContain(join(archive, basename(main)));
    expect(files(join(archive, basename(main)))).toHaveLength(2);
  });

  const packs = 'zstdCompressSync' in zlib;
  it.skipIf(!packs)(
    'packed ones give the same events; beside a plain one it is not a second',
    () => {
      const [path = ''] = layOut(home, 'main');
      const plain = importSession(codexTranscripts, find()[0]!, {});
      writeFileSync(`${path}.zst`, zlib.zstdCompressSync(readFileSync(path)));
      expect(find().map((found) => found.path)).toEqual([path]);
      rmSync(path);
      const [packed] = find();
      expect(packed).toMatchObject({ path: `${path}.zst`, cwd: '/home/dev/shop' });
      expect(importSession(codexTranscripts, packed!, {}).events).toEqual(plain.events);
    },
  );

  it.skipIf(!packs)('a damaged packed one is named, not skipped in silence', () => {
    const [path = ''] = layOut(home, 'main');
    const packed = `${path}.zst`;
    writeFileSync(packed, zlib.zstdCompressSync(readFileSync(path)).subarray(0, 2000));
    const transcript = codexTranscripts.recognise(packed)!;
    expect(() => importSession(codexTranscripts, transcript, {})).toThrow(packed);
  });

  it('files of others are not taken for rollouts', () => {
    const path = join(home, 'session.jsonl');
    writeFileSync(path, '{"type":"user","sessionId":"abc","message":{"role":"user"}}\n');
    expect(codexTranscripts.recognise(path)).toBeUndefined();
    expect(codexTranscripts.recognise(join(home, 'none.jsonl'))).toBeUndefined();
    // By its first row, wherever it lies and whatever its name.
    const copy = join(home, 'copy.jsonl');
    writeFileSync(copy, readFileSync(layOut(home, 'main')[0]!));
    expect(codexTranscripts.recognise(copy)?.sessionId).toMatch(/^01a205d0-fe65/);
  });
});

describe('a session that runs', () => {
  it('has its own file and its subagents’, by its path or by its id', () => {
    const [, main = '', sub = ''] = layOut(home, 'main', 'spawn');
    const expected = [
      { path: main, agentId: '' },
      { path: sub, agentId: idIn(sub) },
    ];
    expect(live(idIn(main), main)).toEqual(expected);
    expect(live(idIn(main), '')).toEqual(expected);
  });

  it('names no file of another session, of another place, or behind a link', () => {
    const [other = '', main = ''] = layOut(home, 'main', 'spawn');
    const session = idIn(main);
    expect(live(session, other)[0]?.path).toBe(main);
    const outside = mkdtempSync(join(tmpdir(), 'agent-strace-codex-outside-'));
    try {
      const secret = rollout(codexId(5), 5, {}, outside);
      expect(live(codexId(5), secret)).toEqual([]);
      const link = join(dirname(main), basename(secret));
      symlinkSync(secret, link);
      expect(existsSync(link)).toBe(true);
      expect(live(codexId(5), link)).toEqual([]);
      symlinkSync(outside, join(home, 'sessions', '2026', '11', '24'));
      const below = join(home, 'sessions', '2026', '11', '24', basename(secret));
      expect(live(codexId(5), below)).toEqual([]);
      expect(live('../../etc/passwd', main)).toEqual([]);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it('a file whose rows are of another session than its name says is not read', () => {
    const [, main = ''] = layOut(home, 'main', 'spawn');
    const rows = rowsOfFile(main);
    (rows[0]!.payload as JsonObject).id = codexId(9);
    writeFileSync(main, rows.map((one) => JSON.stringify(one)).join('\n'));
    expect(live(idIn(main), main)).toEqual([]);
  });
});
