import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import type { TranscriptFile } from '../agent.ts';
import { PluginMapper } from './hook.ts';
import { idPrefix, idTime, usageOfTokens } from './parts.ts';
import { opencodeTranscripts } from './store.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/opencode');
const MAIN = 'ses_dea7991d5ffe1bIx5BOa3hcbfp';
const ORIGINAL = 'ses_dea75e3a2ffeNgGZD32cHxEZsQ';
const FORK = 'ses_dea75b780ffe9TjhdvPG6vNfp5';

type Tables = Record<string, { sql: string; rows: Record<string, string | number | null>[] }>;
const tables = JSON.parse(readFileSync(join(fixtures, 'store.json'), 'utf8')) as Tables;

let home: string;
let data: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'opencode-store-'));
  data = join(home, '.local/share/opencode');
  mkdirSync(data, { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

// Where the Node that runs this has no SQLite, what needs it cannot be tested.
const sqlite = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
const withSqlite = test.skipIf(sqlite === undefined);

/** A database as opencode writes it. */
function database(name = 'opencode.db', mode = 'wal') {
  const path = join(data, name);
  const db = new sqlite!.DatabaseSync(path);
  db.exec(`pragma journal_mode = ${mode}`);
  for (const [table, { sql, rows }] of Object.entries(tables)) {
    db.exec(sql);
    for (const row of rows) {
      const keys = Object.keys(row);
      db.prepare(
        `insert into ${table} (${keys.join(', ')}) values (${keys.map(() => '?').join(', ')})`,
      ).run(...Object.values(row));
    }
  }
  return { path, db };
}

const find = (): TranscriptFile[] => [...opencodeTranscripts.find({ env: {}, home })];

function read(transcript: TranscriptFile): { events: TraceEvent[]; torn: number } {
  const events: TraceEvent[] = [];
  let torn = 0;
  for (const file of opencodeTranscripts.filesOf(transcript)) {
    const { sessionId } = transcript;
    const mapper = opencodeTranscripts.mapper({ sessionId, file, live: false });
    for (const row of opencodeTranscripts.rowsOf!(transcript, file)) {
      if (row === undefined) torn += 1;
      else events.push(...mapper.push(row));
    }
    events.push(...mapper.finish());
  }
  return { events, torn };
}

const session = (id: string): TranscriptFile => find().find(({ sessionId }) => sessionId === id)!;

withSqlite('sessions of the database, subagents with the one that started them', () => {
  database().db.close();
  expect(find().map(({ sessionId, cwd, forked }) => [sessionId, cwd, forked])).toEqual([
    [MAIN, '/home/dev/shop', undefined],
    [ORIGINAL, '/home/dev/shop', undefined],
    [FORK, '/home/dev/shop', true],
  ]);
  expect(opencodeTranscripts.filesOf(session(MAIN)).map(({ agentId }) => agentId)).toEqual([
    '',
    'ses_dea79885bffeZ34daWSwwH08cH',
  ]);
});

withSqlite.each([
  [
    'a view that never ends',
    `alter table session rename to kept;
     create view Session as with recursive n(i) as (select 1 union all select i + 1 from n)
       select kept.* from n, kept where i < 0`,
  ],
  [
    'a column that is computed',
    'alter table part add column more text as (hex(zeroblob(400000000 + 0 * length(data))))',
  ],
  ['a table of a module', 'drop table part; create virtual table part using fts5(id, data)'],
])('a database with %s is not asked', (_what, sql) => {
  const { path, db } = database('opencode.db', 'delete');
  db.exec(sql);
  db.close();
  expect(() => opencodeTranscripts.recognise(path)).toThrow(
    'cannot be read: its tables are not those that opencode makes.',
  );
});

withSqlite('a part that nobody can read through counts as torn', () => {
  const { db } = database();
  db.exec(
    `update part set data = zeroblob(70000000) where id = (
       select id from part where session_id = '${MAIN}' order by id limit 1)`,
  );
  db.close();
  expect(read(session(MAIN)).torn).toBe(1);
});

withSqlite('an import tells what the plugin told, with the same ids and words', () => {
  database().db.close();
  const mapper = new PluginMapper('/home/dev/shop');
  const live = readFileSync(join(fixtures, 'edges.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject)
    .flatMap(({ hook, ms, input, output }) =>
      mapper.push(String(hook), input, output, Number(ms)).flatMap((told) => told.events),
    )
    .filter(({ session_id }) => session_id === MAIN);
  const { events, torn } = read(session(MAIN));
  expect(torn).toBe(0);
  const whole = ({ event_id, event_type, parent_id, data }: TraceEvent) => ({
    event_id,
    event_type,
    parent_id,
    data: { ...data, recorded_by: '' },
  });
  const shared = (list: TraceEvent[]) =>
    list
      .filter(({ event_type, data: { event_subtype } }) => {
        return !/^session_/.test(event_type) && !/^(permission|turn_end)$/.test(`${event_subtype}`);
      })
      .map(whole)
      .sort((a, b) => (a.event_id < b.event_id ? -1 : 1));
  expect(shared(events)).toEqual(shared(live));
  expect(shared(events).length).toBeGreaterThan(40);
});

withSqlite('what a fork copied is billed to the session that it was copied from', () => {
  database().db.close();
  const responses = (id: string) =>
    read(session(id)).events.filter(({ event_type }) => event_type === 'llm_response');
  expect(responses(ORIGINAL).map(({ data }) => data.copied_from)).toEqual(
    Array.from({ length: 6 }, () => undefined),
  );
  expect(responses(FORK).map(({ data }) => data.copied_from)).toEqual([
    ...Array.from({ length: 6 }, () => ORIGINAL),
    ...Array.from({ length: 3 }, () => undefined),
  ]);
});

withSqlite('a database that opencode is writing to is read, and stays as it was', () => {
  const { path, db } = database();
  db.exec('begin immediate');
  db.prepare('update session set title = ? where id = ?').run('not yet', MAIN);
  const before = readFileSync(`${path}-wal`);
  const { events } = read(session(MAIN));
  expect(events.find(({ event_type }) => event_type === 'session_end')?.data.title).toBe(
    'side title',
  );
  expect(readFileSync(`${path}-wal`).equals(before)).toBe(true);
  db.exec('commit');
  db.close();
});

withSqlite('beside a database that nobody uses nothing is created', () => {
  const { path, db } = database();
  db.close();
  const before = readFileSync(path);
  expect(readdirSync(data)).toEqual(['opencode.db']);
  read(session(MAIN));
  expect(readdirSync(data)).toEqual(['opencode.db']);
  expect(readFileSync(path).equals(before)).toBe(true);
});

withSqlite(
  'a locked, a torn and a foreign database say what is wrong; torn rows are counted',
  () => {
    const locked = database('opencode-locked.db', 'delete');
    const transcript = find().find(({ path }) => path === locked.path)!;
    locked.db.exec('begin exclusive');
    // A rollback journal has no log beside it: it is opened as a file, and read as it was.
    expect(read(transcript).torn).toBe(0);
    locked.db.exec('rollback');
    locked.db.prepare('update part set data = ? where id like ?').run('{"type":', 'prt_21586772%');
    locked.db.close();
    expect(read(transcript).torn).toBeGreaterThan(0);
    const bytes = readFileSync(locked.path);
    writeFileSync(locked.path, bytes.subarray(0, 4096));
    expect(() => read(transcript)).toThrow(/opencode-locked\.db cannot be read: it is damaged/);
    rmSync(locked.path);
    const other = new sqlite!.DatabaseSync(join(data, 'opencode.db'));
    other.exec('create table things (a)');
    other.close();
    expect(find).toThrow(/of an opencode that is not known/);
  },
);

withSqlite('a named file: a database with or without a session, or none of ours', () => {
  const { path, db } = database();
  db.close();
  expect(opencodeTranscripts.recognise(`${path}#${MAIN}`)?.sessionId).toBe(MAIN);
  expect(opencodeTranscripts.recognise(path)?.sessionId).toBe(FORK);
  expect(opencodeTranscripts.recognise(`${path}#none`)).toBeUndefined();
  expect(opencodeTranscripts.recognise(join(data, 'nothing.db'))).toBeUndefined();
  writeFileSync(join(data, 'x.json'), '{"info": 1}');
  expect(opencodeTranscripts.recognise(join(data, 'x.json'))).toBeUndefined();
});

/** The rows of a table as the objects that opencode puts into them. */
const objects = (table: string, id: string): JsonObject[] =>
  tables[table]!.rows.filter(({ session_id }) => session_id === id).map((row) => ({
    ...(JSON.parse(String(row.data)) as JsonObject),
    id: row.id as string,
    sessionID: id,
    ...(row.message_id !== undefined && { messageID: row.message_id }),
  }));

const info = (id: string): JsonObject => {
  const row = tables.session!.rows.find((each) => each.id === id)!;
  return {
    id,
    title: row.title as string,
    directory: row.directory as string,
    version: row.version as string,
    ...(row.parent_id !== null && { parentID: row.parent_id as string }),
    time: { created: row.time_created as number, updated: row.time_updated as number },
  };
};

const summary = (events: TraceEvent[]) =>
  events.map(({ event_id, event_type }) => `${event_type} ${event_id}`);

withSqlite('the files of older versions, and an export, tell the same', () => {
  database().db.close();
  const expected = summary(read(session(ORIGINAL)).events);
  rmSync(join(data, 'opencode.db'));
  const storage = join(data, 'storage');
  const put = (path: string, value: Json): void => {
    mkdirSync(join(storage, path, '..'), { recursive: true });
    writeFileSync(join(storage, path), JSON.stringify(value));
  };
  put(`session/global/${ORIGINAL}.json`, info(ORIGINAL));
  for (const message of objects('message', ORIGINAL)) {
    put(`message/${ORIGINAL}/${message.id}.json`, message);
  }
  for (const part of objects('part', ORIGINAL)) put(`part/${part.messageID}/${part.id}.json`, part);
  expect(find().map(({ sessionId }) => sessionId)).toEqual([ORIGINAL]);
  expect(summary(read(session(ORIGINAL)).events)).toEqual(expected);

  const parts = objects('part', ORIGINAL);
  const file = join(home, 'session.json');
  const messages = objects('message', ORIGINAL).map((message) => ({
    info: message,
    parts: parts.filter(({ messageID }) => messageID === message.id),
  }));
  writeFileSync(file, JSON.stringify({ info: info(ORIGINAL), messages }));
  const exported = opencodeTranscripts.recognise(file)!;
  expect(exported).toMatchObject({ sessionId: ORIGINAL, project: 'shop' });
  expect(summary(read(exported).events)).toEqual(expected);
});

test('rows of any shape', () => {
  const rows: Json[] = [
    null,
    [1],
    { session: { id: 1, title: 2, directory: 3 } },
    { info: {} },
    { info: { role: 'user', time: 'x' }, parts: [null, { type: 'compaction' }, { type: 'text' }] },
    { info: { role: 'user', id: 'm', time: { created: 5 } }, parts: { length: 3 } },
    {
      info: { role: 'assistant', id: 'm', time: { created: '1', completed: {} }, error: {} },
      parts: [
        { type: 'tool', id: 'p', state: [] },
        { type: 'tool', id: 'p', state: { status: 'completed', input: 1, metadata: 'x', time: 5 } },
        {
          type: 'tool',
          id: 'p',
          state: { status: 'error', error: {}, time: { start: 9, end: 1 } },
        },
        { type: 'text', text: {}, time: { end: 1 } },
        { type: 'step-finish', tokens: { input: -1, cache: 1 }, cost: 'x' },
        { type: 'retry', attempt: 'x', error: 1 },
        { type: '__proto__' },
      ],
    },
  ];
  for (const agentId of ['', 'ses_child']) {
    const file = { path: '/x', agentId };
    const mapper = opencodeTranscripts.mapper({ sessionId: 's', file, live: false });
    const events = [...rows.flatMap((row) => mapper.push(row)), ...mapper.finish()];
    expect(events.every(({ timestamp }) => Number.isFinite(timestamp))).toBe(true);
    expect(mapper.ignored).toMatchObject({ ['__proto__']: 1, 'not an object': 2 });
  }
});

test('the time in an id', () => {
  const created = 1_795_657_461_367;
  expect(idTime('msg_215866e770014m5cR9064vdWcF', created)).toBe(created);
  expect(idTime('msg_215866e770014m5cR9064vdWcF', created + 86_400_000 * 300)).toBe(created);
  expect('msg_215866e770014m5cR9064vdWcF'.startsWith(idPrefix('msg', created))).toBe(true);
  expect(idTime('toolu_xyz', created)).toBe(0);
});

test('tokens: cache and reasoning stand beside, or reasoning inside', () => {
  const cache = { read: 800, write: 20 };
  const tokens = { input: 180, output: 45, reasoning: 5, cache };
  expect(usageOfTokens({ ...tokens, total: 1050 })).toMatchObject({
    input_tokens: 1000,
    cache_read_input_tokens: 800,
    cache_write_input_tokens: 20,
    output_tokens: 50,
    reasoning_output_tokens: 5,
  });
  expect(usageOfTokens({ ...tokens, total: 1045 })).toMatchObject({ output_tokens: 45 });
  expect(usageOfTokens({ input: 'x', output: -5 })).toMatchObject({ output_tokens: 0 });
});
