import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import { importTranscript } from '../agents/claude/discover.ts';
import { appendEvents } from '../trace/append.ts';
import { BlobStore } from '../trace/blobs.ts';
import { gitBlobId } from '../trace/gitBlobId.ts';
import { TraceSession } from '../trace/session.ts';
import { appendChanges, type ContentRef } from './changeLog.ts';
import type { Content } from './content.ts';
import { FileHistory, isUntouched, readDisk, sessionAfter } from './fileHistory.ts';

const SESSION = 'b73e0797-9ec6-41d4-847d-886a59c3adda';
const captures = join(import.meta.dirname, '../../test/fixtures/claude/transcripts');
let root: string;
let project: string;
let env: Record<string, string>;
let transcript: string;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'history-')));
  project = join(root, 'project');
  fs.mkdirSync(project);
  env = { AGENT_STRACE_HOME: join(root, 'state') };
  fs.mkdirSync(join(root, 'state/state', SESSION), { recursive: true });
  transcript = join(root, 'claude/projects/-p', `${SESSION}.jsonl`);
  fs.mkdirSync(join(transcript, '..'), { recursive: true });
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const traces = () => join(root, 'traces');
const options = () => ({ git: true, env, configDirs: [join(root, 'claude')] });

/** A session's trace as the hooks write it, with the transcript's rows of its edits. */
class Session {
  readonly writer = new TraceWriter(traces(), SESSION, { cwd: project }).start();
  #history: FileHistory | undefined;
  #trace: TraceSession | undefined;

  edit(tool: string, path: string, result: object, kind = 'write'): this {
    const call = this.writer.call(tool, { file_path: path });
    this.writer.result(call, { files: [{ path, kind }], result: 'cut and [REDACTED]' });
    if (Object.keys(result).length > 0) this.row(call, { filePath: path, ...result });
    return this;
  }

  row(call: string, toolUseResult: object, file = transcript): void {
    const content = [{ type: 'tool_result', tool_use_id: call, content: 'ok' }];
    fs.appendFileSync(
      file,
      `${JSON.stringify({ type: 'user', message: { role: 'user', content }, toolUseResult })}\n`,
    );
  }

  command(path: string, before: ContentRef, after: ContentRef): this {
    const call = this.writer.call('Bash', { command: 'x' });
    this.writer.result(call, { files: [{ path, kind: 'write', source: 'stat', ranges: [] }] });
    appendChanges(
      SESSION,
      { call, root: project, files: [{ path, kind: 'write', before, after }] },
      env,
    );
    return this;
  }

