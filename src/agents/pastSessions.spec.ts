import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeTranscripts } from '../../test/fakeTranscripts.ts';
import { readMeta } from '../trace/meta.ts';
import { listSessions } from '../trace/store.ts';
import type { TranscriptFile } from './agent.ts';
import { addToTrace, eventsOf } from './importTrace.ts';
import { PastCache } from './pastCache.ts';
import { FolderRule, findPast, type PastSession, readPast, titleOf } from './pastSessions.ts';
import { breatheUntil } from './transcriptRows.ts';

let root: string;
let home: string;
let shop: string;
let problems: string[];
const codex = new FakeTranscripts('codex');
const gemini = new FakeTranscripts('gemini');
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'past-'));
  home = join(root, 'home');
  shop = join(root, 'shop');
  mkdirSync(join(shop, '.git'), { recursive: true });
  problems = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const breathe = breatheUntil();
const find = (folders = [{ name: 'shop', paths: [shop] }]): Promise<PastSession[]> =>
  findPast({
    sources: [codex, gemini],
    places: { home, env: {} },
    folders,
    breathe,
    problem: (message) => problems.push(message),
  });
const idsOf = (found: readonly PastSession[]): string[] =>
  found.map(({ transcript }) => transcript.sessionId).sort();

describe('findPast', () => {
  it('finds sessions of all agents in the folder and below it, and no others', async () => {
    codex.write(home, 'here', shop, 'Here');
    codex.write(home, 'below', join(shop, 'packages/a'), 'Below');
    gemini.write(home, 'other-agent', shop, 'Gemini');
    codex.write(home, 'beside', join(root, 'shop-2'), 'Beside');
    codex.write(home, 'elsewhere', '/srv/x', 'Elsewhere');
    codex.write(home, 'nowhere', '', 'Nowhere');
    codex.write(home, 'relative', 'shop', 'Relative');
    expect(idsOf(await find())).toEqual(['below', 'here', 'other-agent']);
  });

  it('finds those above a folder up to its repository, as their traces are found there', async () => {
    codex.write(home, 'at-root', shop, 'Root');
    codex.write(home, 'sibling', join(shop, 'packages/b'), 'Sibling');
    codex.write(home, 'outside', root, 'Outside');
    const inner = join(shop, 'packages/a');
    mkdirSync(inner, { recursive: true });
    expect(idsOf(await find([{ name: 'a', paths: [inner] }]))).toEqual(['at-root']);
  });

  it('knows the folder by the name that it was opened by, and by where its links lead', async () => {
    const link = join(root, 'link');
    symlinkSync(shop, link);
    codex.write(home, 'real', shop, 'Real');
    codex.write(home, 'linked', link, 'Linked');
    expect(idsOf(await find([{ name: 'link', paths: [link, shop] }]))).toEqual(['linked', 'real']);
  });

  it('gives the innermost of two open folders its sessions', () => {
    const inner = { name: 'inner', paths: [join(shop, 'inner')] };
    const rule = new FolderRule([{ name: 'shop', paths: [shop] }, inner]);
    expect(rule.folderOf(join(shop, 'inner', 'x'))).toBe(inner);
    expect(rule.folderOf(shop)?.name).toBe('shop');
  });

  it('takes the longer of two files of one session, and no name that is a path', async () => {
    codex.write(home, 'twice', shop, 'Short');
    const path = codex.write(join(home, 'b'), 'twice', shop, `Long ${'x'.repeat(500)}`);
    codex.write(home, '..', shop, 'Evil');
    const two = {
      ...codex,
      agent: 'codex' as const,
      filesOf: codex.filesOf,
      mapper: codex.mapper,
      recognise: codex.recognise,
      liveFilesOf: codex.liveFilesOf,
      find: () => [...codex.find({ home }), ...codex.find({ home: join(home, 'b') })],
    };
    const found = await findPast({
      sources: [two],
      folders: [{ name: 'shop', paths: [shop] }],
      breathe,
      problem: () => {},
    });
    expect(found.map(({ transcript }) => transcript.path)).toEqual([path]);
  });

  it('shows the other agents where one cannot be read, and ends when nobody wants it', async () => {
    gemini.write(home, 'fine', shop, 'Fine');
    const broken = new FakeTranscripts('codex');
    broken.find = () => {
      throw new Error('no such luck');
    };
    const options = {
      sources: [broken, gemini],
      places: { home },
      folders: [{ name: 'shop', paths: [shop] }],
      problem: (message: string) => void problems.push(message),
    };
    expect(idsOf(await findPast({ ...options, breathe }))).toEqual(['fine']);
    expect(problems).toEqual(['transcripts of codex: no such luck']);
    for (let i = 0; i < 2000; i++) gemini.write(home, `n${i}`, shop, 'x');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(findPast({ ...options, breathe: breatheUntil(signal) })).rejects.toThrow('enough');
  });
});

