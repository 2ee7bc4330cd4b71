import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TraceEvent } from '../model/event.ts';
import { appendEvents, readTail, updateMeta } from './append.ts';
import { openAppend, readSmallFile, writeSmallFile } from './files.ts';
import {
  ensureTraceFolder,
  gitRootOf,
  homeTraceDir,
  isSafeSessionId,
  placeTrace,
  tracePlaces,
} from './paths.ts';

let root: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'append-')));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const event = (id: string, data = {}): TraceEvent => ({
  event_type: 'tool_call',
  timestamp: 1,
  event_id: id,
  session_id: 's1',
  data,
});

const eventsFile = () => join(root, '.agent-traces', 's1', 'events.ndjson');
const append = (events = [event('a')]) => appendEvents(join(root, '.agent-traces'), 's1', events);

describe('appendEvents', () => {
  it('makes private folders that git ignores', () => {
    expect(append()).toEqual({ ok: true, bytes: fs.statSync(eventsFile()).size });
    const mode = (path: string) => fs.statSync(path).mode & 0o777;
    expect(mode(join(root, '.agent-traces'))).toBe(0o700);
    expect(mode(join(root, '.agent-traces', 's1'))).toBe(0o700);
    expect(mode(eventsFile())).toBe(0o600);
    expect(fs.readFileSync(join(root, '.agent-traces', '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('follows no link and takes nothing but a file for a file', () => {
    const elsewhere = join(root, 'elsewhere');
    fs.mkdirSync(elsewhere);
    fs.symlinkSync(elsewhere, join(root, '.agent-traces'));
    expect(append()).toEqual({ ok: false, problem: 'ESYMLINK' });

    fs.unlinkSync(join(root, '.agent-traces'));
    fs.mkdirSync(join(root, '.agent-traces'));
    fs.symlinkSync(elsewhere, join(root, '.agent-traces', 's1'));
    expect(append()).toEqual({ ok: false, problem: 'ESYMLINK' });

    fs.unlinkSync(join(root, '.agent-traces', 's1'));
    fs.mkdirSync(join(root, '.agent-traces', 's1'));
    fs.writeFileSync(join(elsewhere, 'victim'), '');
    fs.symlinkSync(join(elsewhere, 'victim'), eventsFile());
    expect(append()).toEqual({ ok: false, problem: 'ELOOP' });
    expect(fs.readFileSync(join(elsewhere, 'victim'), 'utf8')).toBe('');

    fs.unlinkSync(eventsFile());
    fs.mkdirSync(eventsFile());
    expect(append()).toEqual({ ok: false, problem: 'EISDIR' });
  });

  it('writes into no file that has another name elsewhere', () => {
    append();
    const victim = join(root, 'victim');
    fs.writeFileSync(victim, 'mine');
    fs.unlinkSync(eventsFile());
    fs.linkSync(victim, eventsFile());
    expect(append()).toEqual({ ok: false, problem: 'ELINKED' });
    expect(fs.readFileSync(victim, 'utf8')).toBe('mine');
    // What a backup has linked can still be read.
    expect(readTail(join(root, '.agent-traces'), 's1', 10).bytes.toString()).toBe('mine');
  });

  it('does not wait at a pipe', async () => {
    append();
    fs.unlinkSync(eventsFile());
    await new Promise((done) => spawn('mkfifo', [eventsFile()]).on('close', done));
    expect(append()).toEqual({ ok: false, problem: 'ENXIO' });
  });

  it('refuses session ids that are more than a name', () => {
    for (const id of [
      '',
      '.',
      '..',
      '../x',
      'a/b',
      'a\\b',
      '.hidden',
      'a..b',
      'nul',
      'x'.repeat(129),
    ]) {
      expect(isSafeSessionId(id), id).toBe(false);
      expect(appendEvents(root, id, [event('a')])).toEqual({ ok: false, problem: 'EBADID' });
    }
    expect(isSafeSessionId('cfead79c-5438-40f8-bd9d-7d9dfefcc4c6')).toBe(true);
  });

  it.skipIf(!fs.existsSync('/dev/full'))('reports a full disk', () => {
    append();
    // The same call on a device that is always full.
    const fd = openAppend(eventsFile());
    fs.closeSync(fd);
    expect(() => openAppend('/dev/full')).toThrow('ENOTFILE');
    expect(() => fs.writeSync(fs.openSync('/dev/full', 'w'), 'x')).toThrow('ENOSPC');
  });

  it('loses and tears nothing under 100 processes', { timeout: 120_000 }, async () => {
    const script = join(root, 'writer.cjs');
    const module = join(import.meta.dirname, 'append.ts');
    await build({
      bundle: true,
      platform: 'node',
      outfile: script,
      logLevel: 'error',
      stdin: {
        resolveDir: root,
        contents: `import { appendEvents } from ${JSON.stringify(module)};
       const [dir, name] = process.argv.slice(2);
       for (let i = 0; i < 50; i++) {
         const size = (i * 7919 + name * 104729) % (i % 10 === 0 ? 60000 : 900);
         const data = { text: name + 'é'.repeat(size) };
         const event = (id) => ({ event_type: 'tool_call', timestamp: 1, event_id: id, session_id: 's1', data });
         const done = appendEvents(dir, 's1', i % 2 ? [event(name + '-' + i)] : [event(name + '-' + i), event(name + '+' + i)]);
         if (!done.ok) { console.error(done.problem); process.exit(1); }
       }`,
      },
    });
    const dir = join(root, '.agent-traces');
    const run = (name: number) =>
      new Promise<number | null>((done) => {
        spawn(process.execPath, [script, dir, `${name}`], {
          stdio: ['ignore', 'ignore', 'inherit'],
        }).on('close', done);
      });
    const codes = await Promise.all(Array.from({ length: 100 }, (_, i) => run(i)));
    expect(codes.filter((code) => code !== 0)).toEqual([]);
    const text = fs.readFileSync(eventsFile(), 'utf8');
    const seen = new Set(
      text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as TraceEvent).event_id),
    );
    expect(seen.size).toBe(100 * 75);
  });
});

describe('the trace folder', () => {
  const env = () => ({ AGENT_STRACE_HOME: join(root, 'home') });

  it('is the one that the user names, else the project, else the git root', () => {
    const project = join(root, 'p');
    fs.mkdirSync(join(project, 'sub/deep'), { recursive: true });
    fs.mkdirSync(join(project, '.git'));
    const cwd = join(project, 'sub/deep');
    expect(gitRootOf(cwd)).toBe(project);
    expect(placeTrace({ cwd, env: env() })).toEqual({
      traceDir: join(project, '.agent-traces'),
      project,
    });
    const sub = join(project, 'sub');
    expect(placeTrace({ projectDir: sub, cwd, env: env() }).traceDir).toBe(
      join(sub, '.agent-traces'),
    );
    const named = { ...env(), AGENT_TRACE_DIR: '/some/where' };
    expect(placeTrace({ projectDir: sub, cwd, env: named }).traceDir).toBe('/some/where');
  });

  it('is the nearest that is there, from the agent’s project up to the root of the repository', () => {
    const project = join(root, 'p');
    const sub = join(project, 'packages/a');
    fs.mkdirSync(sub, { recursive: true });
    fs.mkdirSync(join(project, '.git'));
    const place = (projectDir?: string) =>
      placeTrace({ projectDir, cwd: sub, env: env() }).traceDir;
    // Above the repository is another project.
    fs.mkdirSync(join(root, '.agent-traces'));
    expect(place(sub)).toBe(join(sub, '.agent-traces'));
    expect(place()).toBe(join(project, '.agent-traces'));
    fs.mkdirSync(join(project, '.agent-traces'));
    expect(place(sub)).toBe(join(project, '.agent-traces'));
    fs.mkdirSync(join(project, 'packages/.agent-traces'));
    expect(place(sub)).toBe(join(project, 'packages/.agent-traces'));
    expect(place()).toBe(join(project, 'packages/.agent-traces'));
    // A link is none; one in the project itself is left for the state folder when it is written.
    fs.symlinkSync(join(root, '.agent-traces'), join(sub, '.agent-traces'));
    expect(place(sub)).toBe(join(project, 'packages/.agent-traces'));
    expect(placeTrace({ projectDir: sub, env: env() }).project).toBe(sub);
    const places = tracePlaces(sub, env());
    expect(places[0]).toBe(place());
    for (const projectDir of [sub, project, undefined]) expect(places).toContain(place(projectDir));
    expect(places).toContain(homeTraceDir(sub, env()));
    expect(places).not.toContain(join(root, '.agent-traces'));
  });

  it('is in the state folder where there is no project', () => {
    const { traceDir } = placeTrace({ cwd: join(root, 'nowhere'), env: env() });
    expect(traceDir).toMatch(new RegExp(`^${join(root, 'home')}/traces/nowhere-[0-9a-f]{8}$`));
    expect(ensureTraceFolder(traceDir, env())).toBeUndefined();
    expect(fs.statSync(join(root, 'home')).mode & 0o777).toBe(0o700);
  });

  it('keeps a folder that was there', () => {
    fs.mkdirSync(join(root, '.agent-traces'));
    expect(ensureTraceFolder(join(root, '.agent-traces'), env())).toBeUndefined();
    expect(fs.readdirSync(join(root, '.agent-traces'))).toEqual([]);
  });
});

describe('small files', () => {
  it('replace a link instead of following it', () => {
    const victim = join(root, 'victim');
    const path = join(root, 'file');
    fs.writeFileSync(victim, 'mine');
    fs.symlinkSync(victim, path);
    expect(readSmallFile(path)).toBeUndefined();
    writeSmallFile(path, 'new');
    expect(fs.readFileSync(victim, 'utf8')).toBe('mine');
    expect(readSmallFile(path)).toBe('new');
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(root).sort()).toEqual(['file', 'victim']);
  });

  it('survive a meta.json that is none', () => {
    const dir = join(root, '.agent-traces');
    append();
    fs.writeFileSync(join(dir, 's1', 'meta.json'), '[1');
    const change = () => ({ session_id: 's1', started_at: 5 });
    expect(updateMeta(dir, 's1', change)).toBeUndefined();
    expect(readSmallFile(join(dir, 's1', 'meta.json'))).toContain('"started_at": 5');
  });
});

it('reads the end of a trace, and says whether it is all', () => {
  const dir = join(root, '.agent-traces');
  expect(readTail(dir, 's1', 10)).toEqual({ bytes: Buffer.alloc(0), whole: true });
  append([event('first'), event('last')]);
  const tail = readTail(dir, 's1', 60);
  expect(tail.whole).toBe(false);
  expect(tail.bytes.length).toBe(60);
  expect(readTail(dir, 's1', 1e6).whole).toBe(true);
});