  async course(path: string) {
    this.#trace ??= new TraceSession(join(traces(), SESSION), SESSION);
    while (this.#trace.update());
    this.#history ??= new FileHistory(this.#trace, options());
    return (await this.#history.course(path))!;
  }

  /** What the file held after each step, in order. */
  async asOf(path: string): Promise<string[]> {
    const { steps } = this.#trace!.fold;
    const found = Array.from({ length: steps.length }, async (_, step) =>
      shown((await this.#history!.asOf(path, steps.row(step))).content),
    );
    return await Promise.all(found);
  }
}

const shown = (content: Content): string =>
  !content.known ? `? ${content.why}` : content.exists ? content.text : '(none)';
const file = (name: string, text?: string): string => {
  const path = join(project, name);
  if (text !== undefined) fs.writeFileSync(path, text);
  return path;
};

describe.each(fs.readdirSync(captures))('the captured session %s', (name) => {
  const main = fs
    .readdirSync(join(captures, name))
    .filter((entry) => entry.endsWith('.jsonl') && !entry.startsWith('agent-'))[0]!;
  const id = basename(main, '.jsonl');

  it('gives back each edit exactly', async () => {
    fs.cpSync(join(captures, name), join(transcript, '..'), { recursive: true });
    const { events } = importTranscript(join(transcript, '..', main));
    appendEvents(traces(), id, events);
    const trace = new TraceSession(join(traces(), id), id);
    while (trace.update());
    const history = new FileHistory(trace, options());
    const rows = fs
      .readdirSync(join(captures, name), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.jsonl'))
      .flatMap((path) =>
        fs
          .readFileSync(join(captures, name, path), 'utf8')
          .trim()
          .split('\n'),
      )
      .map((line) => JSON.parse(line) as { toolUseResult?: Record<string, unknown> });
    const edits = rows.flatMap(({ toolUseResult: r }) =>
      typeof r?.filePath === 'string' && 'structuredPatch' in r ? [r] : [],
    );
    const seen = new Map<string, number>();
    for (const edit of edits) {
      const path = String(edit.filePath);
      const at = seen.get(path) ?? 0;
      seen.set(path, at + 1);
      const { versions } = (await history.course(path))!;
      const version = versions[at]!;
      expect(shown(version.before)).toBe(edit.originalFile ?? '(none)');
      expect(shown(version.after)).toBe(
        edit.content ??
          String(edit.originalFile).replace(String(edit.oldString), () => String(edit.newString)),
      );
    }
    for (const [path, count] of seen) {
      expect((await history.course(path))!.versions).toHaveLength(count);
    }
  });
});

describe('the course of a file', () => {
  it('goes through edits, a whole new text, and a command', async () => {
    const path = file('a.txt', 'four\n');
    const store = new BlobStore(env);
    const third = store.put(Buffer.from('three\n'))!;
    const fourth = store.put(Buffer.from('four\n'))!;
    const { versions, disk, ...course } = await new Session()
      .edit('Edit', path, { originalFile: 'one\n', oldString: 'one', newString: 'two' })
      .edit('Write', path, { type: 'update', originalFile: 'two\n', content: 'three\n' })
      .command(path, { at: 'blob', id: third }, { at: 'blob', id: fourth })
      .course(path);
    expect(versions.map(({ before, after }) => [shown(before), shown(after)])).toEqual([
      ['one\n', 'two\n'],
      ['two\n', 'three\n'],
      ['three\n', 'four\n'],
    ]);
    expect(isUntouched({ ...course, versions, disk })).toBe(true);
    fs.writeFileSync(path, 'mine\n');
    expect(shown(sessionAfter({ ...course, versions, disk }))).toBe('four\n');
  });

  it('never takes a text from the trace', async () => {
    const path = file('a.txt', 'disk\n');
    const { versions } = await new Session().edit('Edit', path, {}).course(path);
    expect(versions.map(({ before, after }) => [shown(before), shown(after)])).toEqual([
      ['? noRecord', '? noRecord'],
    ]);
  });

  it('does not give one file the text of another', async () => {
    const path = file('a.txt');
    const session = new Session();
    const call = session.writer.call('Edit', { file_path: path });
    session.writer.result(call, { files: [{ path, kind: 'write' }] });
    session.row(call, {
      filePath: '/home/u/.ssh/config',
      originalFile: 'secret',
      oldString: 's',
      newString: 't',
    });
    const { versions } = await session.course(path);
    expect(shown(versions[0]!.before)).toBe('? noRecord');
  });

  it('keeps line ends that the transcript does not tell', async () => {
    const path = file('crlf.txt', 'one\r\n2\r\nthree\r\n');
    const { versions } = await new Session()
      .edit('Edit', path, { originalFile: 'one\ntwo\nthree\n', oldString: 'two', newString: '2' })
      .course(path);
    expect(shown(versions[0]!.before)).toBe('one\r\ntwo\r\nthree\r\n');
    expect(shown(versions[0]!.after)).toBe('one\r\n2\r\nthree\r\n');
  });

  it('finds the line ends of before a whole new text in git', async () => {
    const path = file('crlf.txt', 'one\r\ntwo\r\n');
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], { cwd: project });
    git('init', '-q');
    git('add', '-A');
    git('commit', '-qm', 'x');
    fs.writeFileSync(path, 'new\n');
    const { versions } = await new Session()
      .edit('Edit', path, { originalFile: 'one\ntwo\n', oldString: 'two', newString: '2' })
      .edit('Write', path, { type: 'update', originalFile: 'one\n2\n', content: 'new\n' })
      .course(path);
    expect(versions.map(({ before, after }) => [shown(before), shown(after)])).toEqual([
      ['one\r\ntwo\r\n', 'one\r\n2\r\n'],
      ['one\r\n2\r\n', 'new\n'],
    ]);
  });

  it('is exact for odd texts', async () => {
    for (const [name, before, after] of [
      ['bom.txt', '\ufeffa\nb', '\ufeffa\nc'],
      ['unicode ✓.txt', 'ä😀\u2028b\n', 'ä😀\u2028c\n'],
      ['open.txt', 'a\nb', 'a\nc'],
    ] as const) {
      fs.rmSync(traces(), { recursive: true, force: true });
      const path = file(name, after);
      const course = await new Session()
        .edit('Edit', path, { originalFile: before, oldString: 'b', newString: 'c' })
        .course(path);
      expect(shown(course.versions[0]!.before)).toBe(before);
      expect(isUntouched(course)).toBe(true);
    }
  });

  it('derives a text where the record holds the change only', async () => {
    const path = file('a.txt', 'three\n');
    const { versions } = await new Session()
      .edit('Write', path, { type: 'create', originalFile: null, content: 'one\n' }, 'create')
      .edit('Edit', path, { originalFile: null, oldString: 'one', newString: 'two' })
      .edit('Edit', path, { originalFile: null, oldString: 'nowhere', newString: 'x' })
      .course(path);
    expect(versions.map(({ before, after }) => [shown(before), shown(after)])).toEqual([
      ['(none)', 'one\n'],
      ['one\n', 'two\n'],
      ['? noRecord', '? noRecord'],
    ]);
  });

  it('reads git where it had the file, and says where it has not', async () => {
    const path = file('a.txt', 'in git\n');
    execFileSync('git', ['init', '-q'], { cwd: project });
    execFileSync('git', ['hash-object', '-w', 'a.txt'], { cwd: project });
    const id = gitBlobId(Buffer.from('in git\n'));
    const none = 'f'.repeat(40);
    const { versions } = await new Session()
      .command(path, { at: 'git', id, size: 7 }, { at: 'blob', id: none })
      .command(path, { at: 'git', id, size: 8 }, { at: 'git', id: none, size: 1 })
      .command(path, { at: 'git', id, size: 999 }, { at: 'unknown', why: 'time' })
      .command(path, { at: 'git', id: '--help', size: 1 }, { at: 'unknown', why: 'sensitive' })
      .course(path);
    expect(versions.map(({ before, after }) => [shown(before), shown(after)])).toEqual([
      ['in git\n', '? gone'],
      ['in git\r\n', '? gone'],
      ['? filtered', '? late'],
      ['? gone', '? sensitive'],
    ]);
  });

  it('shows no binary file as text', async () => {
    const path = file('a.bin');
    const id = new BlobStore(env).put(Buffer.from([0x89, 0x50, 0, 1]))!;
    const latin = new BlobStore(env).put(Buffer.from([0xe4, 0xf6]))!;
    const { versions } = await new Session()
      .command(path, { at: 'blob', id }, { at: 'blob', id: latin })
      .course(path);
    expect(versions.map(({ before, after }) => [shown(before), shown(after)])).toEqual([
      ['? binary', '? binary'],
    ]);
  });

  it('follows no link on the disk', async () => {
    fs.writeFileSync(join(root, 'outside'), 'outside');
    const path = file('link.txt');
    fs.symlinkSync(join(root, 'outside'), path);
    const { disk } = await new Session().edit('Edit', path, {}).course(path);
    expect(shown(disk)).toBe('? unreadable');
  });
});

describe('the transcript', () => {
  it('is read on as it grows, and anew when it was written anew', async () => {
    const path = file('a.txt', 'x\n');
    const session = new Session();
    session.edit('Edit', path, { originalFile: 'a\n', oldString: 'a', newString: 'b' });
    expect(shown((await session.course(path)).versions[0]!.before)).toBe('a\n');
    const rows = fs.readFileSync(transcript);
    session.edit('Edit', path, { originalFile: 'b\n', oldString: 'b', newString: 'c' });
    const more = await session.course(path);
    expect(more.versions.map(({ after }) => shown(after))).toEqual(['b\n', 'c\n']);
    // After a compaction: other rows stand where these stood.
    const both = fs.readFileSync(transcript);
    fs.writeFileSync(transcript, Buffer.concat([Buffer.from('{"type":"summary"}\n'), both]));
    session.edit('Edit', path, { originalFile: 'c\n', oldString: 'c', newString: 'd' });
    const anew = await session.course(path);
    expect(anew.versions.map(({ after }) => shown(after))).toEqual(['b\n', 'c\n', 'd\n']);
    expect(rows.length).toBeGreaterThan(0);
  });

  it('of a subagent counts too', async () => {
    const path = file('a.txt', 'b\n');
    const session = new Session();
    fs.writeFileSync(transcript, '{"type":"summary"}\n');
    const folder = join(transcript.replace('.jsonl', ''), 'subagents');
    fs.mkdirSync(folder, { recursive: true });
    const call = session.writer.call('Edit', { file_path: path }, { agent_id: 'x1' });
    session.writer.result(call, { files: [{ path, kind: 'write' }] });
    const result = { filePath: path, originalFile: 'a\n', oldString: 'a', newString: 'b' };
    session.row(call, result, join(folder, 'agent-x1.jsonl'));
    expect(shown((await session.course(path)).versions[0]!.before)).toBe('a\n');
  });

  it('that is torn, huge or hostile does no harm', async () => {
    const path = file('a.txt', 'b\n');
    const session = new Session();
    fs.writeFileSync(
      transcript,
      `{"toolUseResult":{"originalFile":\n${JSON.stringify({
        message: { content: [{ type: 'text', text: '"tool_use_id":"toolu_x"' }, null] },
        toolUseResult: { originalFile: 'x'.repeat(3_000_000) },
      })}\nnull "toolUseResult" "originalFile\n[]\n`,
    );
    session.edit('Edit', path, { originalFile: 'a\n', oldString: 'a', newString: 'b' });
    fs.appendFileSync(transcript, '{"toolUseResult":{"originalFile":"half');
    expect(shown((await session.course(path)).versions[0]!.before)).toBe('a\n');
  });

  it('outside of the agent’s own folder is not read', async () => {
    const path = file('a.txt', 'b\n');
    const elsewhere = join(root, `${SESSION}.jsonl`);
    const session = new Session();
    const call = session.writer.call('Edit', { file_path: path });
    session.writer.result(call, { files: [{ path, kind: 'write' }] });
    session.writer.write(
      session.writer.event('session_start', {
        transcript_path: elsewhere,
        event_subtype: 'resume',
      }),
    );
    const result = { filePath: path, originalFile: 'a\n', oldString: 'a', newString: 'b' };
    session.row(call, result, elsewhere);
    expect(shown((await session.course(path)).versions[0]!.before)).toBe('? noRecord');
  });

  it('can be given up', async () => {
    const path = file('a.txt', 'b\n');
    new Session().edit('Edit', path, {});
    const trace = new TraceSession(join(traces(), SESSION), SESSION);
    while (trace.update());
    const history = new FileHistory(trace, options());
    await expect(history.course(path, AbortSignal.abort())).rejects.toThrow('abort');
    expect((await history.course(path))?.versions).toHaveLength(1);
  });
});

describe('a path of a trace', () => {
  it('that may not be looked at is not', async () => {
    const outside = join(root, 'outside.txt');
    fs.writeFileSync(outside, 'mine\n');
    const session = new Session();
    session.edit('Edit', outside, {});
    const asked: string[] = [];
    const mayLook = (path: string): boolean => {
      asked.push(path);
      return false;
    };
    const trace = new TraceSession(join(traces(), SESSION), SESSION);
    while (trace.update(1e6));
    const course = await new FileHistory(trace, { ...options(), mayLook }).course(outside);
    expect(course?.disk).toEqual({ known: false, why: 'outside' });
    expect(JSON.stringify(course)).not.toContain('mine');
    expect(new Set(asked)).toEqual(new Set([outside]));
  });

  it.skipIf(process.platform !== 'linux')('that has no end is given up', () => {
    expect(readDisk('/proc/self/pagemap').known).toBe(false);
    const empty = join(root, 'empty');
    fs.writeFileSync(empty, '');
    expect(readDisk(empty)).toMatchObject({ known: true, text: '' });
  });
});

describe('a file as of a step', () => {
  it('is what the last change until then left, else what was there before the first', async () => {
    const path = file('a.py', 'three\n');
    const session = new Session();
    session.writer.prompt('Go');
    session.edit('Edit', path, { originalFile: 'one\n', oldString: 'one', newString: 'two' });
    session.writer.prompt('On');
    session.edit('Edit', path, { originalFile: 'two\n', oldString: 'two', newString: 'three' });
    await session.course(path);
    const texts = await session.asOf(path);
    expect(texts).toEqual(['one\n', 'one\n', 'two\n', 'two\n', 'three\n']);
  });

  it('is what the disk has where nobody changed it since, and else not known', async () => {
    const path = file('b.py', 'same\n');
    const old = new Date(Date.now() - 3_600_000);
    fs.utimesSync(path, old, old);
    const session = new Session();
    const call = session.writer.call('Read', { file_path: path });
    session.writer.result(call, { files: [{ path, kind: 'read' }] });
    await session.course(path);
    expect(await session.asOf(path)).toEqual(['same\n', 'same\n']);
    fs.writeFileSync(path, 'other\n');
    const later = new Date(Date.now() + 3_600_000);
    fs.utimesSync(path, later, later);
    expect(await session.asOf(path)).toEqual(['? changedLater', '? changedLater']);
    fs.rmSync(path);
    expect((await session.asOf(path))[0]).toBe('? changedLater');
  });
});