describe('what is known of a past session', () => {
  it('is titled from its first rows alone, without secrets', async () => {
    const secret = `ghp_${'a1B2'.repeat(9)}`;
    const path = codex.write(home, 's', shop, `Use ${secret} to push`);
    for (let i = 0; i < 500; i++) codex.append(path, { at: 1_795_000_100 + i, prompt: 'more' });
    const [session] = await find();
    codex.rows = 0;
    expect(titleOf(session!)).toMatch(/^Use \S+ to push$/);
    expect(titleOf(session!)).not.toContain(secret);
    expect(codex.rows).toBeLessThan(10);
  });

  it('is read in slices: others have their turn, and it can be ended', async () => {
    const path = codex.write(home, 's', shop, 'Big');
    const row = `${JSON.stringify({ at: 1_795_000_100, prompt: 'x'.repeat(200) })}\n`;
    writeFileSync(path, row.repeat(60_000), { flag: 'a' });
    const [session] = await find();
    let turns = 0;
    const { summary } = await readPast(session!, 'Big', {
      pricer: undefined,
      breathe: async () => void turns++,
    });
    expect(summary.prompts).toBe(60_001);
    expect(turns).toBeGreaterThan(3);
    const signal = AbortSignal.abort(new Error('enough'));
    const reading = readPast(session!, '', { pricer: undefined, breathe: breatheUntil(signal) });
    await expect(reading).rejects.toThrow('enough');
  });

  it('gives others a turn between small ones as well', async () => {
    for (let i = 0; i < 5; i++) codex.write(home, `s${i}`, shop, 'Small');
    let turns = 0;
    const options = { pricer: undefined, breathe: async () => void turns++ };
    for (const session of await find()) await readPast(session, '', options);
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('counts torn lines, and what has a price once has it, in whatever state it is', async () => {
    const path = codex.write(home, 's', shop, 'Torn');
    writeFileSync(path, '{"torn\n\n[]\n7\n{"at":1795000070,"prompt":"last"}', { flag: 'a' });
    const [session] = await find();
    const read = await readPast(session!, 'Torn', {
      pricer: {
        price: () => ({ status: 'priced', nanoUsd: 5, priceDate: '2026-01-01' }),
        contextWindow: () => undefined,
      },
      breathe,
    });
    expect(read.badLines).toBe(1);
    expect(read.summary).toMatchObject({
      title: 'Torn',
      agent: 'Codex',
      status: 'ended',
      prompts: 2,
      durationMs: 70_000,
      cost: { nanoUsd: 5 },
    });
  });

  it('is kept for the next window, as long as the file stays as it is', async () => {
    const env = { AGENT_STRACE_HOME: join(root, 'state') };
    const path = codex.write(home, 's', shop, 'Kept');
    const [session] = await find();
    const read = await readPast(session!, 'Kept', { pricer: undefined, breathe });
    const first = new PastCache('prices 1', env);
    const beside = new PastCache('prices 1', env);
    first.set(session!.transcript, { title: 'Kept', read });
    first.save();
    const second = { ...session!.transcript, sessionId: 'other' };
    beside.set(second, { title: 'Beside' });
    beside.save();
    const later = new PastCache('prices 1', env);
    expect(later.get(session!.transcript)).toMatchObject({ title: 'Kept', read });
    expect(later.get(second)?.title).toBe('Beside');
    expect(new PastCache('prices 2', env).get(second)).toBeUndefined();
    codex.append(path, { at: 1, prompt: 'x' });
    expect(later.get((await find())[0]!.transcript)).toBeUndefined();
    const file = join(root, 'state/cache/past.json');
    for (const spoilt of ['', '{', '{"version":1,"stamp":"prices 1"}\n["x"]\t{"title":7}\nx\n']) {
      writeFileSync(file, spoilt);
      expect(new PastCache('prices 1', env).get(second)).toBeUndefined();
    }
  });
});

describe('import', () => {
  it('adds what the trace does not have, once, with the session that started it', async () => {
    const traceDir = join(root, 'traces');
    const path = codex.write(home, 'child', shop, 'Child', { parent: 'the-parent' });
    codex.append(join(home, '.fake-codex/child/agent-a.jsonl'), { at: 1_795_000_010, prompt: 'a' });
    const add = async () => {
      const [session] = await find();
      const { events } = await eventsOf(session!, { redact: 'secrets', breathe });
      return addToTrace(traceDir, session!.transcript, events);
    };
    expect(await add()).toEqual({ added: 4, events: 4 });
    expect(await add()).toEqual({ added: 0, events: 4 });
    codex.append(path, { at: 1_795_000_100, prompt: 'later' });
    expect(await add()).toEqual({ added: 1, events: 5 });
    const [entry] = listSessions(traceDir).sessions;
    expect(readMeta(entry!)).toMatchObject({
      session_id: 'child',
      parent_session_id: 'the-parent',
      agent_name: 'openai-codex',
      command: 'imported from child.jsonl',
    });
    const lines = readFileSync(join(traceDir, 'child/events.ndjson'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(5);
  });

  it('knows the folder of a session whose rows do not say it', async () => {
    codex.write(home, 's', shop, 'Where');
    const [session] = await find();
    const { events } = await eventsOf(session!, { redact: 'secrets', breathe });
    for (const { data } of events) delete data.cwd;
    addToTrace(join(root, 'traces'), session!.transcript, events);
    const text = readFileSync(join(root, 'traces/s/events.ndjson'), 'utf8');
    expect(JSON.parse(text.split('\n')[0]!).data.cwd).toBe(shop);
  });

  it('says in words what cannot be', () => {
    const transcript = { sessionId: 'a/b', path: '/x.jsonl', agent: 'codex' } as TranscriptFile;
    expect(() => addToTrace(root, transcript, [])).toThrow('/x.jsonl holds no event');
  });
});
