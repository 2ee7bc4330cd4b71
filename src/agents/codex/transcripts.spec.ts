import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as zlib from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { codexTranscripts } from './transcripts.ts';
import { canUnpack, unpack } from './zstd.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/codex');
const ROOT = '01a205c5-eded-74c3-b5cd-8e9fb26f34a4';
const CHILD = '01a205c5-eecd-7b02-b55b-3740c13569f2';
const MAIN = `rollout-2026-11-23T00-19-47-${ROOT}.jsonl`;
const SUB = `rollout-2026-11-23T00-19-47-${CHILD}.jsonl`;

let home = '';
let day = '';
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'codex-')));
  day = join(home, 'sessions/2026/11/23');
  mkdirSync(day, { recursive: true });
  for (const name of [MAIN, SUB]) {
    copyFileSync(join(fixtures, 'spawn/transcript', name), join(day, name));
  }
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const found = () => [...codexTranscripts.find({ env: { CODEX_HOME: home } })];
const live = (session: string, path: string) =>
  codexTranscripts
    .liveFilesOf(session, path, { dirs: [home] })
    .map((file) => [basename(file.path), file.agentId]);

it('finds sessions, with their subagents', () => {
  const [session, ...others] = found();
  expect(others).toEqual([]);
  expect(session).toMatchObject({ sessionId: ROOT, cwd: '/home/dev/shop', agent: 'codex' });
  expect(session!.startedAt).toBeGreaterThan(1.7e9);
  expect(codexTranscripts.filesOf(session!)).toEqual([
    { path: join(day, MAIN), agentId: '' },
    { path: join(day, SUB), agentId: CHILD },
  ]);
});

it('a subagent without its session is a session of its own', () => {
  rmSync(join(day, MAIN));
  expect(found()).toMatchObject([{ sessionId: CHILD, parentId: ROOT }]);
});

it('archived rollouts are sessions, too', () => {
  mkdirSync(join(home, 'archived_sessions'));
  const name = 'rollout-2026-11-23T00-31-52-01a205d0-fe65-7283-9ed5-8424f85a1fb9.jsonl';
  copyFileSync(join(fixtures, 'main/transcript', name), join(home, 'archived_sessions', name));
  expect(found().map(({ sessionId }) => sessionId.slice(0, 13))).toEqual([
    '01a205c5-eded',
    '01a205d0-fe65',
  ]);
});

it('recognises a rollout by its first row', () => {
  const other = join(home, 'other.jsonl');
  copyFileSync(join(day, MAIN), other);
  expect(codexTranscripts.recognise(other)).toMatchObject({ sessionId: ROOT });
  writeFileSync(other, '{"type":"user","sessionId":"x"}\n');
  expect(codexTranscripts.recognise(other)).toBeUndefined();
  expect(codexTranscripts.recognise(join(home, 'none'))).toBeUndefined();
});

it('a running session has its files, named or by its id', () => {
  const files = [
    [MAIN, ''],
    [SUB, CHILD],
  ];
  expect(live(ROOT, join(day, MAIN))).toEqual(files);
  expect(live(ROOT, '')).toEqual(files);
  expect(live('01a205c5-0000-74c3-b5cd-8e9fb26f34a4', '')).toEqual([]);
});

it('a trace can name no file but its own rollout', () => {
  const secret = join(home, 'secret');
  copyFileSync(join(day, MAIN), secret);
  const link = join(day, `rollout-2026-11-23T00-00-00-${CHILD.replace('01a', '02a')}.jsonl`);
  symlinkSync(secret, link);
  expect(live(CHILD.replace('01a', '02a'), link)).toEqual([]);
  // Another session's rollout, a folder above, a name that is no id.
  expect(live('01a205c5-0000-74c3-b5cd-8e9fb26f34a4', join(day, MAIN))).toEqual([]);
  expect(live('../../x', join(day, MAIN))).toEqual([]);
  const moved = join(home, 'elsewhere');
  mkdirSync(moved);
  copyFileSync(join(day, MAIN), join(moved, MAIN));
  rmSync(join(day, MAIN));
  expect(live(ROOT, join(moved, MAIN))).toEqual([]);
});

const pack = (bytes: Buffer): Buffer => zlib.zstdCompressSync(bytes);

it.skipIf(!canUnpack())('packed rollouts are read', () => {
  const bytes = readFileSync(join(day, MAIN));
  const rows = bytes.toString().trimEnd().split('\n').length;
  rmSync(join(day, MAIN));
  writeFileSync(join(day, `${MAIN}.zst`), pack(bytes));
  const [session] = found();
  expect(session).toMatchObject({ sessionId: ROOT, cwd: '/home/dev/shop' });
  const [file, sub] = codexTranscripts.filesOf(session!);
  expect([...codexTranscripts.rowsOf!(session!, file!)]).toHaveLength(rows);
  expect(sub).toMatchObject({ agentId: CHILD });
  // Beside the plain file it is the same session.
  writeFileSync(join(day, MAIN), bytes);
  expect(found()).toMatchObject([{ path: join(day, MAIN) }]);
});

it.skipIf(!canUnpack())('a damaged packed rollout says so', () => {
  expect(() => unpack(Buffer.from('no zstd at all'), '/x.zst')).toThrow(
    /\/x\.zst cannot be unpacked/,
  );
  rmSync(join(day, MAIN));
  writeFileSync(join(day, `${MAIN}.zst`), 'no zstd at all');
  // Its name still tells which session it is.
  expect(found().map(({ sessionId }) => sessionId)).toContain(ROOT);
});
